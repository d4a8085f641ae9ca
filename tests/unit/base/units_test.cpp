#include "common/base/units.h"

#include <limits>

#include <gtest/gtest.h>

namespace banyan {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

Duration parsed(std::string_view text) {
  const auto value = parse_duration(text);
  return value ? *value : Duration{-1};
}

TEST(ParseDuration, TakesEveryUnitAndABareNumberAsSeconds) {
  EXPECT_EQ(parsed("250ms"), milliseconds{250});
  EXPECT_EQ(parsed("5s"), seconds{5});
  EXPECT_EQ(parsed("1.5"), milliseconds{1500});
  EXPECT_EQ(parsed("0"), Duration{0});
  EXPECT_EQ(parsed("2m"), minutes{2});
  EXPECT_EQ(parsed("1h"), hours{1});
  EXPECT_EQ(parsed("7d"), hours{7 * 24});
  EXPECT_EQ(parsed("0.25s"), milliseconds{250});
}

TEST(ParseDuration, AddsSeveralUnits) {
  EXPECT_EQ(parsed("4m12s"), seconds{252});
  EXPECT_EQ(parsed("1h30m"), minutes{90});
}

TEST(ParseDuration, RefusesWhatIsNoDuration) {
  for (const auto* text : {"", " 5s", "5 s", "5 sec", "-1s", "1e3", "s", "5x", "1..2", "1s5", ".5",
                           "5.", "99999999999999999999s", "36501d"}) {
    EXPECT_FALSE(parse_duration(text)) << text;
  }
}

TEST(ParseDuration, SaysWhatToWriteInstead) {
  EXPECT_EQ(parse_duration("5 sec").error().text(), "not a duration; write \"5s\" or 5.0");
}

TEST(DurationOfSeconds, RefusesNegativeAndNotANumber) {
  EXPECT_FALSE(duration_of_seconds(-0.001));
  EXPECT_FALSE(duration_of_seconds(std::numeric_limits<double>::quiet_NaN()));
  EXPECT_FALSE(duration_of_seconds(std::numeric_limits<double>::infinity()));
  EXPECT_EQ(*duration_of_seconds(0.1), milliseconds{100});
}

TEST(ParseSize, TellsPowersOfTenFromPowersOfTwo) {
  EXPECT_EQ(*parse_size("1000"), 1000U);
  EXPECT_EQ(*parse_size("10kB"), 10'000U);
  EXPECT_EQ(*parse_size("64MiB"), 64ULL << 20);
  EXPECT_EQ(*parse_size("2GiB"), 2ULL << 30);
  EXPECT_EQ(*parse_size("0.5KiB"), 512U);
}

TEST(ParseSize, RefusesWhatIsNoSize) {
  for (const auto* text : {"", "MiB", "1 MiB", "1mib", "-1", "1X", "99999999TiB"}) {
    EXPECT_FALSE(parse_size(text)) << text;
  }
}

TEST(ParseSignal, TakesNamesWithAndWithoutSigAndNumbers) {
  EXPECT_EQ(*parse_signal("TERM"), 15);
  EXPECT_EQ(*parse_signal("SIGTERM"), 15);
  EXPECT_EQ(*parse_signal("sigusr1"), 10);
  EXPECT_EQ(*parse_signal("9"), 9);
  EXPECT_EQ(*parse_signal("64"), 64);
}

TEST(ParseSignal, RefusesWhatIsNoSignal) {
  for (const auto* text : {"", "SIG", "0", "65", "-9", "TERMS", "1e1", "015"}) {
    EXPECT_FALSE(parse_signal(text)) << text;
  }
}

TEST(SignalName, IsReadBackAsTheSameNumber) {
  for (int number = 1; number <= signal_max; ++number) {
    EXPECT_EQ(parse_signal(signal_name(number)).value_or(-1), number);
  }
  EXPECT_EQ(signal_name(11), "SEGV");
  EXPECT_EQ(signal_name(34), "34");
}

TEST(FormatDuration, HasAtMostTwoUnits) {
  EXPECT_EQ(format_duration(Duration{0}), "0s");
  EXPECT_EQ(format_duration(std::chrono::microseconds{340}), "0.3ms");
  EXPECT_EQ(format_duration(milliseconds{360}), "0.36s");
  EXPECT_EQ(format_duration(milliseconds{4999}), "4s");
  EXPECT_EQ(format_duration(seconds{59}), "59s");
  EXPECT_EQ(format_duration(seconds{252}), "4m12s");
  EXPECT_EQ(format_duration(minutes{5}), "5m");
  EXPECT_EQ(format_duration(hours{9} + minutes{14} + seconds{59}), "9h14m");
  EXPECT_EQ(format_duration(hours{28}), "1d4h");
  EXPECT_EQ(format_duration(hours{71}), "2d23h");
  EXPECT_EQ(format_duration(hours{72}), "3d");
  EXPECT_EQ(format_duration(hours{12 * 24 + 23}), "12d");
  EXPECT_EQ(format_duration(seconds{-4}), "-4s");
}

TEST(FormatDuration, SurvivesTheExtremes) {
  EXPECT_FALSE(format_duration(Duration::max()).empty());
  EXPECT_EQ(format_duration(Duration::min())[0], '-');
}

TEST(ExactDuration, IsReadBackAsTheSameDuration) {
  for (const Duration value :
       {Duration{0}, Duration{milliseconds{20}}, Duration{milliseconds{1500}},
        Duration{seconds{90}}, Duration{hours{2}}, Duration{minutes{10}}, Duration{123456789}}) {
    EXPECT_EQ(parsed(exact_duration(value)), value) << exact_duration(value);
  }
  EXPECT_EQ(exact_duration(milliseconds{20}), "20ms");
  EXPECT_EQ(exact_duration(milliseconds{1500}), "1.5s");
}

TEST(FormatSize, ShowsOneDecimalBelowTen) {
  EXPECT_EQ(format_size(0), "0 B");
  EXPECT_EQ(format_size(512), "512 B");
  EXPECT_EQ(format_size(1024), "1 KiB");
  EXPECT_EQ(format_size(1536), "1.5 KiB");
  EXPECT_EQ(format_size(616ULL << 20), "616 MiB");
  EXPECT_EQ(format_size(1ULL << 30), "1 GiB");
  EXPECT_EQ(format_size(std::numeric_limits<std::uint64_t>::max()), "15 EiB");
}

}  // namespace
}  // namespace banyan
