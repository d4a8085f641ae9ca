#include "common/view/page.h"

#include <utility>

#include <boost/json.hpp>

namespace banyan::view {

Result<Page> Page::read(const Query& query) {
  const auto limit = query.integer("limit", {1, max_limit});
  if (!limit) return tl::unexpected<Error>(limit.error());
  return Page{limit->value_or(default_limit), query.text("continue")};
}

void PageWriter::add(std::string_view item, std::string token) {
  if (!items_.empty()) items_ += ',';
  items_ += item;
  token_ = std::move(token);
  --room_;
}

std::string PageWriter::finish(bool more) {
  const std::string next = more ? boost::json::serialize(boost::json::string(token_)) : "null";
  return "{\"items\":[" + std::exchange(items_, std::string()) + "],\"continue\":" + next + "}";
}

}  // namespace banyan::view
