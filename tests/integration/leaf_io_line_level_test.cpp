#include "leaf/io/line_level.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace banyan::leaf {
namespace {

struct Case {
  std::string line;
  unsigned level;  // 0 = says none
};

TEST(LineLevel, IsFoundAsPeopleWriteIt) {
  const std::vector<Case> cases = {
      {"2026-01-02 03:04:05,678 ERROR app: no", level_error},
      {"[Warning] low", level_warning},
      {"time=x level=debug msg=y", level_debug},
      {"app[12]: warn: disk", level_warning},
      {"E0131 12:00:01.1 file.go:1] no", level_error},
      {"I0131 12:00:01.1 file.go:1] error is a word here", level_info},
      {"<2>at the end", level_critical},
      {"<7>detail", level_debug},
      {"panic: runtime", level_critical},
      {"terror and inform and errors", 0},
      {"my_error_count=0", 0},
      {"", 0},
      {std::string(300, 'x') + " ERROR", 0},
  };
  for (const auto& [line, level] : cases) {
    EXPECT_EQ(level_of_line(line, LogParse::text).value_or(0), level) << line;
  }
}

TEST(LineLevel, OfJsonIsItsMember) {
  const std::vector<Case> cases = {
      {R"({"level":"warn","msg":"error"})", level_warning},
      {R"({"msg":"x", "severity" : "CRITICAL"})", level_critical},
      {R"({"log.level":"info"})", level_info},
      {R"({"level":50})", level_error},
      {R"({"level":5})", 0},
      {R"({"level":123456789012345678901234567890})", 0},
      {R"({"level":"loud"})", 0},
      {"error, but no json", 0},
  };
  for (const auto& [line, level] : cases) {
    EXPECT_EQ(level_of_line(line, LogParse::json).value_or(0), level) << line;
  }
}

}  // namespace
}  // namespace banyan::leaf
