#pragma once
// The directory in which a daemon keeps what outlives it. Opening takes a lock that lasts as long
// as the object; a second daemon on the same directory is told the holder's pid.
//
//   lock      flock'ed; the holder's pid
//   instance  32 hex digits, made once: who this node is over restarts
//   attach    the highest attach number known to be used
//
// Files are replaced whole (write, fsync, rename, fsync of the directory). Start and shutdown only,
// next_attach_base() and keep_attach() excepted: they wait for the disk. One thread.

#include <cstdint>
#include <string>

#include "common/base/result.h"
#include "common/base/time.h"

namespace banyan::io {

struct Boot {  // of this process
  std::uint64_t random = 0;
  WallTime started{};
};

class StateDir {
 public:
  // `lock`: a descriptor that the program before this one in the same process held it by; 0 = none.
  // It is taken over, or closed when it is the lock of another directory.
  static Result<StateDir> open(const std::string& path, WallTime now, int lock = 0);
  StateDir(StateDir&& other) noexcept;
  StateDir& operator=(StateDir&& other) noexcept;
  ~StateDir();

  const std::string& path() const { return path_; }
  std::string file(const std::string& name) const { return path_ + "/" + name; }
  const std::string& instance() const { return instance_; }
  // The instance id was made just now: nobody carries it yet.
  bool fresh() const { return fresh_; }
  const Boot& boot() const { return boot_; }
  int lock_descriptor() const { return lock_; }

  // max(highest kept + 1, wall clock in ms), kept before it is returned. Call once per start; each
  // Hello then uses max(last + 1, base, wall ms).
  Result<std::uint64_t> next_attach_base();
  // Keeps a number used later, so that a clock set back cannot make the next start use lower ones.
  Status keep_attach(std::uint64_t used);

 private:
  StateDir() = default;
  Status lock(int inherited);
  Status read_instance();
  Result<std::uint64_t> kept_attach() const;

  std::string path_;
  std::string instance_;
  bool fresh_ = false;
  Boot boot_;
  int lock_ = -1;
};

}  // namespace banyan::io
