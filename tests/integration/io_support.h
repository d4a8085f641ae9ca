#pragma once
// What the tests of common/io share: a temporary directory, and waiting for a condition by running
// the loop, with a deadline.

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <string>

#include "common/io/clock.h"

namespace banyan::io {

class TemporaryDirectory {
 public:
  TemporaryDirectory() {
    std::string name = (std::filesystem::temp_directory_path() / "banyan-test-XXXXXX").string();
    path_ = ::mkdtemp(name.data()) == nullptr ? "" : name;
  }
  ~TemporaryDirectory() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// Runs the loop until the condition holds. False: it did not within the deadline.
inline bool run_until(boost::asio::io_context& loop, const std::function<bool()>& condition,
                      Duration deadline = seconds{10}) {
  const Time end = read_clock().time + deadline;
  while (!condition()) {
    if (read_clock().time > end) return false;
    loop.restart();
    loop.run_one_for(milliseconds{2});
  }
  return true;
}

// Keeps the thread, and so the loop, busy.
inline void stay_busy(Duration duration) {
  const Time end = read_clock().time + duration;
  while (read_clock().time < end) {
  }
}

}  // namespace banyan::io
