#include "common/io/files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "common/base/check.h"

namespace banyan::io {
namespace {

class File {
 public:
  File(const std::string& path, int flags) : descriptor_(::open(path.c_str(), flags, 0600)) {}
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int get() const { return descriptor_; }
  bool is_open() const { return descriptor_ >= 0; }

 private:
  int descriptor_;
};

bool write_all(int descriptor, const std::string& content) {
  std::size_t done = 0;
  while (done < content.size()) {
    const ssize_t written = ::write(descriptor, content.data() + done, content.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    done += static_cast<std::size_t>(written);
  }
  return true;
}

Status write_beside(const std::string& path, const std::string& content) {
  const File file(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC);
  if (!file.is_open() || !write_all(file.get(), content) || ::fsync(file.get()) != 0) {
    return failure("cannot write", path, error_text(errno));
  }
  return {};
}

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

std::string error_text(int error_number) {
  const char* name = strerrorname_np(error_number);
  return fmt::format("{} ({})", std::strerror(error_number), name == nullptr ? "?" : name);
}

Result<std::string> read_file(const std::string& path, std::size_t max_bytes) {
  const File file(path, O_RDONLY | O_CLOEXEC);
  if (!file.is_open()) return failure("cannot read", path, error_text(errno));
  std::string content;
  char block[16384];
  for (;;) {
    const ssize_t got = ::read(file.get(), block, sizeof block);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure("cannot read", path, error_text(errno));
    if (got == 0) return content;
    content.append(block, static_cast<std::size_t>(got));
    if (content.size() > max_bytes) {
      return failure("cannot read", path, fmt::format("larger than {} bytes", max_bytes));
    }
  }
}

Status write_file_atomically(const std::string& path, const std::string& content) {
  const std::string beside = path + ".new";
  if (auto written = write_beside(beside, content); !written) return written;
  if (::rename(beside.c_str(), path.c_str()) != 0) {
    return failure("cannot replace", path, error_text(errno));
  }
  const File directory(directory_of(path), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (!directory.is_open() || ::fsync(directory.get()) != 0) {
    return failure("cannot write", directory_of(path), error_text(errno));
  }
  return {};
}

Status make_directory(const std::string& path) {
  for (std::size_t end = 1; end != std::string::npos && end <= path.size();) {
    end = path.find('/', end);
    const std::string part = path.substr(0, end);
    if (::mkdir(part.c_str(), 0700) != 0 && errno != EEXIST) {
      return failure("cannot create", part, error_text(errno),
                     "set `state_dir` to a place this user may write to");
    }
    if (end != std::string::npos) ++end;
  }
  struct stat found {};
  if (::stat(path.c_str(), &found) == 0 && S_ISDIR(found.st_mode)) return {};
  return failure("not a directory", path);
}

std::uint64_t random_number() {
  std::uint64_t number = 0;
  CHECK(::getrandom(&number, sizeof number, 0) == static_cast<ssize_t>(sizeof number));
  return number;
}

}  // namespace banyan::io
