// What is asked of a program in the moment in which it is replaced is not lost.

#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include "common/io/upgrade.h"

namespace banyan::io {
namespace {

class UpgradeMoment : public testing::Test {
 protected:
  UpgradeMoment() : signals(loop, SIGTERM) {
    signals.async_wait([this](const boost::system::error_code& error, int) { told = !error; });
  }
  Upgrade::Hooks hooks() {
    Upgrade::Hooks hooks;
    hooks.ready = [this](bool) {
      if (looks++ == raise_at) std::raise(SIGTERM);
      return !told;
    };
    hooks.leave = [this] {
      left = true;
      return Upgrade::Legacy{};
    };
    hooks.refused = [this](const std::string&) { loop.stop(); };
    return hooks;
  }
  void run(Upgrade& upgrade) {
    upgrade.request();
    loop.run_for(std::chrono::seconds{5});
  }
  // Its replacement fails, so that the test goes on.
  static Invocation nowhere() { return {"/proc/self/nothing/here", {"nothing"}}; }
  static Invocation good_trial() { return {"/bin/true", {"true"}}; }

  boost::asio::io_context loop;
  boost::asio::signal_set signals;
  int looks = 0;
  int raise_at = -1;
  bool told = false;
  bool left = false;
};

TEST_F(UpgradeMoment, ATermThatWasJustTakenIsHeardBeforeTheProgramLeaves) {
  raise_at = 0;
  Upgrade upgrade(loop, good_trial(), hooks());
  upgrade.request();
  while (!told && !left) loop.run_one_for(std::chrono::seconds{5});
  EXPECT_TRUE(told);
  EXPECT_FALSE(left);
}

TEST_F(UpgradeMoment, SignalsThatComeLaterWaitAtTheKernel) {
  raise_at = 1;
  Upgrade upgrade(loop, good_trial(), hooks());
  upgrade.request();
  while (looks < 3) loop.run_one_for(std::chrono::seconds{5});
  sigset_t pending;
  ASSERT_EQ(sigpending(&pending), 0);
  EXPECT_EQ(sigismember(&pending, SIGTERM), 1);
  EXPECT_FALSE(told);
}

TEST_F(UpgradeMoment, AProgramThatIsNotReplacedTakesSignalsAgain) {
  Upgrade upgrade(loop, nowhere(), hooks());
  run(upgrade);
  sigset_t mask;
  ASSERT_EQ(pthread_sigmask(SIG_SETMASK, nullptr, &mask), 0);
  EXPECT_EQ(sigismember(&mask, SIGTERM), 0);
}

}  // namespace
}  // namespace banyan::io
