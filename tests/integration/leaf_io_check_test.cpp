// Every kind of check against real processes, sockets and logs.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>

#include "tests/integration/leaf_io_world.h"

namespace banyan::leaf {
namespace {

using boost::asio::ip::tcp;
using testing::HasSubstr;

// A target "api" that runs, and checks of it.
class Checked : public testing::Test {
 protected:
  void launch(const TargetConfig& config) {
    generation_ = world_.launch(config);
    ASSERT_NE(world_.await<Launched>(), nullptr);
  }
  void run(const CheckConfig& check, CheckPurpose purpose = CheckPurpose::health) {
    world_.check_events.clear();
    world_.checks.perform(RunCheck{"api", generation_, purpose, check});
    EXPECT_TRUE(world_.check_events.empty()) << "told from inside perform()";
  }
  CheckResult await() {
    EXPECT_TRUE(world_.run_until([this] { return !world_.check_events.empty(); }));
    return world_.check_events.empty() ? CheckResult{}
                                       : std::get<CheckResult>(world_.check_events.at(0));
  }
  CheckResult result_of(const CheckConfig& check) {
    run(check);
    return await();
  }
  static CheckConfig exec(const std::string& script, Duration timeout = seconds{10}) {
    CheckConfig check;
    check.kind = CheckKind::exec;
    check.exec = {"/bin/sh", "-c", script};
    check.timeout = timeout;
    return check;
  }
  static CheckConfig network(CheckKind kind, std::uint16_t port) {
    CheckConfig check;
    check.kind = kind;
    check.port = port;
    check.timeout = seconds{10};
    return check;
  }
  static CheckConfig log(const std::string& pattern) {
    CheckConfig check;
    check.kind = CheckKind::log;
    check.pattern = pattern;
    return check;
  }
  TargetConfig sleeper() const { return world_.target({"sleep", "1000"}); }

