#include "common/tree/fact_pack.h"

#include <gtest/gtest.h>

#include <map>

#include "common/base/random.h"

namespace banyan::tree {
namespace {

constexpr std::string_view instance = "0123456789abcdef0123456789abcdef";

// Pieces that repeat, pieces of hex, and noise.
std::string some_bytes(Random& random) {
  std::string bytes;
  const auto pieces = random.below(8);
  for (std::uint64_t i = 0; i < pieces; ++i) {
    switch (random.below(4)) {
      case 0:
        bytes += instance.substr(random.below(31));
        break;
      case 1:
        bytes += std::string(random.below(200), static_cast<char>(random.below(256)));
        break;
      case 2:
        bytes += "2023-11-14T22:13:20.400Z up: digest equal";
        break;
      default:
        for (auto left = random.below(20); left > 0; --left) {
          bytes += static_cast<char>(random.below(256));
        }
    }
  }
  return bytes;
}

TEST(FactPack, GivesBackWhatWasPackedAlsoLongAfterwards) {
  Random random(7);
  FactPack pack;
  std::map<std::string, std::pair<std::string, std::string>> kept;
  for (int i = 0; i < 3000; ++i) {
    const std::string bytes = some_bytes(random);
    const std::string context = some_bytes(random);
    const std::string packed = pack.pack(bytes, context);
    ASSERT_EQ(pack.unpack(packed, context), bytes);
    kept[packed] = {bytes, context};
  }
  for (const auto& [packed, value] : kept)
    ASSERT_EQ(pack.unpack(packed, value.second), value.first);
}

TEST(FactPack, TakesValuesOfAnySize) {
  FactPack pack;
  for (const std::size_t size : {0U, 1U, 3U, 4U, 66U, 67U, 68U, 128U, 129U, 131072U}) {
    const std::string same(size, 'x');
    EXPECT_EQ(pack.unpack(pack.pack(same, ""), ""), same) << size;
    const std::string packed = pack.pack(same, same);
    EXPECT_EQ(pack.unpack(packed, same), same) << size;
  }
}

TEST(FactPack, WhatIsAlikeTakesAFewBytes) {
  FactPack pack;
  const auto value = [](int number) {
    return "web-" + std::to_string(1000 + number) + ".example /usr/bin/serve --port 8080";
  };
  pack.pack(value(0), "");
  EXPECT_LT(pack.pack(value(1), "").size(), 20U);
}

TEST(FactPack, AnInstanceTakesHalfAndThatOfTheContextThreeBytes) {
  FactPack pack;
  const std::string other = "fedcba98765432100f1e2d3c4b5a6978";
  EXPECT_EQ(pack.pack(other, "").size(), 17U);
  EXPECT_LE(pack.pack(other, "web-1 " + other).size(), 3U);
}

TEST(FactPack, LearnsNoMoreThanItsLimit) {
  Random random(3);
  FactPack pack;
  for (int i = 0; i < 2000; ++i) {
    std::string noise;
    for (int size = 0; size < 100; ++size) noise += static_cast<char>(random.below(256));
    const std::string packed = pack.pack(noise, "");
    ASSERT_EQ(pack.unpack(packed, ""), noise);
    ASSERT_LE(packed.size(), 102U);
  }
}

}  // namespace
}  // namespace banyan::tree
