#pragma once
// Lists in pages: `limit` (1,000 unless given, at most 10,000) and `continue`, which carries what
// the page before ended with. Pure.

#include <cstdint>
#include <string>
#include <string_view>

#include "common/base/result.h"
#include "common/view/query.h"

namespace banyan::view {

struct Page {
  static constexpr std::int64_t default_limit = 1'000;
  static constexpr std::int64_t max_limit = 10'000;

  std::int64_t limit = default_limit;
  std::string from;  // the token; "" = the first page

  static Result<Page> read(const Query& query);
};

// {"items":[...],"continue":token or null}
class PageWriter {
 public:
  explicit PageWriter(const Page& page) : room_(page.limit) {}

  bool has_room() const { return room_ > 0; }
  // `item` is JSON; `token` would continue behind it.
  void add(std::string_view item, std::string token);
  std::string finish(bool more);

 private:
  std::int64_t room_;
  std::string items_;
  std::string token_;
};

}  // namespace banyan::view
