#pragma once
// A mirror kept somewhere else, by what changes: what goes to disk, and how it comes back.
//
// Each update brings a copy of the mirror's facts to the state after the change: prunes first, then
// facts in any order. Nothing of it is believed when it comes back: links are what they are, and
// the digests of the first session find what is not true any more. Pure.

#include <vector>

#include "common/tree/mirror.h"

namespace banyan::tree {

// What has changed, with the values that the mirror holds now. In parts of about 64 KiB.
std::vector<v1::Update> picture_of(const Changes& changes, const Mirror& mirror);

// Returns how many facts were refused (not valid for this version).
std::size_t restore_picture(const v1::Update& update, Mirror& mirror);

}  // namespace banyan::tree
