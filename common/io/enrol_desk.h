#pragma once
// Where new hosts are admitted: who comes with the key of a token that was given out here may say
// one thing, which key it wants listed under the token's name. The key is then added to the file of
// admitted keys. A refusal says why.
//
//   unused, in time  -> the key is listed, the token is used
//   used by this key -> admitted again: its first answer was lost
//   anything else    -> refused: used, expired, name, key, list, bad_ask
//
// Used by KeyGuard, on the event loop; it reads the file of tokens when that has changed and writes
// when a host is admitted.

#include <sys/types.h>
#include <string>
#include <string_view>

#include "banyan/v1/enrol.pb.h"
#include "common/base/time.h"
#include "common/io/key_list.h"
#include "common/io/token_file.h"

namespace banyan::io {

class EnrolDesk {
 public:
  static constexpr std::size_t max_ask = 1024;  // bytes

  explicit EnrolDesk(std::string list_file) : list_file_(std::move(list_file)), file_(list_file_) {}

  // Was this the key of a token that was given out here? Used and expired ones are known for a
  // day, so that they can be told so.
  bool knows(const std::string& key);

  struct Judged {
    v1::EnrolAnswer answer;
    std::string name;  // that the token is for
    std::string key;   // that was to be listed; may be empty
    std::string role;
    bool added = false;  // to the file just now
  };
  // `list`: as it is in force.
  Judged judge(const std::string& token, std::string_view ask, const KeyList& list, WallTime now);

 private:
  struct Version {
    ino_t inode = 0;
    off_t size = -1;
    std::int64_t changed_ns = 0;
    bool operator==(const Version&) const = default;
  };
  void refresh();

  std::string list_file_;
  TokenFile file_;
  Tokens tokens_;
  Version read_;  // of the file
};

}  // namespace banyan::io
