#pragma once
// Which targets people want to run, kept over a restart of the agent but not over one of the host:
// a target stopped by hand stays stopped, an ended one-shot is not run again, a scaled group keeps
// its number; after a reboot the file decides. A small text file, replaced whole:
//
//   boot <the kernel's boot id>
//   api 1
//   batch 0
//   =api 3:5        scaled to 5 instances when the file gave 3
//
// Start, and once per change of what is wanted (a person's command): it waits for the disk.

#include <map>
#include <string>

#include "common/base/result.h"
#include "leaf/instance_groups.h"

namespace banyan::leaf {

struct Remembered {
  std::map<std::string, bool> wanted;
  ScaledGroups scaled;
};

class WantedFile {
 public:
  explicit WantedFile(std::string path) : path_(std::move(path)) {}

  // Empty when there is none, or when it is of an earlier boot of the host.
  Result<Remembered> load() const;
  Status store(const Remembered& remembered) const;

 private:
  std::string path_;
};

}  // namespace banyan::leaf
