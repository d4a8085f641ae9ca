#include "leaf/io/wanted_file.h"

#include <sys/stat.h>
#include <sstream>

#include "common/io/files.h"

namespace banyan::leaf {
namespace {

std::string host_boot() {
  const auto id = banyan::io::read_file("/proc/sys/kernel/random/boot_id", 4096);
  return id ? id->substr(0, id->find('\n')) : "unknown";
}

}  // namespace

Result<std::map<std::string, bool>> WantedFile::load() const {
  std::map<std::string, bool> wanted;
  struct stat status {};
  if (stat(path_.c_str(), &status) != 0) return wanted;
  const auto text = banyan::io::read_file(path_);
  if (!text) return tl::unexpected(text.error());
  std::istringstream lines(*text);
  std::string word;
  std::string value;
  if (!(lines >> word >> value) || word != "boot" || value != host_boot()) return wanted;
  while (lines >> word >> value) wanted[word] = value == "1";
  return wanted;
}

Status WantedFile::store(const std::map<std::string, bool>& wanted) const {
  std::string text = "boot " + host_boot() + "\n";
  for (const auto& [target, is_wanted] : wanted) text += target + (is_wanted ? " 1\n" : " 0\n");
  return banyan::io::write_file_atomically(path_, text);
}

}  // namespace banyan::leaf
