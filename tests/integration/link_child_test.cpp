// The parent's side of the link against children that break the rules, and its bookkeeping alone.

#include <gmock/gmock.h>

#include <boost/asio/ip/tcp.hpp>

#include "common/io/child_link.h"
#include "tests/integration/io_support.h"

namespace banyan::io {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ChildLinkTest : public testing::Test {
 protected:
  void SetUp() override {
    const auto port = link_.listen("127.0.0.1", 0);
    ASSERT_TRUE(port) << port.error().text();
    port_ = *port;
    connect(peer_);
  }
  void connect(zmq::socket_t& peer) const {
    peer.set(zmq::sockopt::linger, 0);
    peer.connect("tcp://127.0.0.1:" + std::to_string(port_));
  }
  void handle(const tree::LinkEvent& event) {
    if (const auto* frame = std::get_if<tree::ChildFrame>(&event)) {
      seen_.push_back(frame->bytes);
      conn_ = frame->conn;
    } else if (const auto* closed = std::get_if<tree::ChildClosed>(&event)) {
      seen_.push_back("closed: " + closed->why);
      EXPECT_EQ(closed->conn, conn_);
    }
  }
  bool seen(std::size_t count) {
    return run_until(loop_, [&] { return seen_.size() >= count; });
  }

  boost::asio::io_context loop_;
  zmq::context_t context_{1};
  zmq::socket_t peer_{context_, zmq::socket_type::dealer};
  std::vector<std::string> seen_;
  tree::ConnId conn_ = 0;
  ChildLink link_{loop_, [this](const tree::LinkEvent& event) { handle(event); }};
  std::uint16_t port_ = 0;
};

TEST_F(ChildLinkTest, AMessageOfSeveralPartsEndsTheSessionButLaterFramesComeAsBefore) {
  peer_.send(zmq::str_buffer("hello"));
  ASSERT_TRUE(seen(1));
  const tree::ConnId first = conn_;
  peer_.send(zmq::str_buffer("a"), zmq::send_flags::sndmore);
  peer_.send(zmq::str_buffer("b"), zmq::send_flags::sndmore);
  peer_.send(zmq::str_buffer("c"));
  peer_.send(zmq::str_buffer("later"));
  ASSERT_TRUE(seen(3));
  EXPECT_THAT(seen_, ElementsAre("hello", HasSubstr("several parts"), "later"));
  EXPECT_EQ(conn_, first);
  link_.send(conn_, "who are you");
  zmq::message_t answer;
  EXPECT_TRUE(
      run_until(loop_, [&] { return peer_.recv(answer, zmq::recv_flags::dontwait).has_value(); }));
  peer_.close();
  ASSERT_TRUE(seen(4));
  EXPECT_EQ(seen_.back(), "closed: connection closed");
  EXPECT_EQ(link_.counters().multipart, 1U);
}

TEST_F(ChildLinkTest, AnEmptyFrameIsAFrame) {
  peer_.send(zmq::message_t{}, zmq::send_flags::none);
  ASSERT_TRUE(seen(1));
  EXPECT_THAT(seen_, ElementsAre(""));
}

TEST_F(ChildLinkTest, AFrameOverTheLimitEndsThatConnectionOnly) {
  zmq::socket_t other(context_, zmq::socket_type::dealer);
  connect(other);
  peer_.send(zmq::str_buffer("hello"));
  ASSERT_TRUE(seen(1));
  peer_.send(zmq::message_t(static_cast<std::size_t>(max_frame_bytes) + 1), zmq::send_flags::none);
  ASSERT_TRUE(seen(2));
  EXPECT_THAT(seen_, ElementsAre("hello", "closed: connection closed"));
  const std::string largest(static_cast<std::size_t>(max_frame_bytes), 'x');
  other.send(zmq::buffer(largest));
  ASSERT_TRUE(seen(3));
  EXPECT_EQ(seen_.back(), largest);
}

TEST_F(ChildLinkTest, AChildThatDoesNotReadEndsItsSessionWithinTheBound) {
  zmq::socket_t slow(context_, zmq::socket_type::dealer);
  slow.set(zmq::sockopt::rcvhwm, 1);
  slow.set(zmq::sockopt::rcvbuf, 4096);
  connect(slow);
  slow.send(zmq::str_buffer("hello"));
  ASSERT_TRUE(seen(1));
  const auto overflowed = [&] {
    link_.send(conn_, std::string(128 << 10, 'x'));
    return seen_.size() == 2;
  };
  ASSERT_TRUE(run_until(loop_, overflowed));
  EXPECT_THAT(seen_.back(), HasSubstr("does not read"));
  EXPECT_EQ(link_.counters().overflows, 1U);
  EXPECT_GT(link_.counters().frames_lost, 1U);
}

TEST_F(ChildLinkTest, StrangersThatNeverSpeakAreCountedAndNothingElse) {
  {
    boost::asio::ip::tcp::socket stranger(loop_);
    stranger.connect({boost::asio::ip::address_v4::loopback(), port_});
    stranger.write_some(boost::asio::buffer(std::string("GET / HTTP/1.1\r\n\r\n")));
  }
  EXPECT_TRUE(run_until(loop_, [&] { return link_.counters().never_spoke == 1; }));
  EXPECT_TRUE(seen_.empty());
}

TEST_F(ChildLinkTest, SaysThatThePortIsTaken) {
  ChildLink second(loop_, [](const tree::LinkEvent&) {});
  const auto port = second.listen("127.0.0.1", port_);
  ASSERT_FALSE(port);
  EXPECT_THAT(port.error().text(), HasSubstr("127.0.0.1:" + std::to_string(port_)));
}

TEST(ConnectionTable, AConnectionWhoseDescriptorIsClosedByItsFirstFrameIsBornDead) {
  ConnectionTable table;
  table.accepted(7);
  EXPECT_THAT(table.disconnected(7), testing::IsEmpty());
  const auto added = table.add("a", 7);
  EXPECT_TRUE(added.born_dead);
  table.accepted(7);
  const auto next = table.add("b", 7);
  EXPECT_FALSE(next.born_dead);
  EXPECT_FALSE(next.shared);
  EXPECT_THAT(table.disconnected(7), ElementsAre(next.connection));
}

// The first frame of a dead connection may be read before or after that of the next owner of its
// descriptor: the order does not tell which of the two is alive.
TEST(ConnectionTable, TwoSpeakersOnOneDescriptorShareItUntilOneIsFoundUnreachable) {
  for (const bool first_is_dead : {false, true}) {
    ConnectionTable table;
    table.accepted(7);
    table.disconnected(7);
    table.accepted(7);
    ChildConnection* first = table.add("a", 7).connection;
    const auto second = table.add("b", 7);
    EXPECT_TRUE(second.shared);
    EXPECT_EQ(first->state, ChildConnection::State::open);
    EXPECT_EQ(second.connection->state, ChildConnection::State::open);
    ChildConnection* living = first_is_dead ? second.connection : first;
    table.close(first_is_dead ? *first : *second.connection);
    EXPECT_EQ(living->state, ChildConnection::State::open);
    EXPECT_THAT(table.disconnected(7), ElementsAre(living));
  }
}

TEST(ConnectionTable, ADisconnectEndsAllWhoShareTheDescriptor) {
  ConnectionTable table;
  table.accepted(7);
  ChildConnection* first = table.add("a", 7).connection;
  ChildConnection* second = table.add("b", 7).connection;
  EXPECT_THAT(table.disconnected(7), ElementsAre(first, second));
  EXPECT_EQ(first->state, ChildConnection::State::closed);
  EXPECT_EQ(second->state, ChildConnection::State::closed);
}

TEST(ConnectionTable, WithoutADescriptorOnlySilenceTells) {
  ConnectionTable table;
  const auto added = table.add("a", -1);
  EXPECT_FALSE(added.born_dead);
  EXPECT_FALSE(table.add("b", -1).shared);
}

TEST(ConnectionTable, RemembersTheLastForgottenOnesOnly) {
  ConnectionTable table;
  for (std::size_t i = 0; i <= ConnectionTable::max_closed; ++i) {
    table.forget(table.add("id" + std::to_string(i), -1).connection->id);
  }
  EXPECT_FALSE(table.was_forgotten("id0"));
  EXPECT_TRUE(table.was_forgotten("id1"));
  EXPECT_EQ(table.size(), 0U);
}

}  // namespace
}  // namespace banyan::io
