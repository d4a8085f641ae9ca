// Sums of fact hashes: what two ends of a link compare.

#include <gtest/gtest.h>

#include <vector>

#include "common/base/digest.h"
#include "common/base/random.h"

namespace banyan {
namespace {

TEST(Digest, CarriesFromTheLowToTheHighHalf) {
  Digest digest{1, ~std::uint64_t{0}};
  digest += Digest{0, 1};
  EXPECT_EQ(digest, (Digest{2, 0}));
  digest -= Digest{0, 1};
  EXPECT_EQ(digest, (Digest{1, ~std::uint64_t{0}}));
}

TEST(Digest, CarriesWhenAddedToItself) {
  Digest digest{0, std::uint64_t{1} << 63};
  digest += digest;
  EXPECT_EQ(digest, (Digest{1, 0}));
  digest -= digest;
  EXPECT_EQ(digest, Digest{});
}

TEST(Digest, SubtractingUndoesAddingInAnyOrder) {
  Random random(1);
  Digest sum;
  std::vector<Digest> parts;
  for (int i = 0; i < 1000; ++i) parts.push_back({random.next(), random.next()});
  for (const Digest& part : parts) sum += part;
  for (auto it = parts.rbegin(); it != parts.rend(); ++it) sum -= *it;
  EXPECT_EQ(sum, Digest{});
}

TEST(Digest, TheSameFactTwiceDoesNotCancelItself) {
  Digest sum = fact_hash("i", 1, "x", "v");
  sum += fact_hash("i", 1, "x", "v");
  EXPECT_NE(sum, Digest{});
  EXPECT_NE(sum, fact_hash("i", 1, "x", "v"));
}

TEST(FactHash, DependsOnEveryFieldAndOnTheirBorders) {
  const std::vector<Digest> hashes = {fact_hash("i", 1, "ab", "c"),   fact_hash("i", 1, "a", "bc"),
                                      fact_hash("ia", 1, "b", "c"),   fact_hash("i", 2, "ab", "c"),
                                      fact_hash("i", 1, "ab", "c0"),  fact_hash("j", 1, "ab", "c"),
                                      fact_hash("i", 1, "", "abc"),   fact_hash("", 1, "iab", "c"),
                                      fact_hash("i", 257, "ab", "c"), fact_hash("i", 1, "abc", "")};
  for (std::size_t i = 0; i < hashes.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) EXPECT_NE(hashes[i], hashes[j]) << i << " and " << j;
  }
}

}  // namespace
}  // namespace banyan
