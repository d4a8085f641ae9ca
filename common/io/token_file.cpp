#include "common/io/token_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <sstream>

#include "common/base/name.h"
#include "common/io/files.h"
#include "common/io/link_keys.h"

namespace banyan::io {
namespace {

constexpr std::size_t max_file = 1 << 20;
constexpr auto kept_after_end = std::chrono::hours{24};

// The file, opened and locked against everybody else who adds to it.
class Locked {
 public:
  explicit Locked(const std::string& path)
      : descriptor_(::open(path.c_str(), O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600)) {
    if (descriptor_ >= 0 && ::flock(descriptor_, LOCK_EX) != 0) close();
    error_ = errno;
  }
  ~Locked() { close(); }
  Locked(const Locked&) = delete;
  Locked& operator=(const Locked&) = delete;

  bool is_open() const { return descriptor_ >= 0; }
  // A super-user who enrolls for a daemon of another user.
  bool give_to_owner_of(const std::string& other) {
    struct stat found {};
    if (::geteuid() != 0 || ::stat(other.c_str(), &found) != 0) return true;
    return note(::fchown(descriptor_, found.st_uid, found.st_gid) == 0);
  }
  bool clear() { return note(::ftruncate(descriptor_, 0) == 0); }
  bool write(const std::string& text) {
    const auto size = static_cast<ssize_t>(text.size());
    return note(::write(descriptor_, text.data(), text.size()) == size &&
                ::fsync(descriptor_) == 0);
  }
  tl::unexpected<Error> failed(const std::string& path) const {
    return failure("cannot write the file of tokens", path, error_text(error_));
  }

 private:
  bool note(bool right) {
    if (!right) error_ = errno;
    return right;
  }
  void close() {
    if (descriptor_ >= 0) ::close(descriptor_);
    descriptor_ = -1;
  }

  int descriptor_;
  int error_ = 0;
};

std::string line_of(const std::string& key, const Token& token) {
  return fmt::format("token {} {} {} {}\n", key, token.name,
                     token.role.empty() ? "any" : token.role, wall_ms(token.expires));
}

std::string use_line(const std::string& key, const std::string& by) {
  return fmt::format("used {} {}\n", key, by);
}

void take_line(std::istringstream& words, Tokens& tokens) {
  std::string kind;
  std::string key;
  std::string next;
  if (!(words >> kind >> key >> next) || !is_key(key)) return;
  if (kind == "used" && is_key(next)) {
    if (const auto known = tokens.find(key); known != tokens.end()) known->second.used_by = next;
  } else if (kind == "token" && is_name(next)) {
    Token token;
    token.name = next;
    std::int64_t expires = 0;
    if (!(words >> token.role >> expires)) return;
    if (token.role == "any") token.role.clear();
    token.expires = wall_from_ms(expires);
    tokens.emplace(key, std::move(token));
  }
}

}  // namespace

Result<Tokens> TokenFile::load() const {
  Tokens tokens;
  if (::access(path_.c_str(), F_OK) != 0 && errno == ENOENT) return tokens;
  const auto text = read_file(path_, max_file);
  if (!text) return tl::unexpected(text.error());
  std::istringstream lines(*text);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    take_line(words, tokens);
  }
  return tokens;
}

Status TokenFile::add(const std::string& key, const Token& token, WallTime now) const {
  Locked file(path_);
  if (!file.is_open()) return file.failed(path_);
  if (!file.give_to_owner_of(list_file_)) return file.failed(path_);
  auto tokens = load();
  if (!tokens) return tl::unexpected(tokens.error());
  const auto ended = [now](const auto& each) { return each.second.expires + kept_after_end < now; };
  std::string text;
  if (std::erase_if(*tokens, ended) > 0) {
    for (const auto& [old_key, old] : *tokens) {
      text += line_of(old_key, old);
      if (!old.used_by.empty()) text += use_line(old_key, old.used_by);
    }
    if (!file.clear()) return file.failed(path_);
  }
  if (!file.write(text + line_of(key, token))) return file.failed(path_);
  return {};
}

Status TokenFile::use(const std::string& key, const std::string& by) const {
  Locked file(path_);
  if (!file.is_open() || !file.write(use_line(key, by))) return file.failed(path_);
  return {};
}

}  // namespace banyan::io
