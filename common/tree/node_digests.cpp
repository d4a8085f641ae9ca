#include "common/tree/node_digests.h"

namespace banyan::tree {

std::size_t bucket_of(std::string_view name) { return name_hash(name) % bucket_count; }

bool needs_buckets(const Mirror::Node& node) {
  return node.children().size() > max_listed || node.fact_count() > max_listed;
}

Digest own_digest(const Mirror::Node& node) {
  Digest sum = node.digest();
  for (const auto& child : node.children()) sum -= child->digest();
  return sum;
}

std::array<BucketDigests, bucket_count> bucket_digests(const Mirror::Node& node) {
  std::array<BucketDigests, bucket_count> sums{};
  node.each_place([&](int kind, std::string_view id) {
    sums[bucket_of(id)].own += node.find_fact(static_cast<v1::FactKind>(kind), id)->hash;
    return true;
  });
  for (const auto& child : node.children()) {
    sums[bucket_of(child->name())].children += child->digest();
  }
  return sums;
}

bool in_question(std::uint32_t bucket, std::string_view name) {
  return bucket == 0 || bucket_of(name) == bucket - 1;
}

Digest digest_of(const v1::Digest& digest) { return {digest.high(), digest.low()}; }

void set_digest(v1::Digest& out, const Digest& digest) {
  out.set_high(digest.high);
  out.set_low(digest.low);
}

}  // namespace banyan::tree
