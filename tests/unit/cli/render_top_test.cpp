#include "root/cli/render_top.h"

#include <gmock/gmock.h>

#include "root/cli/arguments.h"

namespace banyan::cli {
namespace {

json::object used(const char* path, double cpu, double memory) {
  return {{"path", path},       {"state", "running"},       {"health", "healthy"}, {"restarts", 0},
          {"cpu", cpu},         {"rss_bytes", memory},      {"open_fds", 7},       {"processes", 2},
          {"uptime_s", 3723.5}, {"gauges_missing", nullptr}};
}

json::object unknown(const char* path, const char* reason) {
  return {{"path", path},        {"state", "running"},  {"health", "healthy"},
          {"restarts", 1},       {"cpu", nullptr},      {"rss_bytes", nullptr},
          {"open_fds", nullptr}, {"uptime_s", nullptr}, {"gauges_missing", reason}};
}

std::vector<std::string> order(const json::array& sorted) {
  std::vector<std::string> paths;
  for (const auto& item : sorted) paths.emplace_back(item.at("path").as_string());
  return paths;
}

TEST(RenderTop, TheGreatestIsFirstAndTheUnknownLast) {
  const json::array items{unknown("n/a", "late"), used("n/b", 0.1, 300), used("n/c", 1.5, 100),
                          used("n/d", 0.1, 200)};
  EXPECT_THAT(order(sort_by_use(items, "cpu")), testing::ElementsAre("n/c", "n/b", "n/d", "n/a"));
  EXPECT_THAT(order(sort_by_use(items, "memory")),
              testing::ElementsAre("n/b", "n/d", "n/c", "n/a"));
}

TEST(RenderTop, ShowsTheSumTheRowsAndWhoIsMissing) {
  const json::array items{used("n/api", 1.5, 3 << 20), unknown("m/db", "m is frozen")};
  EXPECT_EQ(render_top(items, 0, View{}),
            "2 targets, 1 measured: 1.50 CPUs, 3 MiB\n"
            "PATH       CPU  MEMORY  FDS  PROCS  UPTIME  RESTARTS  STATE\n"
            "n/api  150.0 %   3 MiB    7      2   1h02m         0  running\n"
            "m/db         -       -    -      -       -         1  running\n"
            "not measured: m is frozen\n");
}

TEST(RenderTop, CountsWhatIsNotShown) {
  const json::array items{used("n/a", 1, 1), used("n/b", 1, 1), used("n/c", 1, 1)};
  EXPECT_THAT(render_top(items, 1, View{}), testing::EndsWith("running\n2 more\n"));
}

TEST(ScaleArguments, ANumberStandsBehindTheSelector) {
  const auto good = parse_arguments({"scale", "dc1/**/api=3", "--yes"});
  ASSERT_TRUE(good.has_value());
  EXPECT_EQ(good->selectors, std::vector<std::string>{"dc1/**/api"});
  EXPECT_EQ(good->act.instances, 3u);
  for (const char* wrong : {"api", "api=", "=3", "api=-1", "api=x", "api=1001", "api=3x"}) {
    EXPECT_FALSE(parse_arguments({"scale", wrong}).has_value()) << wrong;
  }
}

}  // namespace
}  // namespace banyan::cli
