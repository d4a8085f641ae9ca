#pragma once
// Which rows of the tree are shown: branches with something to see are open, healthy leaves fold
// into one row, a tree that fits 24 lines is shown whole. The order is the API's. Pure.

#include <optional>
#include <string>
#include <vector>

#include "root/cli/json_view.h"
#include "root/cli/marks.h"

namespace banyan::cli {

struct TreeOptions {
  bool all = false;
  std::optional<int> depth;
};

struct TreeRow {
  std::vector<bool> lasts;  // for each level below the top: is this branch the last of its parent
  std::string name;
  std::string note;  // "25 leaves", beside the name of a closed branch
  Mark mark;
  std::string word;
  std::string age;
  std::string round_trip;
  std::string wanted;  // "72/75"
  std::string reason;
};

// The answer of /api/v1/tree.
std::vector<TreeRow> tree_rows(const json::value& top, const TreeOptions& options,
                               const View& view);

}  // namespace banyan::cli
