#pragma once
// How people write durations, sizes and signals, and how banyan writes them back. Pure functions.
//
// duration  "250ms" "5s" "1.5" "2m" "1h" "7d" "1m30s"; a bare number is seconds; never negative
// size      "1000" "10kB" "64KiB" "2GiB"; kB MB GB TB are powers of 1000, KiB ... TiB of 1024
// signal    "TERM" "SIGTERM" "sigterm" "15"; written without SIG; Linux numbers

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/base/time.h"

namespace banyan {

inline constexpr int signal_kill = 9;
inline constexpr int signal_term = 15;
inline constexpr int signal_cont = 18;
inline constexpr int signal_max = 64;

// At most 36,500 days, so that adding two never overflows.
Result<Duration> parse_duration(std::string_view text);
// Seconds as a number; refuses negative ones, NaN and more than 36,500 days.
Result<Duration> duration_of_seconds(double count);

Result<std::uint64_t> parse_size(std::string_view text);
Result<int> parse_signal(std::string_view text);

// At most two units: "0.3ms" "0.36s" "4s" "4m12s" "9h14m" "1d4h"; from three days on "12d".
// Rounds down, so that an age is never shown before it is reached.
std::string format_duration(Duration value);
// As parse_duration reads it, nothing rounded but below a nanosecond: "20ms" "1.5s" "90s" "2h"
std::string exact_duration(Duration value);
// "512 B" "1.5 MiB" "616 MiB" "2 GiB"
std::string format_size(std::uint64_t bytes);
// "TERM"; the number itself when it has no name.
std::string signal_name(int number);

}  // namespace banyan
