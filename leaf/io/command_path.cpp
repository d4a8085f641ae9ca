#include "leaf/io/command_path.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>

namespace banyan::leaf {
namespace {

std::string candidate_of(std::string_view folder, const std::string& name,
                         const std::string& directory) {
  std::string file;
  if (!folder.starts_with('/') && !directory.empty()) file = directory + "/";
  if (!folder.empty()) file.append(folder).append("/");
  file += name;
  // execve takes a name without '/' from the working directory, as an empty PATH entry means.
  return file.find('/') == std::string::npos ? "./" + file : file;
}

bool is_regular(const std::string& file) {
  struct stat info = {};
  return ::stat(file.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

}  // namespace

tl::expected<std::string, int> find_program(const std::string& name, const std::string& path,
                                            const std::string& directory) {
  if (name.empty()) return tl::unexpected<int>(ENOENT);
  if (name.find('/') != std::string::npos) return name;
  int error = ENOENT;
  std::string_view rest = path;
  while (true) {
    const auto colon = rest.find(':');
    const auto file = candidate_of(rest.substr(0, colon), name, directory);
    if (is_regular(file)) {
      if (::faccessat(AT_FDCWD, file.c_str(), X_OK, AT_EACCESS) == 0) return file;
      error = EACCES;
    }
    if (colon == std::string_view::npos) return tl::unexpected<int>(error);
    rest.remove_prefix(colon + 1);
  }
}

}  // namespace banyan::leaf
