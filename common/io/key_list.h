#pragma once
// The keys that children may have: the file behind `authorized_keys`. One line each,
//
//     KEY NAME [leaf|relay]   # comment
//
// A name belongs to one key and a key to one name; a second line with either is a mistake, as is
// anything else: a list with mistakes admits nobody. Pure but for load(). Bound: 4 MiB, which is
// some 40,000 keys.

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "common/base/result.h"
#include "common/tree/node_event.h"

namespace banyan::io {

class KeyList {
 public:
  // `source` is named in front of a mistake: "keys:3: ...".
  static Result<KeyList> parse(std::string_view text, const std::string& source);
  static Result<KeyList> load(const std::string& path);
  // One line more, as if it had stood in the file.
  Status add(std::string_view line);

  // Null: nobody's.
  std::shared_ptr<const tree::KeyHolder> find(const std::string& public_key) const;
  // By name: its key.
  const std::map<std::string, std::string>& names() const { return names_; }
  std::size_t size() const { return holders_.size(); }

 private:
  std::unordered_map<std::string, std::shared_ptr<const tree::KeyHolder>> holders_;
  std::map<std::string, std::string> names_;
};

struct KeyLine {
  std::string key;
  std::string name;
  std::string role;  // may be empty
  std::string text() const { return key + " " + name + (role.empty() ? "" : " " + role); }
};
// Adds a line to the file; everything else in it, its mode and its owner stay. Either the old or
// the new file survives a crash. `line` fits what is in the file.
Status add_to_list(const std::string& path, const KeyLine& line);

}  // namespace banyan::io
