#pragma once
// What happens to logs after they were written: closed segments are compressed, those that are too
// old or more than the disk is given go. Compression begins at start_packing(): until then a merge
// of spilled output may still cut what was written.
//
// An idle leaf is not woken, unless a target has max_age: then every 1/16 of the shortest, between
// a second and ten minutes. Limits hold within 1/64 of them, and 64 KiB. Loop's thread; must live
// until the loop has stopped.

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "leaf/io/log_packer.h"
#include "leaf/io/target_logs.h"

namespace banyan::leaf {

class LogUpkeep {
 public:
  // `logs` may grow, and outlives this. `trouble` hears a sentence for the leaf's own log.
  LogUpkeep(boost::asio::io_context& loop, const LogsByTarget& logs,
            std::function<void(const std::string&)> trouble);

  // Bytes on disk of all targets together; 0 = no limit.
  void set_max_disk(std::uint64_t bytes) { max_disk_ = bytes; }
  void start_packing();

  void attached(TargetLogs& logs);
  void stored(TargetLogs& logs, StreamLog& log, std::uint64_t bytes);

 private:
  void pack_closed(const TargetLogs& logs, StreamLog& log);
  void packed(const LogPacker::Packed& packed);
  void keep_within_disk(TargetLogs& logs);
  void keep_all_within_disk();
  void wait_for_age();

  const LogsByTarget& logs_;
  std::function<void(const std::string&)> trouble_;
  LogPacker packer_;
  bool packing_ = false;
  std::uint64_t max_disk_ = 0;
  std::uint64_t stored_ = 0;  // since the disk was looked at
  boost::asio::steady_timer ages_;
  std::chrono::nanoseconds look_every_{0};
};

}  // namespace banyan::leaf
