#pragma once
// The newest command taken from each issuer, kept over restarts of agent and host: what was taken
// once cannot be sent again. A small text file, replaced whole; one line each:
//
//   KEY EPOCH SEQUENCE ID
//
// Start, and once per command of an issuer: it waits for the disk.

#include <string>

#include "common/base/result.h"
#include "common/tree/command_guard.h"

namespace banyan::leaf {

class MarksFile {
 public:
  explicit MarksFile(std::string path) : path_(std::move(path)) {}

  // Empty when there is none. What cannot be read is an error: a leaf that has forgotten what it
  // took could be made to do it again.
  Result<tree::CommandMarks> load() const;
  Status store(const tree::CommandMarks& marks) const;

 private:
  std::string path_;
};

}  // namespace banyan::leaf
