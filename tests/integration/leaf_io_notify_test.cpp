// What targets say by sd_notify, who is believed, and what it costs to be flooded.

#include "leaf/io/notify_socket.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <csignal>

#include "tests/integration/leaf_io_world.h"

namespace banyan::leaf {
namespace {

using testing::StartsWith;

// `say(text)` and the names of the standard library that the scripts use.
constexpr const char* prelude =
    "import os, socket, sys, time\n"
    "address = os.environ['NOTIFY_SOCKET']\n"
    "if address[0] == '@': address = '\\0' + address[1:]\n"
    "to = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
    "def say(text): to.sendto(text.encode(), address)\n";

class NotifySocketTest : public testing::Test {
 protected:
  void SetUp() override { ASSERT_TRUE(socket_.open(world_.scratch / "notify")); }

  TargetConfig speaker(const std::string& script) const {
    auto config = world_.target({"python3", "-c", prelude + script});
    config.ready.check.kind = CheckKind::notify;
    // One that every user may run.
    config.env = {{"PATH", "/usr/local/bin:/usr/bin:/bin"}};
    return config;
  }
  void launch(const TargetConfig& config) {
    world_.extra_environment = socket_.environment_of(config);
    world_.launch(config);
    ASSERT_NE(world_.await<Launched>(), nullptr);
  }
  bool hears(std::size_t count) {
    return world_.run_until([&] { return said_.size() >= count; });
  }

  World world_;
  std::vector<Notified> said_;
  NotifySocket socket_{world_.loop,
                       world_.instance,
                       {[this](CheckEvent event) { said_.push_back(std::get<Notified>(event)); },
                        [this](int pid) { return world_.table.owner_of(pid); }}};
};

TEST_F(NotifySocketTest, HearsTheMainProcess) {
  launch(speaker("say('READY=1\\nSTATUS=up'); time.sleep(1000)"));
  ASSERT_TRUE(hears(1));
  EXPECT_TRUE(said_[0].ready);
  EXPECT_EQ(said_[0].status, "up");
  EXPECT_EQ(said_[0].target, "api");
  EXPECT_EQ(said_[0].generation, 1U);
}

TEST_F(NotifySocketTest, KnowsAMainProcessThatClearedItsEnvironment) {
  auto config = speaker("");
  config.command = {"/bin/sh", "-c",
                    "exec env -i NOTIFY_SOCKET=$NOTIFY_SOCKET PATH=$PATH python3 -c \"$0\"",
                    prelude + std::string("say('READY=1'); time.sleep(1000)")};
  launch(config);
  EXPECT_TRUE(hears(1));
  // Nobody else finds it without its mark.
  world_.table.perform(SignalProcess{"api", 1, SIGKILL, true});
  ASSERT_NE(world_.await<ProcessExited>(), nullptr);
  EXPECT_EQ(said_.at(0).target, "api");
}

TEST_F(NotifySocketTest, KnowsADescendantByItsMark) {
  launch(speaker("if os.fork() == 0:\n  os.setsid()\n  say('WATCHDOG=1')\ntime.sleep(1000)"));
  ASSERT_TRUE(hears(1));
  EXPECT_TRUE(said_[0].watchdog);
  EXPECT_EQ(said_[0].target, "api");
}

TEST_F(NotifySocketTest, CountsWhoIsNoTarget) {
  auto config = speaker("");
  config.command = {"/bin/sh", "-c",
                    "env -i NOTIFY_SOCKET=$NOTIFY_SOCKET PATH=$PATH python3 -c \"$0\"; exit 0",
                    prelude + std::string("say('READY=1')")};
  launch(config);
  ASSERT_TRUE(world_.run_until([this] { return socket_.counts().of_nobody > 0; }));
  EXPECT_TRUE(said_.empty());
}

TEST_F(NotifySocketTest, CountsBadInput) {
  launch(
      speaker("say('nonsense'); say('READY=1' + 'x' * 5000); say('READY=1')\n"
              "time.sleep(1000)"));
  ASSERT_TRUE(hears(1));
  EXPECT_EQ(socket_.counts().bad, 2U);
  EXPECT_EQ(socket_.counts().taken, 1U);
}

TEST_F(NotifySocketTest, FloodOfOneTargetIsCutAndDoesNotDrownAnother) {
  launch(speaker("while True: say('STATUS=flood')"));
  ASSERT_TRUE(world_.run_until([this] { return socket_.counts().too_many > 500; }));
  auto config = speaker("say('READY=1'); time.sleep(1000)");
  config.name = "other";
  launch(config);
  const auto other = [](const Notified& said) { return said.target == "other"; };
  EXPECT_TRUE(world_.run_until([&] { return std::any_of(said_.begin(), said_.end(), other); }));
}

TEST_F(NotifySocketTest, BarrierEndsWhenAllBeforeItIsHeard) {
  launch(
      speaker("say('READY=1')\n"
              "r, w = os.pipe()\n"
              "to.sendmsg([b'BARRIER=1'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, "
              "w.to_bytes(4, sys.byteorder))], 0, address)\n"
              "os.close(w)\nos.read(r, 1)\n"));
  const auto* exited = world_.await<ProcessExited>();
  ASSERT_NE(exited, nullptr);
  EXPECT_EQ(exited->code, 0);
  EXPECT_EQ(said_.size(), 1U);
}

TEST_F(NotifySocketTest, IsReachedByTargetsOfOtherUsers) {
  if (::geteuid() != 0) GTEST_SKIP() << "only the super-user may become another";
  auto config = speaker("say('READY=1'); time.sleep(1000)");
  config.process.user = "nobody";
  launch(config);
  EXPECT_TRUE(hears(1));
}

TEST_F(NotifySocketTest, TellsOnlyThoseWhoAreAsked) {
  auto config = world_.target({"true"});
  EXPECT_EQ(socket_.environment_of(config),
            (Environment{{"BANYAN_SOCKET", world_.scratch / "notify"}}));
  config.watchdog = milliseconds{1500};
  const auto watched = socket_.environment_of(config);
  EXPECT_EQ(watched.at("WATCHDOG_USEC"), "1500000");
  EXPECT_EQ(watched.at("NOTIFY_SOCKET"), world_.scratch / "notify");
  config.process.user = "nobody";
  EXPECT_THAT(socket_.environment_of(config).at("NOTIFY_SOCKET"), StartsWith("@banyan/"));
}

TEST_F(NotifySocketTest, LongPathGetsAnAbstractAddress) {
  NotifySocket socket(world_.loop, fresh_instance(), {});
  ASSERT_TRUE(socket.open(world_.scratch / std::string(200, 'x')));
  EXPECT_THAT(socket.environment_of({}).at("BANYAN_SOCKET"), StartsWith("@banyan/"));
}

}  // namespace
}  // namespace banyan::leaf
