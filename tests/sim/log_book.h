#pragma once
// The log files of one simulated host: each target writes numbered lines of one length to stdout,
// so that what a reader got shows at once whether something is missing, doubled or out of order.

#include <cstdint>
#include <functional>
#include <map>
#include <string>

#include "leaf/leaf_event.h"

namespace banyan::sim {

class LogBook {
 public:
  using Later = std::function<void(Duration, leaf::LogEvent)>;

  explicit LogBook(Later later) : later_(std::move(later)) {}

  void write(const std::string& target, unsigned lines);
  void perform(const leaf::LogEffect& effect, WallTime now);
  // The leaf is gone, the files stay.
  void leaf_gone() { readers_.clear(); }

  std::uint64_t lines(const std::string& target) const;
  std::size_t readers() const { return readers_.size(); }
  static std::string line(const std::string& target, std::uint64_t number);

 private:
  struct Reader {
    leaf::LogQuery query;
    std::uint64_t line = 0;  // the next one
    bool at_end = false;
  };
  void read(const leaf::ReadLog& ask, Reader& reader, WallTime now);

  Later later_;
  std::map<std::string, std::uint64_t> lines_;
  std::map<std::uint64_t, Reader> readers_;
};

}  // namespace banyan::sim
