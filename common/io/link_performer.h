#pragma once
// Performs the effects that every role has: links, log, exit. A relay has both links, the root no
// parent, a leaf no children: an effect for a link that is not there is a broken invariant.
// Nothing here calls back into a role. One thread.

#include "common/io/child_link.h"
#include "common/io/logger.h"
#include "common/io/loop.h"
#include "common/io/parent_link.h"
#include "common/tree/node_event.h"

namespace banyan::io {

class LinkPerformer {
 public:
  struct Parts {
    Loop& loop;
    Logger& logger;
    ChildLink* children = nullptr;
    ParentLink* parent = nullptr;
  };

  explicit LinkPerformer(Parts parts) : parts_(parts) {}

  void perform(tree::LinkEffect effect);
  // In order; the list is emptied.
  void perform(tree::LinkEffects& effects);

 private:
  Parts parts_;
};

}  // namespace banyan::io
