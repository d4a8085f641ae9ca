#include "common/io/program.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include <fmt/format.h>

#include "common/io/files.h"

extern char** environ;

namespace banyan::io {
namespace {

namespace fs = std::filesystem;

constexpr const char* variable = "_BANYAN_HANDOVER";
constexpr const char* own_program = "/proc/self/exe";
constexpr std::string_view deleted = " (deleted)";
constexpr unsigned close_on_exec = 4;  // CLOSE_RANGE_CLOEXEC

bool is_this_program(const std::string& path) {
  struct stat candidate = {};
  struct stat own = {};
  return ::stat(path.c_str(), &candidate) == 0 && ::stat(own_program, &own) == 0 &&
         candidate.st_dev == own.st_dev && candidate.st_ino == own.st_ino;
}

// As it was called: a link that names another version later is followed then.
std::string called_as(const std::string& name) {
  std::error_code error;
  if (name.find('/') != std::string::npos) {
    const auto path = fs::absolute(name, error).lexically_normal().string();
    return !error && is_this_program(path) ? path : std::string();
  }
  const char* folders = std::getenv("PATH");
  std::string_view rest = folders == nullptr ? "" : folders;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(':'), rest.size());
    const auto path = fmt::format("{}/{}", rest.substr(0, end), name);
    if (path.front() == '/' && is_this_program(path)) return path;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return {};
}

std::string found_by_kernel() {
  std::error_code error;
  std::string path = fs::read_symlink(own_program, error).string();
  if (path.ends_with(deleted)) path.resize(path.size() - deleted.size());
  return path;
}

bool write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const auto written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    text.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

int memory_file(const std::string& text) {
  const int fd = ::memfd_create("banyan-handover", MFD_CLOEXEC);
  if (fd >= 0 && write_all(fd, text)) return fd;
  const int error = errno;
  if (fd >= 0) ::close(fd);
  errno = error;
  return -1;
}

// Some libraries open descriptors that would stay.
void close_all_on_exec() {
  if (::syscall(SYS_close_range, 3U, ~0U, close_on_exec) == 0) return;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator("/proc/self/fd", error)) {
    const int fd = std::atoi(entry.path().filename().c_str());
    if (fd > 2) ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
}

void keep_on_exec(const std::vector<int>& descriptors) {
  for (const int fd : descriptors) ::fcntl(fd, F_SETFD, 0);
}

std::vector<char*> pointers_to(std::vector<std::string>& words) {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Invocation invocation_of(int argc, char** argv) {
  Invocation invocation;
  invocation.arguments.assign(argv, argv + argc);
  if (argc > 0) invocation.program = called_as(argv[0]);
  if (invocation.program.empty()) invocation.program = found_by_kernel();
  return invocation;
}

Error replace_program(const Invocation& invocation, const std::string& handover,
                      const std::vector<int>& descriptors) {
  const auto failed = [&](int error) {
    return Error{"cannot replace the program", invocation.program, error_text(error), {}};
  };
  const int memory = memory_file(handover);
  if (memory < 0) return failed(errno);
  auto words = invocation.arguments;
  const auto arguments = pointers_to(words);
  sigset_t all;
  sigset_t before;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, &before);
  close_all_on_exec();
  auto kept = descriptors;
  kept.push_back(memory);
  keep_on_exec(kept);
  ::setenv(variable, fmt::format("{}:{}", memory, ::getpid()).c_str(), 1);
  ::execve(invocation.program.c_str(), arguments.data(), environ);
  const int error = errno;
  ::unsetenv(variable);
  close_all_on_exec();
  ::sigprocmask(SIG_SETMASK, &before, nullptr);
  ::close(memory);
  return failed(error);
}

std::optional<std::string> take_handover() {
  const char* value = std::getenv(variable);
  if (value == nullptr) return std::nullopt;
  int fd = -1;
  int pid = 0;
  const bool read = std::sscanf(value, "%d:%d", &fd, &pid) == 2;
  ::unsetenv(variable);
  struct stat info = {};
  if (!read || pid != ::getpid() || ::fstat(fd, &info) < 0) return std::nullopt;
  close_all_on_exec();
  std::string text(static_cast<std::size_t>(info.st_size), '\0');
  std::size_t size = 0;
  while (size < text.size()) {
    const auto got = ::pread(fd, text.data() + size, text.size() - size, static_cast<off_t>(size));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  ::close(fd);
  text.resize(size);
  return text;
}

void accept_signals() {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

}  // namespace banyan::io