  World world_;
  std::uint64_t generation_ = 0;
};

using ExecCheck = Checked;
using NetworkCheck = Checked;
using LogCheck = Checked;
using FdCheck = Checked;

TEST_F(ExecCheck, UnderstandsTheExitCodesOfNagios) {
  launch(sleeper());
  const std::vector<std::pair<int, Health>> codes = {{0, Health::healthy},
                                                     {1, Health::degraded},
                                                     {2, Health::unhealthy},
                                                     {3, Health::unknown},
                                                     {22, Health::unhealthy}};
  for (const auto& [code, health] : codes) {
    const auto result = result_of(exec(fmt::format("echo DISK at 93%; echo more; exit {}", code)));
    EXPECT_EQ(result.health, health) << code;
    EXPECT_EQ(result.text, "DISK at 93%");
    EXPECT_EQ(result.generation, generation_);
    EXPECT_EQ(result.purpose, CheckPurpose::health);
  }
}

TEST_F(ExecCheck, RunsWhereTheTargetRuns) {
  auto config = sleeper();
  config.cwd = "/usr";
  config.env = {{"COLOUR", "green"}};
  launch(config);
  EXPECT_EQ(result_of(exec("echo $PWD $COLOUR $BANYAN_TARGET")).text,
            "/usr green " + world_.instance + "/api#1~check");
}

TEST_F(ExecCheck, IsKilledWithAllItStartedWhenItsTimeIsUp) {
  launch(sleeper());
  const auto path = world_.scratch / "child";
  const auto result =
      result_of(exec("sleep 1000 & echo $! > " + path + "; echo busy; wait", milliseconds{300}));
  EXPECT_EQ(result.health, Health::unhealthy);
  EXPECT_EQ(result.text, "no answer within 300ms");
  const int child = std::stoi(contents(path));
  EXPECT_TRUE(world_.run_until([&] { return !process_info(child) && !world_.helpers.running(); }));
}

TEST_F(ExecCheck, LeavesNoChildOfAnEndedCheck) {
  launch(sleeper());
  const auto path = world_.scratch / "child";
  EXPECT_EQ(result_of(exec("sleep 1000 & echo $! > " + path)).health, Health::healthy);
  const int child = std::stoi(contents(path));
  EXPECT_TRUE(world_.run_until([&] { return !process_info(child); }));
}

TEST_F(ExecCheck, IsNoOrphanOfATarget) {
  launch(sleeper());
  result_of(exec("exit 0"));
  EXPECT_EQ(world_.table.orphans_reaped(), 0U);
}

TEST_F(ExecCheck, ChattyOneIsNeitherHeldUpNorKept) {
  launch(sleeper());
  const auto result = result_of(exec("head -c 3000000 /dev/zero | tr '\\0' x"));
  EXPECT_EQ(result.health, Health::healthy);
  EXPECT_EQ(result.text, std::string(4096, 'x'));
}

TEST_F(ExecCheck, ShowsNoControlCharactersAndNoBrokenText) {
  launch(sleeper());
  EXPECT_EQ(result_of(exec("printf 'a\\033[31m\\377'")).text, "a\\x1b[31m\\xff");
}

TEST_F(ExecCheck, ThatCannotBeStartedIsUnknown) {
  launch(sleeper());
  auto check = exec("");
  check.exec = {"/no/such/check"};
  const auto result = result_of(check);
  EXPECT_EQ(result.health, Health::unknown);
  EXPECT_THAT(result.text, HasSubstr("exec /no/such/check: No such file"));
}

TEST_F(ExecCheck, CancelledOneIsKilledAndNeverTold) {
  launch(sleeper());
  run(exec("sleep 1000"));
  world_.checks.perform(CancelChecks{"api", generation_});
  EXPECT_EQ(world_.helpers.running(), 0U);
  world_.loop.restart();
  world_.loop.run_for(milliseconds{50});
  EXPECT_TRUE(world_.check_events.empty());
  // The same generation may be checked again: its checks are renewed by a reload.
  EXPECT_EQ(result_of(exec("exit 0")).health, Health::healthy);
}

TEST_F(ExecCheck, EndsWithTheSubtreeOfItsGeneration) {
  launch(sleeper());
  run(exec("sleep 1000"));
  world_.table.perform(EndSubtree{"api", generation_});
  EXPECT_EQ(await().text, "the check was ended by KILL");
}

// ---- tcp, http

tcp::acceptor listening(boost::asio::io_context& loop) {
  return tcp::acceptor(loop, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
}

TEST_F(NetworkCheck, TcpIsWellWhenSomebodyAccepts) {
  launch(sleeper());
  auto acceptor = listening(world_.loop);
  EXPECT_EQ(result_of(network(CheckKind::tcp, acceptor.local_endpoint().port())).health,
            Health::healthy);
}

TEST_F(NetworkCheck, TcpIsUnhealthyWhenNobodyListens) {
  launch(sleeper());
  std::uint16_t port = 0;
  {
    auto acceptor = listening(world_.loop);
    port = acceptor.local_endpoint().port();
  }
  const auto result = result_of(network(CheckKind::tcp, port));
  EXPECT_EQ(result.health, Health::unhealthy);
  EXPECT_EQ(result.text, fmt::format("connect 127.0.0.1:{}: Connection refused", port));
}

TEST_F(NetworkCheck, TakesANameAsHost) {
  launch(sleeper());
  auto acceptor = listening(world_.loop);
  auto check = network(CheckKind::tcp, acceptor.local_endpoint().port());
  check.host = "localhost";
  EXPECT_EQ(result_of(check).health, Health::healthy);
}

class HttpCheck : public Checked {
 protected:
  // Answers one request with these bytes.
  CheckResult answered(const std::string& answer) {
    auto acceptor = listening(world_.loop);
    tcp::socket peer(world_.loop);
    acceptor.async_accept(peer, [&](const auto&) {
      boost::asio::async_read_until(
          peer, boost::asio::dynamic_buffer(request_), "\r\n\r\n", [&](const auto&, std::size_t) {
            boost::asio::async_write(peer, boost::asio::buffer(answer),
                                     [&](const auto&, std::size_t) { peer.close(); });
          });
    });
    return result_of(network(CheckKind::http, acceptor.local_endpoint().port()));
  }
  std::string request_;
};

TEST_F(HttpCheck, IsWellBelow400) {
  launch(sleeper());
  EXPECT_EQ(answered("HTTP/1.1 204 No Content\r\n\r\n").health, Health::healthy);
  EXPECT_THAT(request_, testing::StartsWith("GET / HTTP/1.1\r\nHost: 127.0.0.1:"));
  const auto found = answered("HTTP/1.0 302 Found\r\nLocation: /elsewhere\r\n\r\n");
  EXPECT_EQ(found.health, Health::healthy);
  EXPECT_EQ(found.text, "HTTP/1.0 302 Found");
}

TEST_F(HttpCheck, IsUnhealthyFrom400OrWithoutHttp) {
  launch(sleeper());
  const auto failing = answered("HTTP/1.1 503 Service Unavailable\r\n\r\n");
  EXPECT_EQ(failing.health, Health::unhealthy);
  EXPECT_EQ(failing.text, "HTTP/1.1 503 Service Unavailable");
  EXPECT_EQ(answered("SSH-2.0-OpenSSH_9.2\r\n").health, Health::unhealthy);
  EXPECT_EQ(answered("").health, Health::unhealthy);
}

TEST_F(HttpCheck, TimesOutOnAServerThatSaysNothing) {
  launch(sleeper());
  auto acceptor = listening(world_.loop);
  auto check = network(CheckKind::http, acceptor.local_endpoint().port());
  check.timeout = milliseconds{100};
  EXPECT_EQ(result_of(check).text, "no answer within 100ms");
}

TEST_F(HttpCheck, CancelledOneIsNeverTold) {
  launch(sleeper());
  auto acceptor = listening(world_.loop);
  auto check = network(CheckKind::http, acceptor.local_endpoint().port());
  check.timeout = milliseconds{1};
  run(check);
  world_.checks.perform(CancelChecks{"api", generation_});
  world_.loop.restart();
  world_.loop.run_for(milliseconds{20});
  EXPECT_TRUE(world_.check_events.empty());
}

// ---- log

TEST_F(LogCheck, WaitsForALineThatMatches) {
  ASSERT_EQ(::mkfifo((world_.scratch / "gate").c_str(), 0600), 0);
  launch(world_.shell("echo starting; read _ < " + (world_.scratch / "gate") +
                      "; echo listening on 80 >&2; exec sleep 1000"));
  run(log("^listening on [0-9]+$"), CheckPurpose::ready);
  ASSERT_TRUE(world_.run_until([this] { return !world_.read_all(all_of()).empty(); }));
  EXPECT_TRUE(world_.check_events.empty());
  write_file(world_.scratch / "gate", "go\n");
  const auto result = await();
  EXPECT_EQ(result.health, Health::healthy);
  EXPECT_EQ(result.text, "listening on 80");
}

TEST_F(LogCheck, FindsALineThatCameBeforeItWasAsked) {
  launch(world_.shell("echo ready; exec sleep 1000"));
  ASSERT_TRUE(world_.run_until([this] { return !world_.read_all(all_of()).empty(); }));
  EXPECT_EQ(result_of(log("ready")).health, Health::healthy);
}

TEST_F(LogCheck, IgnoresWhatAnEarlierGenerationWrote) {
  world_.output_of(world_.shell("echo ready"));
  world_.events.clear();
  launch(world_.shell("echo not yet; exec sleep 1000"));
  run(log("^ready"));
  ASSERT_TRUE(world_.run_until([this] { return world_.read_all(all_of()) == "ready\nnot yet\n"; }));
  world_.loop.restart();
  world_.loop.poll();
  EXPECT_TRUE(world_.check_events.empty());
}

TEST_F(LogCheck, MatchesWholeLinesOnly) {
  ASSERT_EQ(::mkfifo((world_.scratch / "gate").c_str(), 0600), 0);
  launch(world_.shell("printf ready; read _ < " + (world_.scratch / "gate") +
                      "; echo ' not'; exec sleep 1000"));
  run(log("^ready$"));
  ASSERT_TRUE(world_.run_until([this] { return world_.read_all(all_of()) == "ready"; }));
  write_file(world_.scratch / "gate", "go\n");
  ASSERT_TRUE(world_.run_until([this] { return world_.read_all(all_of()) == "ready not\n"; }));
  world_.loop.restart();
  world_.loop.poll();
  EXPECT_TRUE(world_.check_events.empty());
}

TEST_F(LogCheck, SaysWhenThePatternIsNone) {
  launch(sleeper());
  const auto result = result_of(log("(("));
  EXPECT_EQ(result.health, Health::unknown);
  EXPECT_THAT(result.text, HasSubstr("RE2"));
}

// ---- fd

TEST_F(FdCheck, IsReadyAtTheFirstNewline) {
  ASSERT_EQ(::mkfifo((world_.scratch / "gate").c_str(), 0600), 0);
  auto config = world_.shell("printf almost >&5; read _ < " + (world_.scratch / "gate") +
                             "; echo >&5; exec sleep 1000");
  config.ready.check.kind = CheckKind::fd;
  config.ready.check.fd = 5;
  launch(config);
  run(config.ready.check, CheckPurpose::ready);
  world_.loop.restart();
  world_.loop.run_for(milliseconds{20});
  EXPECT_TRUE(world_.check_events.empty());
  write_file(world_.scratch / "gate", "go\n");
  EXPECT_EQ(await().health, Health::healthy);
}

TEST_F(FdCheck, IsUnhealthyWhenClosedWithoutANewline) {
  auto config = world_.shell("exec 3>&-; exec sleep 1000");
  config.ready.check.kind = CheckKind::fd;
  launch(config);
  run(config.ready.check, CheckPurpose::ready);
  const auto result = await();
  EXPECT_EQ(result.health, Health::unhealthy);
  EXPECT_EQ(result.text, "closed without a newline");
}

TEST_F(FdCheck, HearsWhatWasSaidWhileNobodyAsked) {
  auto config = world_.shell("echo >&3; exec sleep 1000");
  config.ready.check.kind = CheckKind::fd;
  launch(config);
  run(config.ready.check, CheckPurpose::ready);
  world_.checks.perform(CancelChecks{"api", generation_});
  run(config.ready.check, CheckPurpose::ready);
  EXPECT_EQ(await().health, Health::healthy);
}

}  // namespace
}  // namespace banyan::leaf
