#include "common/io/key_list.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <vector>

#include "common/base/name.h"
#include "common/base/text.h"
#include "common/io/files.h"
#include "common/io/link_keys.h"

namespace banyan::io {
namespace {

constexpr std::size_t max_file = 4 << 20;
constexpr std::string_view blanks = " \t\r";

std::vector<std::string> words_of(std::string_view line) {
  line = line.substr(0, line.find('#'));
  std::vector<std::string> words;
  for (;;) {
    const auto begin = line.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return words;
    line.remove_prefix(begin);
    const auto end = std::min(line.find_first_of(blanks), line.size());
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(end);
  }
}

}  // namespace

Result<KeyList> KeyList::parse(std::string_view text, const std::string& source) {
  KeyList list;
  for (unsigned number = 1; !text.empty(); ++number) {
    const std::string_view line = text.substr(0, text.find('\n'));
    if (auto added = list.add(line); !added) {
      Error error = added.error();
      error.what = fmt::format("{}:{}: {}", source, number, error.what);
      return tl::unexpected(error);
    }
    text.remove_prefix(std::min(line.size() + 1, text.size()));
  }
  return list;
}

Result<KeyList> KeyList::load(const std::string& path) {
  const auto text = read_file(path, max_file);
  if (!text) return tl::unexpected(text.error());
  return parse(*text, path);
}

Status KeyList::add(std::string_view line) {
  const auto words = words_of(line);
  if (words.empty()) return {};
  constexpr const char* form = "write: KEY NAME [leaf|relay]";
  if (!is_key(words[0])) {
    return failure("expected a key of 64 hex digits, as banyan keygen prints it", {}, {}, form);
  }
  if (words.size() < 2 || words.size() > 3)
    return failure("expected a key and a name", {}, {}, form);
  const std::string& name = words[1];
  const std::string role = words.size() == 3 ? words[2] : "";
  if (!is_name(name))
    return failure(fmt::format("\"{}\" is not a name", visible(name)), {}, {}, form);
  if (!role.empty() && role != "leaf" && role != "relay") {
    return failure(fmt::format("\"{}\" is neither leaf nor relay", visible(role)), {}, {}, form);
  }
  if (names_.contains(name)) {
    return failure(
        fmt::format("the name {} has a key already, {}", name, fingerprint(names_[name])));
  }
  tree::KeyHolder holder{fingerprint(words[0]), name, role};
  const auto [place, added] =
      holders_.emplace(words[0], std::make_shared<const tree::KeyHolder>(std::move(holder)));
  if (!added) {
    return failure(fmt::format("this key is the one of {} already", place->second->name));
  }
  names_[name] = words[0];
  return {};
}

Status add_to_list(const std::string& path, const KeyLine& line) {
  std::error_code error;
  const std::string real = std::filesystem::canonical(path, error).string();
  struct stat found {};
  if (error || ::stat(real.c_str(), &found) != 0) {
    return failure("cannot read", path, error ? error.message() : error_text(errno));
  }
  auto text = read_file(real, max_file);
  if (!text) return tl::unexpected(text.error());
  if (!text->empty() && text->back() != '\n') *text += '\n';
  const std::string whole = *text + line.text() + "\n";
  if (auto right = KeyList::parse(whole, path); !right) return tl::unexpected(right.error());
  if (auto written = write_file_atomically(real, whole); !written) return written;
  const bool same = ::chmod(real.c_str(), found.st_mode & 07777) == 0 &&
                    (::chown(real.c_str(), found.st_uid, found.st_gid) == 0 || ::geteuid() != 0);
  if (same) return {};
  return failure("cannot keep mode and owner", path, error_text(errno));
}

std::shared_ptr<const tree::KeyHolder> KeyList::find(const std::string& public_key) const {
  const auto found = holders_.find(public_key);
  return found == holders_.end() ? nullptr : found->second;
}

}  // namespace banyan::io
