// Children that come and are killed at random, with descriptors reused at once, while the loop is
// now and then busy: whoever is reported gone is gone, and nobody who is gone stays unreported.

#include <gmock/gmock.h>
#include <signal.h>
#include <sys/wait.h>

#include <cstring>
#include <map>
#include <set>

#include "common/base/random.h"
#include "common/io/child_link.h"
#include "tests/integration/io_support.h"
#include "tests/integration/zmtp_child.h"

namespace banyan::io {
namespace {

constexpr std::size_t children_total = 600;
constexpr std::size_t children_at_once = 25;
constexpr auto longest_life = milliseconds{100};
constexpr auto longest_turn = milliseconds{5};

class Churn : public testing::Test {
 protected:
  ~Churn() override {
    for (const auto& [pid, end] : living_) {
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }

  void handle(const tree::LinkEvent& event) {
    if (const auto* frame = std::get_if<tree::ChildFrame>(&event)) {
      pid_t pid = 0;
      ASSERT_EQ(frame->bytes.size(), sizeof pid);
      std::memcpy(&pid, frame->bytes.data(), sizeof pid);
      EXPECT_EQ(closed_.count(frame->conn), 0U) << "a closed connection came back";
      EXPECT_TRUE(speakers_.emplace(frame->conn, pid).second) << "one frame each";
      link_->send(frame->conn, "welcome");
    } else if (const auto* closed = std::get_if<tree::ChildClosed>(&event)) {
      ASSERT_EQ(speakers_.count(closed->conn), 1U) << "closed before it spoke";
      const pid_t pid = speakers_[closed->conn];
      EXPECT_EQ(living_.count(pid), 0U) << "pid " << pid << " is alive: " << closed->why;
      EXPECT_TRUE(closed_.insert(closed->conn).second) << "reported twice";
    }
  }

  void spawn(std::uint16_t port) {
    const bool mute = random_.chance(0.1);
    const pid_t pid = fork_zmtp_child(port, mute);
    ASSERT_GT(pid, 0);
    living_[pid] = read_clock().time + random_.upto(longest_life);
    ++spawned_;
  }

  void kill_those_due() {
    const Time now = read_clock().time;
    for (auto it = living_.begin(); it != living_.end();) {
      if (it->second > now) {
        ++it;
        continue;
      }
      const pid_t pid = it->first;
      it = living_.erase(it);
      ::kill(pid, SIGKILL);
      ::waitpid(pid, nullptr, 0);
    }
  }

  boost::asio::io_context loop_;
  Random random_{20};
  std::map<pid_t, Time> living_;  // and when each is to die
  std::map<tree::ConnId, pid_t> speakers_;
  std::set<tree::ConnId> closed_;
  ChildLink* link_ = nullptr;
  std::size_t spawned_ = 0;
};

TEST_F(Churn, WhoIsReportedGoneIsGoneAndNobodyIsMissed) {
  ChildLink link(loop_, [this](tree::LinkEvent event) { handle(event); });
  link_ = &link;
  const auto port = link.listen("127.0.0.1", 0);
  ASSERT_TRUE(port);
  const auto step = [&] {
    if (spawned_ < children_total && living_.size() < children_at_once) spawn(*port);
    kill_those_due();
    if (random_.chance(0.1)) stay_busy(random_.upto(longest_turn));
    loop_.poll();
    return spawned_ == children_total && living_.empty();
  };
  ASSERT_TRUE(run_until(loop_, step, seconds{60}));
  const auto all_heard = [&] {
    return link.counters().accepted == link.counters().closed && closed_.size() == speakers_.size();
  };
  EXPECT_TRUE(run_until(loop_, all_heard, seconds{10}))
      << speakers_.size() << " spoke, " << closed_.size() << " were reported gone";
  EXPECT_GT(speakers_.size(), children_total / 10);  // a slow machine lets few of them speak
  EXPECT_GT(link.counters().never_spoke, 0U);
  RecordProperty("shared", static_cast<int>(link.counters().shared));
  RecordProperty("born_dead", static_cast<int>(link.counters().born_dead));
}

TEST_F(Churn, AGoodbyeIsNeverOvertakenByTheHangUp) {
  std::vector<std::string> seen;
  ChildLink link(loop_, [&](const tree::LinkEvent& event) {
    if (const auto* frame = std::get_if<tree::ChildFrame>(&event)) seen.push_back(frame->bytes);
    if (std::get_if<tree::ChildClosed>(&event) != nullptr) seen.emplace_back("closed");
  });
  const auto port = link.listen("127.0.0.1", 0);
  ASSERT_TRUE(port);
  for (int round = 0; round < 20; ++round) {
    seen.clear();
    zmq::context_t context{1};
    zmq::socket_t peer(context, zmq::socket_type::dealer);
    peer.connect("tcp://127.0.0.1:" + std::to_string(*port));
    peer.send(zmq::str_buffer("hello"));
    ASSERT_TRUE(run_until(loop_, [&] { return seen.size() == 1; }));
    peer.send(zmq::str_buffer("goodbye"));
    peer.close();
    context.close();  // returns once everything is sent
    stay_busy(milliseconds{3});
    ASSERT_TRUE(run_until(loop_, [&] { return seen.size() >= 3; }));
    EXPECT_THAT(seen, testing::ElementsAre("hello", "goodbye", "closed"));
  }
}

}  // namespace
}  // namespace banyan::io
