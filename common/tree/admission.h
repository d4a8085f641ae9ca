#pragma once
// May this Hello become a session? A pure judgement over the Hello, the judge, and whoever holds
// the name now.

#include <optional>

#include "common/tree/child.h"
#include "common/tree/turn.h"

namespace banyan::tree {

struct AdmissionContext {
  const Identity& self;
  const std::vector<std::string>& ancestors;  // instances above the judge
  Duration timeout;                           // the judge's
  std::size_t depth = 0;                      // of the judge; the root has 0
  std::size_t children = 0;
  std::size_t max_children = 0;
  bool stopping = false;
  const KeyHolder* key = nullptr;  // of the connection; null: a link without keys
};

enum class Admission { accept, ignore, refuse };

struct Judgement {
  Admission admission = Admission::accept;
  v1::Refused refused;
  bool replaces_instance = false;  // the name goes to another instance: its old facts are pruned
};

Judgement judge(const v1::Hello& hello, const Child* holder, const AdmissionContext& context);

}  // namespace banyan::tree
