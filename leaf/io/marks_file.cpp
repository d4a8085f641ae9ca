#include "leaf/io/marks_file.h"

#include <sys/stat.h>
#include <sstream>

#include <fmt/format.h>

#include "common/base/hex.h"
#include "common/io/files.h"

namespace banyan::leaf {

Result<tree::CommandMarks> MarksFile::load() const {
  tree::CommandMarks marks;
  struct stat status {};
  if (stat(path_.c_str(), &status) != 0) return marks;
  const auto text = banyan::io::read_file(path_);
  if (!text) return tl::unexpected(text.error());
  std::istringstream lines(*text);
  std::string line;
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::string key;
    std::string id;
    tree::CommandMark mark;
    if (!(words >> key >> mark.epoch >> mark.sequence >> id) || !is_hex(key) || !is_hex(id)) {
      return failure("not a file of command marks", path_, "",
                     "remove it once the time of all commands that were given is over");
    }
    mark.id = bytes_of_hex(id);
    marks[bytes_of_hex(key)] = std::move(mark);
  }
  return marks;
}

Status MarksFile::store(const tree::CommandMarks& marks) const {
  std::string text;
  for (const auto& [key, mark] : marks) {
    text += fmt::format("{} {} {} {}\n", hex_of_bytes(key), mark.epoch, mark.sequence,
                        hex_of_bytes(mark.id));
  }
  return banyan::io::write_file_atomically(path_, text);
}

}  // namespace banyan::leaf
