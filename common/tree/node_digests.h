#pragma once
// What two ends of a link compare when their digests differ: the parts of one node's digest.
//
// A node with more than `max_listed` children or facts is compared in 256 buckets, by the hash of a
// fact's id or of a child's name, so that no answer grows with the node. Cost: one pass over the
// node's own facts and children; nothing is kept. Pure.

#include <array>
#include <string_view>

#include "common/tree/mirror.h"

namespace banyan::tree {

inline constexpr std::size_t max_listed = 1024;
inline constexpr std::size_t bucket_count = 256;

std::size_t bucket_of(std::string_view name);
bool needs_buckets(const Mirror::Node& node);

// Of the node's own facts alone.
Digest own_digest(const Mirror::Node& node);

struct BucketDigests {
  Digest own;
  Digest children;
};
std::array<BucketDigests, bucket_count> bucket_digests(const Mirror::Node& node);

// Whether a question about this bucket (0 = all, b + 1 = bucket b) means this name.
bool in_question(std::uint32_t bucket, std::string_view name);

Digest digest_of(const v1::Digest& digest);
void set_digest(v1::Digest& out, const Digest& digest);

}  // namespace banyan::tree
