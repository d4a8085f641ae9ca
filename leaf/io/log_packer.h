#pragma once
// Compresses closed segments, one after the other, in a thread of its own that gives way to all
// others (nice 19). It lives only while there is work: an idle leaf has no thread for it.
// Called on the loop's thread; `done` is told there, and never from inside a call.
//
// Bounds: max_waiting segments wait; of one more nothing is taken, it stays as it is and is offered
// again after the next start. Destroyed: what is under way is given up, nothing half is left.

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <thread>

#include <boost/asio/io_context.hpp>

namespace banyan::leaf {

class LogPacker {
 public:
  static constexpr std::size_t max_waiting = 10'000;

  struct Job {
    std::string target;
    std::string stream;
    std::uint64_t first = 0;  // of the segment
    std::string plain;
    std::string packed;
  };
  struct Packed {
    Job job;
    int error = 0;  // errno; 0 = it is complete
  };

  LogPacker(boost::asio::io_context& loop, std::function<void(const Packed&)> done);
  ~LogPacker();

  // False: too many are waiting.
  bool add(Job job);
  std::size_t waiting() const { return waiting_.size(); }

 private:
  void start_next();
  void finished(const Packed& packed);

  boost::asio::io_context& loop_;
  std::function<void(const Packed&)> done_;
  std::deque<Job> waiting_;
  std::jthread thread_;
  bool working_ = false;
  std::atomic<bool> stop_{false};
};

}  // namespace banyan::leaf
