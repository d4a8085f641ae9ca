#pragma once
// The digest of a set of facts: the sum, modulo 2^128, of the hashes of its members. Adding and
// removing a member is one addition, and the digest of a union of disjoint sets is the sum of
// theirs. A sum and not an xor, so that the same fact told in two places does not cancel itself. No
// proof against a liar (xxh3 is not cryptographic): it finds faults, not attacks.

#include <cstdint>
#include <string_view>

namespace banyan {

struct Digest {
  std::uint64_t high = 0;
  std::uint64_t low = 0;

  Digest& operator+=(const Digest& other);
  Digest& operator-=(const Digest& other);
  bool operator==(const Digest&) const = default;
};

// h(instance, kind, id, value): 128 bits of xxh3 over the length-prefixed fields.
Digest fact_hash(std::string_view instance, int kind, std::string_view id, std::string_view value);

// XXH3-64 of a name, the same everywhere: to spread names over buckets.
std::uint64_t name_hash(std::string_view name);

}  // namespace banyan
