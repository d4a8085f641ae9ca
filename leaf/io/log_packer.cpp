#include "leaf/io/log_packer.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include <boost/asio/post.hpp>

#include "common/io/signals_held.h"
#include "leaf/io/packed_segment.h"

namespace banyan::leaf {
namespace {

constexpr int least_priority = 19;

}  // namespace

LogPacker::LogPacker(boost::asio::io_context& loop, std::function<void(const Packed&)> done)
    : loop_(loop), done_(std::move(done)) {}

LogPacker::~LogPacker() { stop_ = true; }

bool LogPacker::add(Job job) {
  if (waiting_.size() >= max_waiting) return false;
  waiting_.push_back(std::move(job));
  if (!working_) start_next();
  return true;
}

void LogPacker::start_next() {
  if (waiting_.empty()) return;
  working_ = true;
  Packed packed{std::move(waiting_.front()), 0};
  waiting_.pop_front();
  const banyan::io::SignalsHeld held;  // they are the loop's
  thread_ = std::jthread([this, packed = std::move(packed)]() mutable {
    const auto self = static_cast<id_t>(::syscall(SYS_gettid));
    ::setpriority(PRIO_PROCESS, self, least_priority);
    if (!pack_segment(packed.job.plain, packed.job.packed, stop_)) packed.error = errno;
    if (stop_) return;
    boost::asio::post(loop_, [this, packed = std::move(packed)] { finished(packed); });
  });
}

void LogPacker::finished(const Packed& packed) {
  thread_.join();
  working_ = false;
  done_(packed);
  if (!working_) start_next();
}

}  // namespace banyan::leaf
