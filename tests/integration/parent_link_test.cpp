// The child's side of the link against parents that are there, refuse, hang up or do not read.

#include "common/io/parent_link.h"

#include <gmock/gmock.h>

#include <boost/asio/ip/tcp.hpp>

#include "common/io/child_link.h"
#include "tests/integration/io_support.h"

namespace banyan::io {
namespace {

using boost::asio::ip::tcp;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class ParentLinkTest : public testing::Test {
 protected:
  void handle_child_side(const tree::LinkEvent& event) {
    if (const auto* frame = std::get_if<tree::ParentFrame>(&event)) {
      from_parent_.push_back(frame->bytes);
    } else if (const auto* closed = std::get_if<tree::ParentClosed>(&event)) {
      ended_.push_back(closed->conn);
      why_ = closed->why;
    }
  }
  void handle_parent_side(const tree::LinkEvent& event) {
    if (const auto* frame = std::get_if<tree::ChildFrame>(&event)) {
      from_child_.push_back(frame->bytes);
      child_ = frame->conn;
    } else if (std::get_if<tree::ChildClosed>(&event) != nullptr) {
      from_child_.emplace_back("closed");
    }
  }
  // A port that was free a moment ago, and that nobody listens to.
  std::uint16_t free_port() {
    tcp::acceptor acceptor(loop_, tcp::endpoint{boost::asio::ip::address_v4::loopback(), 0});
    return acceptor.local_endpoint().port();
  }
  std::uint16_t listen() {
    parent_ = std::make_unique<ChildLink>(
        loop_, [this](const tree::LinkEvent& event) { handle_parent_side(event); });
    return parent_->listen("127.0.0.1", 0).value_or(0);
  }

  boost::asio::io_context loop_;
  std::vector<std::string> from_parent_;
  std::vector<std::string> from_child_;
  std::vector<tree::ConnId> ended_;
  std::string why_;
  tree::ConnId child_ = 0;
  std::unique_ptr<ChildLink> parent_;
  std::unique_ptr<ParentLink> link_ = std::make_unique<ParentLink>(
      loop_, [this](const tree::LinkEvent& event) { handle_child_side(event); });
};

TEST_F(ParentLinkTest, CarriesFramesBothWaysByNameToo) {
  const auto port = listen();
  link_->dial(7, "localhost", port);
  link_->send(7, "hello");
  ASSERT_TRUE(run_until(loop_, [&] { return !from_child_.empty(); }));
  parent_->send(child_, "welcome");
  ASSERT_TRUE(run_until(loop_, [&] { return !from_parent_.empty(); }));
  EXPECT_THAT(from_child_, ElementsAre("hello"));
  EXPECT_THAT(from_parent_, ElementsAre("welcome"));
}

TEST_F(ParentLinkTest, SaysThatTheConnectionWasRefused) {
  link_->dial(1, "127.0.0.1", free_port());
  EXPECT_THAT(ended_, IsEmpty()) << "nothing is reported from within dial()";
  ASSERT_TRUE(run_until(loop_, [&] { return !ended_.empty(); }));
  EXPECT_THAT(ended_, ElementsAre(1));
  EXPECT_THAT(why_, HasSubstr("Connection refused"));
}

TEST_F(ParentLinkTest, SaysThatANameIsUnknown) {
  link_->dial(1, "no-such-host.invalid", 7400);
  ASSERT_TRUE(run_until(
      loop_, [&] { return !ended_.empty(); }, seconds{30}));
  EXPECT_THAT(why_, HasSubstr("cannot resolve no-such-host.invalid:7400"));
}

TEST_F(ParentLinkTest, SaysThatThePeerSpeaksSomethingElse) {
  tcp::acceptor acceptor(loop_, tcp::endpoint{boost::asio::ip::address_v4::loopback(), 0});
  link_->dial(1, "127.0.0.1", acceptor.local_endpoint().port());
  {
    tcp::socket peer = acceptor.accept();
    peer.write_some(boost::asio::buffer(std::string("HTTP/1.1 400 Bad Request\r\n\r\n")));
  }
  ASSERT_TRUE(run_until(loop_, [&] { return !ended_.empty(); }));
  EXPECT_THAT(why_, HasSubstr("handshake"));
}

TEST_F(ParentLinkTest, ReportsOnceThatTheParentIsGoneAndDialsAgain) {
  const auto port = listen();
  link_->dial(1, "127.0.0.1", port);
  link_->send(1, "hello");
  ASSERT_TRUE(run_until(loop_, [&] { return from_child_.size() == 1; }));
  parent_.reset();
  ASSERT_TRUE(run_until(loop_, [&] { return !ended_.empty(); }));
  EXPECT_EQ(why_, "connection closed");
  parent_ = std::make_unique<ChildLink>(
      loop_, [this](const tree::LinkEvent& event) { handle_parent_side(event); });
  ASSERT_TRUE(parent_->listen("127.0.0.1", port));
  link_->send(1, "to the old one");
  link_->dial(2, "127.0.0.1", port);
  link_->send(2, "hello again");
  ASSERT_TRUE(run_until(loop_, [&] { return from_child_.size() == 2; }));
  EXPECT_THAT(from_child_, ElementsAre("hello", "hello again"));
  EXPECT_THAT(ended_, ElementsAre(1));
  EXPECT_EQ(link_->counters().frames_lost, 1U);
}

TEST_F(ParentLinkTest, AGoodbyeGetsOutBeforeHangingUpAndBeforeTheEndOfTheProcess) {
  const auto port = listen();
  for (const bool destroy : {false, true}) {
    from_child_.clear();
    link_->dial(1, "127.0.0.1", port);
    link_->send(1, "hello");
    ASSERT_TRUE(run_until(loop_, [&] { return from_child_.size() == 1; }));
    link_->send(1, "goodbye");
    if (destroy) {
      link_.reset();
    } else {
      link_->hang_up(1);
    }
    ASSERT_TRUE(run_until(loop_, [&] { return from_child_.size() == 3; }));
    EXPECT_THAT(from_child_, ElementsAre("hello", "goodbye", "closed"));
    EXPECT_THAT(ended_, IsEmpty());
  }
}

TEST_F(ParentLinkTest, MayDialAgainFromWithinItsOwnReport) {
  const auto refused = free_port();
  int dials = 1;
  link_ = std::make_unique<ParentLink>(loop_, [&](const tree::LinkEvent& event) {
    handle_child_side(event);
    if (++dials <= 20) link_->dial(static_cast<tree::ConnId>(dials), "127.0.0.1", refused);
  });
  link_->dial(1, "127.0.0.1", refused);
  ASSERT_TRUE(run_until(loop_, [&] { return ended_.size() == 20; }));
  EXPECT_EQ(ended_.back(), 20U);
}

TEST_F(ParentLinkTest, AParentThatDoesNotReadEndsTheConnectionWithinTheBound) {
  zmq::context_t context{1};
  zmq::socket_t mute(context, zmq::socket_type::router);
  mute.set(zmq::sockopt::linger, 0);
  mute.set(zmq::sockopt::rcvhwm, 1);
  mute.set(zmq::sockopt::rcvbuf, 4096);
  mute.bind("tcp://127.0.0.1:*");
  const std::string endpoint = mute.get(zmq::sockopt::last_endpoint);
  link_->dial(1, "127.0.0.1",
              static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1))));
  const auto overflowed = [&] {
    link_->send(1, std::string(128 << 10, 'x'));
    return !ended_.empty();
  };
  ASSERT_TRUE(run_until(loop_, overflowed));
  EXPECT_THAT(why_, HasSubstr("does not read"));
  EXPECT_EQ(link_->counters().overflows, 1U);
  EXPECT_GT(link_->counters().frames_lost, 1U);
  EXPECT_THAT(ended_, SizeIs(1));
}

}  // namespace
}  // namespace banyan::io
