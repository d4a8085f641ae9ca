#include "leaf/io/helper_processes.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include <boost/asio/post.hpp>

#include "common/base/check.h"
#include "common/base/text.h"
#include "common/io/uninterrupted.h"
#include "leaf/io/subtree.h"

namespace banyan::leaf {
namespace {

using boost::system::error_code;

constexpr std::size_t input_max = 32 << 10;

// A pipe that holds the whole input, so that nobody has to feed the helper; none when it does not
// (a user with very many pipes gets small ones), for nobody reads it yet.
Descriptor filled_pipe(const std::string& input) {
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) < 0) return {};
  Descriptor reader(ends[0]);
  const Descriptor writer(ends[1]);
  ::fcntl(writer.get(), F_SETFL, O_NONBLOCK);
  std::string_view left = std::string_view(input).substr(0, input_max);
  while (!left.empty()) {
    const auto size =
        banyan::io::uninterrupted([&] { return ::write(writer.get(), left.data(), left.size()); });
    if (size <= 0) return {};
    left.remove_prefix(static_cast<std::size_t>(size));
  }
  return reader;
}

// Reads what is there. True while there may be more later.
bool read_some(int pipe, std::string& text) {
  char buffer[4096];
  while (true) {
    const auto size = ::read(pipe, buffer, sizeof buffer);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0) return errno == EAGAIN;
    if (size == 0) return false;
    const auto room = HelperProcesses::output_max - text.size();
    text.append(buffer, std::min(static_cast<std::size_t>(size), room));
    if (static_cast<std::size_t>(size) < sizeof buffer) return true;
  }
}

std::string first_line(const std::string& text) {
  return visible(std::string_view(text).substr(0, text.find('\n')));
}

}  // namespace

HelperProcesses::HelperProcesses(boost::asio::io_context& loop, std::string instance)
    : loop_(loop), launcher_(std::move(instance)) {}

HelperProcesses::Helper* HelperProcesses::find(Id id) {
  const auto entry = helpers_.find(id);
  return entry == helpers_.end() ? nullptr : entry->second.get();
}

HelperProcesses::Id HelperProcesses::run(HelperCommand command, Done done) {
  const Id id = ++last_;
  if (ids_.size() >= helpers_max) {
    refuse("too many checks and hooks run here already", std::move(done));
    return id;
  }
  LaunchExtras extras;
  extras.environment = std::move(command.environment);
  extras.short_lived = true;
  extras.mark_end = command.outlives_target ? "~hook" : check_mark_end;
  if (!command.input.empty()) extras.input = filled_pipe(command.input);
  command.config.process.input = "null";
  auto launched = launcher_.launch(command.config, command.generation, std::move(extras));
  if (!launched) {
    refuse(visible(launched.error().text), std::move(done));
    return id;
  }
  const auto stream = [&](Descriptor& fd) { return Stream{{loop_, fd.release()}, {}}; };
  helpers_[id] = std::make_unique<Helper>(
      Helper{launched->pid, std::move(done), stream(launched->stdout_fd),
             stream(launched->stderr_fd), boost::asio::steady_timer(loop_)});
  ids_[launched->pid] = id;
  wait_for_output(id, &Helper::out);
  wait_for_output(id, &Helper::err);
  wait_for_timeout(id, command.timeout);
  return id;
}

void HelperProcesses::refuse(std::string text, Done done) {
  boost::asio::post(loop_, [text = std::move(text), done = std::move(done)] {
    done(HelperResult{HelperResult::End::not_started, 0, 0, text});
  });
}

// It is read for as long as it runs, so that a chatty helper is not held up.
void HelperProcesses::wait_for_output(Id id, Stream Helper::*stream) {
  Helper* helper = find(id);
  CHECK(helper != nullptr);
  auto& pipe = (helper->*stream).pipe;
  pipe.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                  [this, id, stream](const error_code& error) {
                    Helper* woken = find(id);
                    if (error || woken == nullptr) return;
                    auto& from = woken->*stream;
                    if (read_some(from.pipe.native_handle(), from.text)) {
                      wait_for_output(id, stream);
                    }
                  });
}

void HelperProcesses::wait_for_timeout(Id id, Duration timeout) {
  Helper* helper = find(id);
  helper->timer.expires_after(timeout);
  helper->timer.async_wait([this, id](const error_code& error) {
    Helper* late = find(id);
    if (error || late == nullptr) return;
    ::kill(-late->pid, SIGKILL);
    HelperResult result;
    result.end = HelperResult::End::timed_out;
    finish(id, std::move(result));
  });
}

// Until it is reaped its pid is nobody else's, and its group exists.
void HelperProcesses::cancel(Id id) {
  Helper* helper = find(id);
  if (helper == nullptr) return;
  if (helper->pid > 0) ::kill(-helper->pid, SIGKILL);
  helpers_.erase(id);
}

void HelperProcesses::end_all() {
  while (!helpers_.empty()) cancel(helpers_.begin()->first);
}

bool HelperProcesses::dead(int pid) {
  const auto entry = ids_.find(pid);
  if (entry == ids_.end()) return false;
  ::kill(-pid, SIGKILL);
  return true;
}

void HelperProcesses::reaped(const siginfo_t& info) {
  const auto entry = ids_.find(info.si_pid);
  if (entry == ids_.end()) return;
  const Id id = entry->second;
  ids_.erase(entry);
  Helper* helper = find(id);
  if (helper == nullptr) return;  // cancelled, or already told
  helper->pid = 0;
  HelperResult result;
  if (info.si_code == CLD_EXITED) {
    result.code = info.si_status;
  } else {
    result.end = HelperResult::End::signalled;
    result.signal = info.si_status;
  }
  finish(id, std::move(result));
}

void HelperProcesses::finish(Id id, HelperResult result) {
  Helper& helper = *helpers_.at(id);
  read_some(helper.out.pipe.native_handle(), helper.out.text);
  read_some(helper.err.pipe.native_handle(), helper.err.text);
  result.text = first_line(helper.out.text.empty() ? helper.err.text : helper.out.text);
  helper.timer.cancel();
  // Still cancellable until it is told.
  boost::asio::post(loop_, [this, id, result = std::move(result)] {
    Helper* ended = find(id);
    if (ended == nullptr || !ended->done) return;
    const auto done = std::move(ended->done);
    helpers_.erase(id);
    done(result);
  });
}

}  // namespace banyan::leaf
