// When updates may go: at once, by size, by time, by acknowledgement.

#include "common/tree/update_window.h"

#include <gtest/gtest.h>

namespace banyan::tree {
namespace {

constexpr Time start = Time{} + seconds{10};

TEST(UpdateWindow, SendsAtOnceWhenNothingIsInFlight) {
  UpdateWindow window;
  EXPECT_TRUE(window.may_send(false, start));
  window.sent(100, start);
  EXPECT_FALSE(window.may_send(false, start));
  window.acknowledged(1);
  EXPECT_TRUE(window.may_send(false, start));
}

TEST(UpdateWindow, NumbersFromOneAndAcknowledgesCumulatively) {
  UpdateWindow window;
  EXPECT_EQ(window.sent(1, start), 1u);
  EXPECT_EQ(window.sent(1, start), 2u);
  EXPECT_EQ(window.sent(1, start), 3u);
  window.acknowledged(2);
  EXPECT_FALSE(window.may_send(false, start));
  window.acknowledged(3);
  EXPECT_TRUE(window.may_send(false, start));
}

TEST(UpdateWindow, AWholeFrameGoesWhileFewerThanEightAreInFlight) {
  UpdateWindow window;
  for (std::size_t i = 0; i < UpdateWindow::max_frames; ++i) {
    ASSERT_TRUE(window.may_send(true, start));
    window.sent(10, start);
  }
  EXPECT_FALSE(window.may_send(true, start));
  EXPECT_FALSE(window.may_send(true, start + seconds{9})) << "a full window opens by no time";
  window.acknowledged(1);
  EXPECT_TRUE(window.may_send(true, start));
}

TEST(UpdateWindow, IsFullAt256KibInFlight) {
  UpdateWindow window;
  window.sent(UpdateWindow::max_bytes - 1, start);
  EXPECT_TRUE(window.may_send(true, start));
  window.sent(1, start);
  EXPECT_FALSE(window.may_send(true, start));
  EXPECT_EQ(window.next_deadline(true), never);
}

TEST(UpdateWindow, AfterTheGatheringTimeAPartOfAFrameGoes) {
  UpdateWindow window;
  window.sent(10, start);
  EXPECT_EQ(window.next_deadline(true), start + UpdateWindow::gather);
  EXPECT_FALSE(window.may_send(false, start + UpdateWindow::gather - Duration{1}));
  EXPECT_TRUE(window.may_send(false, start + UpdateWindow::gather));
}

TEST(UpdateWindow, HasNoDeadlineWhenNothingWaits) {
  UpdateWindow window;
  window.sent(10, start);
  EXPECT_EQ(window.next_deadline(false), never);
}

TEST(UpdateWindow, IgnoresAcknowledgementsOfOtherNumbers) {
  UpdateWindow window;
  window.sent(10, start);
  window.acknowledged(0);
  EXPECT_FALSE(window.may_send(false, start));
  window.acknowledged(~std::uint64_t{0});
  EXPECT_TRUE(window.may_send(false, start));
  EXPECT_EQ(window.sent(10, start), 2u);
}

TEST(UpdateWindow, BeginsAnewWithEachSession) {
  UpdateWindow window;
  window.sent(UpdateWindow::max_bytes, start);
  window.reset();
  EXPECT_TRUE(window.may_send(false, start));
  EXPECT_EQ(window.sent(1, start), 1u);
}

}  // namespace
}  // namespace banyan::tree
