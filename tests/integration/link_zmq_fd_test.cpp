// ZMQ_FD is edge-triggered, and a send eats the edge of a message that came while the loop was
// busy. Nothing but re-reading ZMQ_EVENTS after every send finds that message.

#include <gmock/gmock.h>

#include <boost/asio/post.hpp>

#include "common/io/child_link.h"
#include "common/io/parent_link.h"
#include "tests/integration/io_support.h"

namespace banyan::io {
namespace {

constexpr int rounds = 100;
constexpr auto busy = milliseconds{3};  // longer than libzmq goes without looking at its mailbox

class ZmqFd : public testing::Test {
 protected:
  boost::asio::io_context loop_;
  zmq::context_t peer_context_{1};
  int frames_ = 0;
  int closed_ = 0;
  tree::ConnId conn_ = 0;

  void count(const tree::LinkEvent& event) {
    if (const auto* child = std::get_if<tree::ChildFrame>(&event)) {
      conn_ = child->conn;
      ++frames_;
    } else if (std::get_if<tree::ParentFrame>(&event) != nullptr) {
      ++frames_;
    } else {
      ++closed_;
    }
  }
};

TEST_F(ZmqFd, ChildLinkMissesNoFrameThatCameWhileItWasSending) {
  ChildLink link(loop_, [this](tree::LinkEvent event) { count(event); });
  const auto port = link.listen("127.0.0.1", 0);
  ASSERT_TRUE(port);
  zmq::socket_t peer(peer_context_, zmq::socket_type::dealer);
  peer.set(zmq::sockopt::linger, 0);
  peer.connect("tcp://127.0.0.1:" + std::to_string(*port));
  peer.send(zmq::str_buffer("hello"));
  ASSERT_TRUE(run_until(loop_, [&] { return frames_ == 1; }));
  for (int round = 0; round < rounds; ++round) {
    boost::asio::post(loop_, [&] {
      for (int i = 0; i < 2; ++i) {
        peer.send(zmq::str_buffer("frame"));
        stay_busy(busy);
        link.send(conn_, "answer");
      }
    });
    ASSERT_TRUE(run_until(
        loop_, [&] { return frames_ == 3 + 2 * round; }, seconds{3}))
        << "round " << round << " hangs with " << frames_ << " frames";
  }
  EXPECT_EQ(closed_, 0);
}

TEST_F(ZmqFd, ParentLinkMissesNoFrameThatCameWhileItWasSending) {
  zmq::socket_t peer(peer_context_, zmq::socket_type::router);
  peer.set(zmq::sockopt::linger, 0);
  peer.bind("tcp://127.0.0.1:*");
  const std::string endpoint = peer.get(zmq::sockopt::last_endpoint);
  const auto port = static_cast<std::uint16_t>(std::stoi(endpoint.substr(endpoint.rfind(':') + 1)));
  ParentLink link(loop_, [this](tree::LinkEvent event) { count(event); });
  link.dial(1, "127.0.0.1", port);
  link.send(1, "hello");
  zmq::message_t routing_id;
  zmq::message_t body;
  ASSERT_TRUE(run_until(
      loop_, [&] { return peer.recv(routing_id, zmq::recv_flags::dontwait).has_value(); }));
  ASSERT_TRUE(peer.recv(body).has_value());
  for (int round = 0; round < rounds; ++round) {
    boost::asio::post(loop_, [&] {
      for (int i = 0; i < 2; ++i) {
        peer.send(zmq::buffer(routing_id.to_string()), zmq::send_flags::sndmore);
        peer.send(zmq::str_buffer("frame"));
        stay_busy(busy);
        link.send(1, "answer");
      }
    });
    ASSERT_TRUE(run_until(
        loop_, [&] { return frames_ == 2 + 2 * round; }, seconds{3}))
        << "round " << round << " hangs with " << frames_ << " frames";
  }
  EXPECT_EQ(closed_, 0);
}

}  // namespace
}  // namespace banyan::io
