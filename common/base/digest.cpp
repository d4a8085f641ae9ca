#include "common/base/digest.h"

#include <string>

#include <xxhash.h>

namespace banyan {
namespace {

void append_field(std::string& out, std::string_view field) {
  const std::uint64_t size = field.size();
  for (int shift = 0; shift < 64; shift += 8) out += static_cast<char>((size >> shift) & 0xff);
  out += field;
}

}  // namespace

Digest& Digest::operator+=(const Digest& other) {
  const std::uint64_t sum = low + other.low;  // `other` may be this very digest
  high += other.high + (sum < low ? 1 : 0);
  low = sum;
  return *this;
}

Digest& Digest::operator-=(const Digest& other) {
  const std::uint64_t borrow = low < other.low ? 1 : 0;
  low -= other.low;
  high -= other.high + borrow;
  return *this;
}

Digest fact_hash(std::string_view instance, int kind, std::string_view id, std::string_view value) {
  std::string input;
  input.reserve(instance.size() + id.size() + value.size() + 20);
  append_field(input, instance);
  for (int shift = 0; shift < 32; shift += 8) input += static_cast<char>((kind >> shift) & 0xff);
  append_field(input, id);
  input += value;
  const XXH128_hash_t hash = XXH3_128bits(input.data(), input.size());
  return {hash.high64, hash.low64};
}

std::uint64_t name_hash(std::string_view name) { return XXH3_64bits(name.data(), name.size()); }

}  // namespace banyan
