#pragma once
// One instance in several places of a picture: which of them it really is. The higher attach wins;
// where it is the same, what is above it has moved, and its place decides. Pure.

#include "common/tree/selector.h"

namespace banyan::tree {

std::uint64_t attach_of(const Mirror::Node& node);
// Both are places of one instance. A strict order.
bool beats(const Mirror::Node& left, const Mirror::Node& right);
// Its instance stands in a place that beats this one.
bool is_outdone(const Mirror& mirror, const Mirror::Node& node);
// Of a node that is selected in several places only the one that beats the others stays.
void keep_one_place(const Mirror& mirror, Selection& selection);

}  // namespace banyan::tree
