#include "common/tree/admission.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/name.h"
#include "common/tree/codec.h"

namespace banyan::tree {
namespace {

constexpr std::size_t max_text = 255;  // both go into facts and events above

bool is_instance(const std::string& text) {
  return text.size() == 32 && text.find_first_not_of("0123456789abcdef") == std::string::npos;
}

Judgement refuse(const char* reason, std::string text, unsigned retry_after_ms = 10'000) {
  Judgement judgement;
  judgement.admission = Admission::refuse;
  judgement.refused.set_reason(reason);
  judgement.refused.set_text(std::move(text));
  judgement.refused.set_retry_after_ms(retry_after_ms);
  return judgement;
}

bool same_boot(const v1::Boot& a, const v1::Boot& b) {
  return a.start_ms() == b.start_ms() && a.random() == b.random();
}

std::optional<Judgement> judge_form(const v1::Hello& hello) {
  if (hello.protocol_min() > protocol_version || hello.protocol_max() < protocol_version) {
    return refuse("version",
                  fmt::format("it speaks protocol {} to {}, this node speaks {}",
                              hello.protocol_min(), hello.protocol_max(), protocol_version));
  }
  if (!is_name(hello.name())) return refuse("bad_hello", "its name is not valid");
  if (!is_instance(hello.instance()))
    return refuse("bad_hello", "its instance is not 32 hex digits");
  if (hello.host().size() > max_text || hello.version().size() > max_text) {
    return refuse("bad_hello",
                  fmt::format("its host or version is longer than {} bytes", max_text));
  }
  if (hello.role() != "leaf" && hello.role() != "relay") {
    return refuse("bad_hello", "its role is neither leaf nor relay");
  }
  return std::nullopt;
}

std::optional<Judgement> judge_place(const v1::Hello& hello, const AdmissionContext& context) {
  if (context.stopping) return refuse("stopping", "this node is stopping", 1'000);
  const milliseconds interval{hello.beat_interval_ms()};
  if (interval.count() == 0 || interval >= context.timeout) {
    return refuse("interval",
                  fmt::format("hb_interval of {} is {} ms, but timeout of its parent {} is {} ms: "
                              "the interval must be shorter",
                              hello.name(), interval.count(), context.self.name,
                              context.timeout / milliseconds{1}));
  }
  const auto& above = context.ancestors;
  if (hello.instance() == context.self.instance ||
      std::find(above.begin(), above.end(), hello.instance()) != above.end()) {
    return refuse("loop", hello.name() + " is itself above this node");
  }
  const std::size_t deepest = context.depth + 1 + hello.depth_below();
  if (deepest > max_tree_depth) {
    return refuse("too_deep", fmt::format("the tree would be {} levels deep, at most {}", deepest,
                                          max_tree_depth));
  }
  return std::nullopt;
}

// A name belongs to one key, and a key to one name.
std::optional<Judgement> judge_key(const v1::Hello& hello, const KeyHolder* key) {
  if (key == nullptr) return std::nullopt;
  if (hello.name() != key->name) {
    return refuse("key", fmt::format("key {} is the one of {}, not of {}: set its name, or change "
                                     "the key's line in authorized_keys of its parent",
                                     key->fingerprint, key->name, hello.name()));
  }
  if (key->role.empty() || hello.role() == key->role) return std::nullopt;
  return refuse("key", fmt::format("key {} of {} is the one of a {}, not of a {}", key->fingerprint,
                                   key->name, key->role, hello.role()));
}

}  // namespace

Judgement judge(const v1::Hello& hello, const Child* holder, const AdmissionContext& context) {
  if (auto bad = judge_form(hello)) return *bad;
  if (auto bad = judge_key(hello, context.key)) return *bad;
  if (auto bad = judge_place(hello, context)) return *bad;
  if (holder == nullptr) {
    if (context.children < context.max_children) return {};
    return refuse("full", fmt::format("this node has {} children, at most {}", context.children,
                                      context.max_children));
  }
  if (holder->instance == hello.instance()) {
    // A late Hello of an old attempt must not take the session over.
    const bool late = same_boot(holder->boot, hello.boot()) && hello.attach() <= holder->attach;
    const auto same = [&hello](const v1::Boot& boot) { return same_boot(boot, hello.boot()); };
    const auto& replaced = holder->replaced;
    if (holder->in_session() && std::any_of(replaced.begin(), replaced.end(), same)) {
      return refuse("duplicate_instance",
                    fmt::format("the instance {} runs twice: on {} and on {}; a copied state "
                                "directory must be emptied",
                                hello.instance(), holder->host, hello.host()));
    }
    Judgement judgement;
    judgement.admission = late ? Admission::ignore : Admission::accept;
    return judgement;
  }
  if (holder->in_session()) {
    return refuse("duplicate_name",
                  fmt::format("the name {} is held by another node (instance {}, host {})",
                              hello.name(), holder->instance, holder->host));
  }
  Judgement judgement;
  judgement.replaces_instance = true;
  return judgement;
}

}  // namespace banyan::tree
