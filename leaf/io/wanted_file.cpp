#include "leaf/io/wanted_file.h"

#include <sys/stat.h>
#include <optional>
#include <sstream>

#include <fmt/format.h>

#include "common/io/files.h"

namespace banyan::leaf {
namespace {

std::string host_boot() {
  const auto id = banyan::io::read_file("/proc/sys/kernel/random/boot_id", 4096);
  return id ? id->substr(0, id->find('\n')) : "unknown";
}

// "3:5"
std::optional<Scaled> scaled_of(const std::string& text) {
  std::istringstream words(text);
  Scaled scaled;
  char colon = 0;
  const bool whole = static_cast<bool>(words >> scaled.file >> colon >> scaled.wanted);
  return whole && colon == ':' ? std::optional(scaled) : std::nullopt;
}

}  // namespace

Result<Remembered> WantedFile::load() const {
  Remembered remembered;
  struct stat status {};
  if (stat(path_.c_str(), &status) != 0) return remembered;
  const auto text = banyan::io::read_file(path_);
  if (!text) return tl::unexpected(text.error());
  std::istringstream lines(*text);
  std::string word;
  std::string value;
  if (!(lines >> word >> value) || word != "boot" || value != host_boot()) return remembered;
  while (lines >> word >> value) {
    if (!word.starts_with('=')) {
      remembered.wanted[word] = value == "1";
    } else if (const auto scaled = scaled_of(value)) {
      remembered.scaled[word.substr(1)] = *scaled;
    }
  }
  return remembered;
}

Status WantedFile::store(const Remembered& remembered) const {
  std::string text = "boot " + host_boot() + "\n";
  for (const auto& [target, is_wanted] : remembered.wanted) {
    text += target + (is_wanted ? " 1\n" : " 0\n");
  }
  for (const auto& [group, scaled] : remembered.scaled) {
    text += fmt::format("={} {}:{}\n", group, scaled.file, scaled.wanted);
  }
  return banyan::io::write_file_atomically(path_, text);
}

}  // namespace banyan::leaf
