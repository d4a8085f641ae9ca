// What is gathered about a child that fell silent, and round trips.

#include <gtest/gtest.h>

#include "common/tree/ping_table.h"
#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using State = Liveness::State;
using testing::at;
using testing::in_turn;
using testing::Kind;
using testing::ParentSide;
using testing::Said;
using testing::ScriptedChild;

class EvidenceTest : public ::testing::Test {
 protected:
  EvidenceTest() { web_.join(parent_, at({})); }

  Said examined(std::uint32_t unacked, Duration since_ack, Now now) {
    return in_turn(now, [&](Turn& turn) {
      parent_.downlink.on_examined({web_.conn, true, unacked, since_ack}, turn);
    });
  }
  std::string newest() const {
    const auto evidence = parent_.mirror.find("web")->link()->evidence();
    return evidence.empty() ? "" : evidence.Get(evidence.size() - 1);
  }

  ParentSide parent_;
  ScriptedChild web_{"web", 'a', 1};
};

TEST_F(EvidenceTest, ASilentChildIsProbedAndItsConnectionLookedAtOnce) {
  const Said suspect = parent_.time(at(seconds{2}));
  ASSERT_EQ(parent_.state("web"), State::suspect);
  EXPECT_EQ(suspect.frames(Kind::kPing).size(), 1u) << "something that its kernel acknowledges";
  EXPECT_EQ(suspect.effect_count<ExamineChild>(), 0u);
  EXPECT_LE(parent_.downlink.next_deadline(), at(seconds{3}).time);
  EXPECT_EQ(parent_.time(at(seconds{3})).effect_count<ExamineChild>(), 1u);
  EXPECT_EQ(parent_.time(at(seconds{4})).effect_count<ExamineChild>(), 0u);
}

TEST_F(EvidenceTest, AKernelThatAcknowledgesTellsOfAFrozenProcess) {
  parent_.time(at(seconds{2}));
  const Said said = examined(0, milliseconds{900}, at(seconds{3}));
  EXPECT_NE(newest().find("the host is alive"), std::string::npos) << newest();
  EXPECT_EQ(said.of_children<OwnEvent>().size(), 0u) << "evidence is no verdict";
  EXPECT_EQ(parent_.state("web"), State::suspect);
}

TEST_F(EvidenceTest, AKernelThatDoesNotTellsOfALostHostOrPath) {
  parent_.time(at(seconds{2}));
  examined(2, milliseconds{2900}, at(seconds{3}));
  EXPECT_NE(newest().find("2900 ms"), std::string::npos) << newest();
  EXPECT_NE(newest().find("host or the way to it is gone"), std::string::npos);
}

TEST_F(EvidenceTest, WhatTheChildSaidOfItsOwnLatenessIsTold) {
  v1::Frame beat;
  beat.mutable_beat()->mutable_own()->set_lateness_ms(1'800);
  web_.say(parent_, beat, at({}));
  parent_.time(at(seconds{2}));
  parent_.time(at(milliseconds{3'800}));  // so much later it is suspect
  examined(0, milliseconds{1}, at(seconds{4}));
  EXPECT_NE(newest().find("1800 ms late"), std::string::npos) << newest();
}

TEST_F(EvidenceTest, AnAnswerAboutAnotherOrTooLateIsIgnored) {
  const std::string before = newest();
  examined(0, {}, at(seconds{1}));
  EXPECT_EQ(newest(), before) << "it is not suspect";
  parent_.time(at(seconds{2}));
  const std::string suspect = newest();
  in_turn(at(seconds{3}), [&](Turn& turn) {
    parent_.downlink.on_examined({web_.conn, false, 0, {}}, turn);
    parent_.downlink.on_examined({99, true, 0, {}}, turn);
  });
  EXPECT_EQ(newest(), suspect);
}

// ---- round trips

class PingTest : public ::testing::Test {
 protected:
  PingTest() {
    east_.role = "relay";
    east_.join(parent_, at({}));
  }
  Said ping(const std::string& path, Now now) {
    v1::Ping message;
    message.set_number(7);
    message.set_path(path);
    return in_turn(now, [&](Turn& turn) { pings_.on_ping(message, turn, rising_); });
  }

  ParentSide parent_;
  ScriptedChild east_{"east", 'a', 1};
  PingTable pings_{parent_.downlink};
  std::vector<v1::Pong> rising_;
};

TEST_F(PingTest, EachHopTellsItsOwnPart) {
  const auto down = ping("east/rack/web", at({})).frames(Kind::kPing);
  ASSERT_EQ(down.size(), 1u);
  EXPECT_EQ(down[0].ping().path(), "rack/web");
  v1::Pong pong;
  pong.set_number(down[0].ping().number());
  for (const auto& [path, us] : {std::pair{"rack", 3'000}, {"rack/web", 1'000}}) {
    v1::Hop& hop = *pong.add_hops();
    hop.set_path(path);
    hop.set_round_trip_us(static_cast<std::uint64_t>(us));
  }
  pings_.on_pong("west", pong, at(milliseconds{10}), rising_);
  EXPECT_TRUE(rising_.empty()) << "not whom it was handed to";
  pings_.on_pong("east", pong, at(milliseconds{10}), rising_);
  ASSERT_EQ(rising_.size(), 1u);
  EXPECT_EQ(rising_[0].number(), 7u);
  ASSERT_EQ(rising_[0].hops_size(), 3);
  EXPECT_EQ(rising_[0].hops(0).round_trip_us(), 6'000u);
  EXPECT_EQ(rising_[0].hops(2).path(), "east/rack/web");
}

TEST_F(PingTest, WhereItBreaksIsToldAtOnce) {
  ping("nobody", at({}));
  ASSERT_EQ(rising_.size(), 1u);
  EXPECT_NE(rising_[0].broken().find("not known"), std::string::npos);
  ping("east", at({}));
  pings_.on_child_gone("east", rising_);
  ASSERT_EQ(rising_.size(), 2u);
  EXPECT_NE(rising_[1].broken().find("broke"), std::string::npos);
  EXPECT_EQ(pings_.next_deadline(), never);
}

TEST_F(PingTest, SilenceIsAnAnswerInTheEnd) {
  ping("east", at({}));
  EXPECT_EQ(pings_.next_deadline(), at(seconds{10}).time);
  pings_.on_time(at(seconds{10}).time, rising_);
  ASSERT_EQ(rising_.size(), 1u);
  EXPECT_FALSE(rising_[0].broken().empty());
}

}  // namespace
}  // namespace banyan::tree
