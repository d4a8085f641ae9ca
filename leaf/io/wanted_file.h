#pragma once
// Which targets people want to run, kept over a restart of the agent but not over one of the host:
// a target stopped by hand stays stopped, an ended one-shot is not run again; after a reboot
// `autostart` decides. A small text file, replaced whole:
//
//   boot <the kernel's boot id>
//   api 1
//   batch 0
//
// Start, and once per change of what is wanted (a person's command): it waits for the disk.

#include <map>
#include <string>

#include "common/base/result.h"

namespace banyan::leaf {

class WantedFile {
 public:
  explicit WantedFile(std::string path) : path_(std::move(path)) {}

  // Empty when there is none, or when it is of an earlier boot of the host.
  Result<std::map<std::string, bool>> load() const;
  Status store(const std::map<std::string, bool>& wanted) const;

 private:
  std::string path_;
};

}  // namespace banyan::leaf
