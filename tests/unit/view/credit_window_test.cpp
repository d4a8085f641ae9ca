// The window of a log stream: it doubles when it is what limits the stream, and only then.

#include "common/view/credit_window.h"

#include <gtest/gtest.h>

namespace banyan::view {
namespace {

constexpr std::uint64_t kib = 1024;
constexpr Time start{seconds{1'000}};

// A source that always has more, behind a way of this round trip and this speed.
class Way {
 public:
  Way(Duration rtt, std::uint64_t bytes_per_ms) : rtt_(rtt), speed_(bytes_per_ms) {
    window_.opened(256 * kib, now_);
    free_ = now_;
    send(256 * kib);
  }
  // The reader takes what comes at once, or leaves it lying.
  void run(int arrivals, bool keeps_up = true) {
    for (int i = 0; i < arrivals; ++i) {
      const auto [at, bytes] = on_the_way_.front();
      on_the_way_.erase(on_the_way_.begin());
      now_ = std::max(now_, at);
      window_.received(bytes, now_);
      send(window_.give(bytes, keeps_up, now_));
    }
  }
  std::uint64_t window() const { return window_.window(); }

 private:
  void send(std::uint64_t bytes) {
    for (; bytes > 0; bytes -= std::min(bytes, chunk)) {
      const auto size = std::min(bytes, chunk);
      free_ = std::max(free_, now_ + rtt_) + milliseconds{size / speed_};
      on_the_way_.emplace_back(free_, size);
    }
  }

  static constexpr std::uint64_t chunk = 32 * kib;
  CreditWindow window_{256 * kib, 2048 * kib};
  Duration rtt_;
  std::uint64_t speed_;
  Time now_ = start;
  Time free_{};
  std::vector<std::pair<Time, std::uint64_t>> on_the_way_;
};

TEST(CreditWindow, GrowsToItsLimitOnALongFastWay) {
  Way way(milliseconds{200}, 100'000);
  way.run(200);
  EXPECT_EQ(way.window(), 2048 * kib);
}

TEST(CreditWindow, DoesNotGrowWhereTheLinkIsWhatLimits) {
  Way way(milliseconds{20}, 1'000);  // 256 KiB take 262 ms
  way.run(400);
  EXPECT_EQ(way.window(), 256 * kib);
}

TEST(CreditWindow, GrowsNoFurtherThanFillsTheLink) {
  Way way(milliseconds{50}, 10'000);  // half a megabyte a round trip
  way.run(1'000);
  EXPECT_GT(way.window(), 256 * kib);
  EXPECT_LE(way.window(), 1024 * kib);
}

TEST(CreditWindow, DoesNotGrowForAReaderThatDoesNotKeepUp) {
  Way way(milliseconds{200}, 100'000);
  way.run(200, false);
  EXPECT_EQ(way.window(), 256 * kib);
}

TEST(CreditWindow, DoesNotGrowWhenAWindowTakesLongerThanASecond) {
  Way way(milliseconds{1'500}, 100'000);
  way.run(200);
  EXPECT_EQ(way.window(), 256 * kib);
}

TEST(CreditWindow, ANewStreamBeginsWithTheFirstWindow) {
  CreditWindow window(256 * kib, 2048 * kib);
  Time now = start;
  window.opened(256 * kib, now);
  for (int i = 0; i < 40; ++i) {
    now += milliseconds{100};
    window.received(256 * kib, now);
    window.give(256 * kib, true, now);
  }
  ASSERT_GT(window.window(), 256 * kib);
  window.opened(200 * kib, now);
  EXPECT_EQ(window.window(), 256 * kib);
}

}  // namespace
}  // namespace banyan::view
