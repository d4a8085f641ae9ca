#pragma once
// A system call that a signal interrupted is made again:
//
//   const auto size = uninterrupted([&] { return ::pread(file, bytes, count, at); });
//
// For calls that answer -1 and errno. Any thread.

#include <cerrno>

namespace banyan::io {

template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) result = call();
  return result;
}

}  // namespace banyan::io
