#include "common/io/state_dir.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "common/io/files.h"
#include "common/io/uninterrupted.h"

namespace banyan::io {
namespace {

constexpr std::size_t instance_digits = 32;

bool is_instance(const std::string& text) {
  const auto is_digit = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return text.size() == instance_digits && std::all_of(text.begin(), text.end(), is_digit);
}

bool same_file(int a, int b) {
  struct stat of_a = {};
  struct stat of_b = {};
  return ::fstat(a, &of_a) == 0 && ::fstat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev &&
         of_a.st_ino == of_b.st_ino;
}

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

Result<std::string> read_if_there(const std::string& path) {
  if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return std::string{};
  return read_file(path, 4096);
}

}  // namespace

Result<StateDir> StateDir::open(const std::string& path, WallTime now, int lock) {
  StateDir dir;
  dir.path_ = path;
  dir.boot_ = Boot{random_number(), now};
  if (auto made = make_directory(path); !made) return tl::unexpected(made.error());
  if (auto locked = dir.lock(lock); !locked) return tl::unexpected(locked.error());
  if (auto known = dir.read_instance(); !known) return tl::unexpected(known.error());
  return dir;
}

StateDir::StateDir(StateDir&& other) noexcept { *this = std::move(other); }

StateDir& StateDir::operator=(StateDir&& other) noexcept {
  std::swap(path_, other.path_);
  std::swap(instance_, other.instance_);
  std::swap(fresh_, other.fresh_);
  std::swap(boot_, other.boot_);
  std::swap(lock_, other.lock_);
  return *this;
}

StateDir::~StateDir() {
  if (lock_ >= 0) ::close(lock_);
}

Status StateDir::lock(int inherited) {
  const std::string name = file("lock");
  lock_ = ::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  const bool given = inherited > 2 && inherited != lock_;
  if (given && same_file(inherited, lock_)) std::swap(lock_, inherited);
  if (given) ::close(inherited);
  if (lock_ < 0) return failure("cannot open", name, error_text(errno));
  if (::flock(lock_, LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) return failure("cannot lock", name, error_text(errno));
    const std::string pid = trimmed(read_file(name, 64).value_or(""));
    return failure(fmt::format("state_dir {} is in use{}", path_,
                               pid.empty() ? std::string{} : " by pid " + pid),
                   "", "", "give each daemon its own `name` or `state_dir`");
  }
  const std::string pid = fmt::format("{}\n", ::getpid());
  const auto write = [&] { return ::pwrite(lock_, pid.data(), pid.size(), 0); };
  if (::ftruncate(lock_, 0) != 0 || uninterrupted(write) != static_cast<ssize_t>(pid.size())) {
    return failure("cannot write", name, error_text(errno));
  }
  return {};
}

Status StateDir::read_instance() {
  const std::string name = file("instance");
  auto text = read_if_there(name);
  if (!text) return tl::unexpected(text.error());
  instance_ = trimmed(*std::move(text));
  if (is_instance(instance_)) return {};
  if (!instance_.empty()) {
    return failure("not an instance id", name, "32 hex digits expected",
                   "remove the file to make this a new node");
  }
  instance_ = fmt::format("{:016x}{:016x}", random_number(), random_number());
  fresh_ = true;
  return write_file_atomically(name, instance_ + "\n");
}

Result<std::uint64_t> StateDir::kept_attach() const {
  auto text = read_if_there(file("attach"));
  if (!text) return tl::unexpected(text.error());
  const std::string digits = trimmed(*std::move(text));
  std::uint64_t kept = 0;
  if (digits.empty()) return kept;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), kept);
  if (parsed.ec == std::errc{} && parsed.ptr == digits.data() + digits.size()) return kept;
  return failure("not a number", file("attach"), digits.substr(0, 40), "remove the file");
}

Result<std::uint64_t> StateDir::next_attach_base() {
  const auto kept = kept_attach();
  if (!kept) return kept;
  const auto wall = static_cast<std::uint64_t>(std::max<std::int64_t>(0, wall_ms(boot_.started)));
  const std::uint64_t base = std::max(*kept + 1, wall);
  if (auto written = keep_attach(base); !written) return tl::unexpected(written.error());
  return base;
}

Status StateDir::keep_attach(std::uint64_t used) {
  return write_file_atomically(file("attach"), fmt::format("{}\n", used));
}

}  // namespace banyan::io
