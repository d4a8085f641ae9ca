#include "common/io/program_trial.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>

#include <fmt/format.h>
#include <boost/asio/post.hpp>

#include "common/base/text.h"
#include "common/io/files.h"

extern char** environ;

namespace banyan::io {
namespace {

using boost::system::error_code;

constexpr auto patience = std::chrono::seconds{10};
constexpr std::size_t words_max = 1000;

// With standard signals and output, and no other descriptors (all are closed on execve).
int spawn_program(const Invocation& invocation, int output, pid_t& pid) {
  auto words = invocation.arguments;
  words.emplace_back("--check");
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_adddup2(&actions, output, 2);
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none;
  sigset_t all;
  ::sigemptyset(&none);
  ::sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes,
                           POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
  const int error = ::posix_spawn(&pid, invocation.program.c_str(), &actions, &attributes,
                                  arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  return error;
}

}  // namespace

ProgramTrial::ProgramTrial(boost::asio::io_context& loop) : pidfd_(loop), timer_(loop) {}

void ProgramTrial::start(const Invocation& invocation, Done done) {
  done_ = std::move(done);
  program_ = invocation.program;
  if (auto spawned = spawn(invocation); !spawned) {
    boost::asio::post(pidfd_.get_executor(), [this, spawned] { finish(spawned); });
    return;
  }
  timer_.expires_after(patience);
  timer_.async_wait([this](const error_code& error) {
    if (!error && pid_ != 0) ::kill(-pid_, SIGKILL);
  });
  wait();
}

Status ProgramTrial::spawn(const Invocation& invocation) {
  const auto failed = [&](int error) {
    return failure("cannot run the new program", program_, error_text(error));
  };
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) < 0) return failed(errno);
  pid_t pid = 0;
  const int error = spawn_program(invocation, ends[1], pid);
  ::close(ends[1]);
  if (error != 0) {
    ::close(ends[0]);
    return failed(error);
  }
  // It is a child of this process and not reaped: the number is still its own.
  const int pidfd = static_cast<int>(::syscall(SYS_pidfd_open, pid, 0));
  if (pidfd < 0) {
    const int why = errno;
    ::kill(pid, SIGKILL);
    ::waitpid(pid, nullptr, 0);
    ::close(ends[0]);
    return failed(why);
  }
  pid_ = pid;
  output_ = ends[0];
  pidfd_.assign(pidfd);
  return {};
}

void ProgramTrial::wait() {
  pidfd_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                    [this](const error_code& error) {
                      if (error == boost::asio::error::operation_aborted || pid_ == 0) return;
                      if (!collect(pid_)) wait();
                    });
}

bool ProgramTrial::collect(int pid) {
  if (pid_ == 0 || pid != pid_) return false;
  int status = 0;
  if (::waitpid(pid_, &status, WNOHANG) != pid_) return false;
  pid_ = 0;
  timer_.cancel();
  pidfd_.close();
  const std::string said = words();
  ::close(output_);
  Status answer;
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
    const auto how = WIFEXITED(status)
                         ? fmt::format("exit {}", WEXITSTATUS(status))
                         : fmt::format("signal {}, or not done within 10 s", WTERMSIG(status));
    answer = failure("the new program does not accept this configuration", program_ + " --check",
                     said.empty() ? how : how + ": " + said);
  }
  boost::asio::post(pidfd_.get_executor(), [this, answer] { finish(answer); });
  return true;
}

std::string ProgramTrial::words() {
  std::string text;
  std::array<char, 4096> part{};
  for (;;) {
    const auto got = ::read(output_, part.data(), part.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(part.data(), static_cast<std::size_t>(got));
  }
  while (!text.empty() && text.back() == '\n') text.pop_back();
  if (text.size() > words_max) text.resize(words_max);
  return visible(text);
}

void ProgramTrial::finish(Status status) {
  if (auto done = std::exchange(done_, {})) done(std::move(status));
}

}  // namespace banyan::io
