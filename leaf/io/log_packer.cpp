#include "leaf/io/log_packer.h"

#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <utility>

#include <boost/asio/post.hpp>

#include "leaf/io/packed_segment.h"

namespace banyan::leaf {
namespace {

constexpr int least_priority = 19;

// Signals are the loop's.
class SignalsBlocked {
 public:
  SignalsBlocked() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsBlocked() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsBlocked(const SignalsBlocked&) = delete;
  SignalsBlocked& operator=(const SignalsBlocked&) = delete;

 private:
  sigset_t before_ = {};
};

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
  const SignalsBlocked blocked;
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
