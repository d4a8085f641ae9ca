#pragma once
// CHECK(condition): a broken invariant ends the process with file, line and condition.
// Always on, in every build. Never for bad input: that is an Error (result.h).

namespace banyan {

[[noreturn]] void check_failed(const char* condition, const char* file, int line);

}  // namespace banyan

#define CHECK(condition)                               \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::banyan::check_failed(#condition, __FILE__, __LINE__))
