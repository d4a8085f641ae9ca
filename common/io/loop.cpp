#include "common/io/loop.h"

#include <sys/timerfd.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "common/base/check.h"
#include "common/io/clock.h"
#include "common/io/heap.h"
#include "common/io/program.h"

namespace banyan::io {
namespace {

int open_timer() {
  const int descriptor = ::timerfd_create(CLOCK_BOOTTIME, TFD_NONBLOCK | TFD_CLOEXEC);
  CHECK(descriptor >= 0);
  return descriptor;
}

itimerspec at(Time time) {
  itimerspec spec{};
  if (time == never) return spec;  // zero: disarmed
  const Duration since_boot = std::max(time.time_since_epoch(), Duration{1});
  spec.it_value.tv_sec = std::chrono::duration_cast<seconds>(since_boot).count();
  spec.it_value.tv_nsec = (since_boot % seconds{1}).count();
  return spec;
}

}  // namespace

Loop::Loop(Hooks hooks)
    : hooks_(std::move(hooks)),
      timer_(context_, open_timer()),
      signals_(context_, SIGTERM, SIGINT, SIGHUP) {
  signals_.add(SIGUSR2);
  // A peer that hangs up is an error code of the write, not the end of the daemon.
  CHECK(std::signal(SIGPIPE, SIG_IGN) != SIG_ERR);
  wait_for_deadline();
  wait_for_signal();
}

void Loop::rearm() {
  const Time deadline = hooks_.next_deadline();
  if (deadline == armed_) return;
  armed_ = deadline;
  const itimerspec spec = at(deadline);
  CHECK(::timerfd_settime(timer_.native_handle(), TFD_TIMER_ABSTIME, &spec, nullptr) == 0);
}

void Loop::wait_for_deadline() {
  timer_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                    [this](const boost::system::error_code& error) {
                      if (error) return;
                      std::uint64_t expirations = 0;
                      const auto got =
                          ::read(timer_.native_handle(), &expirations, sizeof expirations);
                      wait_for_deadline();
                      if (got != sizeof expirations) return;  // re-armed for later meanwhile
                      armed_ = never;  // the timer runs once: whatever comes next is armed anew
                      hooks_.on_time(read_clock());
                      rearm();
                    });
}

void Loop::wait_for_signal() {
  signals_.async_wait([this](const boost::system::error_code& error, int number) {
    if (error) return;
    wait_for_signal();
    if (hooks_.on_signal) hooks_.on_signal(number);
    rearm();
  });
}

void Loop::notify_ready(const std::string& status) {
  sd_notifyf(0, "READY=1\nSTATUS=%s", status.c_str());
}

void Loop::notify_stopping() { sd_notify(0, "STOPPING=1"); }

int Loop::run() {
  settle_heap();
  accept_signals();
  rearm();
  if (!stopped_) context_.run();
  return code_;
}

void Loop::stop(int code) {
  if (!stopped_) code_ = code;
  stopped_ = true;
  context_.stop();
}

}  // namespace banyan::io
