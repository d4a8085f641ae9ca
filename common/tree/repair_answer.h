#pragma once
// The child's side of a repair: the answer to one question about a node of its mirror, in pages of
// about 32 KiB. The caller has told everything that waits at and below the node before, so that
// what is present there is what was told. Pure.

#include <vector>

#include "common/tree/mirror.h"

namespace banyan::tree {

// At least one page; number and `more` are set, `told` is the caller's.
std::vector<v1::Answer> answer_question(const Mirror& mirror, const v1::Question& question);

}  // namespace banyan::tree
