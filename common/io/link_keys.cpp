#include "common/io/link_keys.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <cerrno>

#include "common/base/check.h"
#include "common/base/hex.h"
#include "common/io/files.h"

namespace banyan::io {
namespace {

constexpr std::size_t key_size = 32;
constexpr std::size_t z85_size = 40;
constexpr std::size_t fingerprint_size = 16;
constexpr std::size_t max_file = 4096;
constexpr std::string_view secret_word = "secret ";

std::string text_of_z85(const char* z85) {
  std::string bytes(key_size, '\0');
  CHECK(zmq_z85_decode(reinterpret_cast<std::uint8_t*>(bytes.data()), z85) != nullptr);
  return key_text(bytes);
}

Result<std::string> public_key_of(const std::string& secret) {
  const std::string bytes = key_bytes(secret);
  char z85[z85_size + 1];
  char open[z85_size + 1];
  zmq_z85_encode(z85, reinterpret_cast<const std::uint8_t*>(bytes.data()), key_size);
  if (zmq_curve_public(open, z85) != 0) return failure("not a key");
  return text_of_z85(open);
}

std::string secret_in(std::string_view text) {
  while (!text.empty()) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (line.starts_with(secret_word)) return std::string(line.substr(secret_word.size()));
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return {};
}

Status check_mode(const std::string& path) {
  struct stat found {};
  if (::stat(path.c_str(), &found) != 0) return failure("cannot read", path, error_text(errno));
  const auto others = found.st_mode & 0077;
  if (others == 0 || (others == 0040 && found.st_gid == 0)) return {};
  return failure("others may read this secret key", path,
                 fmt::format("mode {:04o}", found.st_mode & 07777), "chmod 600 " + path);
}

}  // namespace

bool is_key(std::string_view text) { return text.size() == 2 * key_size && is_hex(text); }

std::string fingerprint(std::string_view public_key) {
  return std::string(public_key.substr(0, fingerprint_size));
}

std::string key_bytes(std::string_view key) {
  CHECK(is_key(key));
  return bytes_of_hex(key);
}

std::string key_text(std::string_view bytes) { return hex_of_bytes(bytes); }

KeyPair make_key_pair() {
  char open[z85_size + 1];
  char secret[z85_size + 1];
  CHECK(zmq_curve_keypair(open, secret) == 0);
  return {text_of_z85(open), text_of_z85(secret)};
}

Result<KeyPair> key_pair_of(const std::string& secret_key) {
  if (!is_key(secret_key)) return failure("not a key", {}, "expected 64 hex digits");
  auto open = public_key_of(secret_key);
  if (!open) return tl::unexpected(open.error());
  return KeyPair{*std::move(open), secret_key};
}

Status write_key_file(const std::string& path, const KeyPair& pair) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (file < 0) {
    const bool there = errno == EEXIST;
    return failure(
        "cannot make the key file", path, error_text(errno),
        there ? "a key is never overwritten: name another file, or remove this one" : "");
  }
  const std::string text = fmt::format(
      "# The secret key of a banyan node: whoever has this file is this node.\npublic {}\n{}{}\n",
      pair.public_key, secret_word, pair.secret_key);
  const bool written =
      ::write(file, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
      ::fsync(file) == 0;
  const int error = errno;
  ::close(file);
  if (written) return {};
  ::unlink(path.c_str());
  return failure("cannot write the key file", path, error_text(error));
}

Result<KeyPair> read_key_file(const std::string& path) {
  if (auto right = check_mode(path); !right) return tl::unexpected(right.error());
  const auto text = read_file(path, max_file);
  if (!text) return tl::unexpected(text.error());
  const std::string secret = secret_in(*text);
  if (!is_key(secret)) {
    return failure("not a key file", path, "no line \"secret\" with 64 hex digits",
                   "make one: banyan keygen FILE");
  }
  auto open = public_key_of(secret);
  if (!open) return failure("not a key file", path, "its secret is no key");
  return KeyPair{*std::move(open), secret};
}

}  // namespace banyan::io
