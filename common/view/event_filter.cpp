#include "common/view/event_filter.h"

#include <algorithm>

#include "common/base/text.h"

namespace banyan::view {

bool EventFilter::passes(const StoredEvent& event, const tree::Mirror& mirror) const {
  if (event.seq >= below || event.seq <= above) return false;
  if (since && event.time_ms < wall_ms(*since)) return false;
  if (!kinds.empty() && std::find(kinds.begin(), kinds.end(), event.kind) == kinds.end()) {
    return false;
  }
  return selector.selects(mirror, event.path);
}

Result<EventFilter> EventFilter::read(const Query& query, WallTime now) {
  EventFilter filter;
  const auto since = query.time("since", now);
  if (!since) return tl::unexpected<Error>(since.error());
  filter.since = *since;
  const auto seq = query.integer("after", {0, INT64_MAX});
  if (!seq) return tl::unexpected<Error>(seq.error());
  filter.above = static_cast<std::uint64_t>(seq->value_or(0));
  const auto from = query.integer("continue", {0, INT64_MAX});
  if (!from) return tl::unexpected<Error>(from.error());
  if (*from) filter.below = static_cast<std::uint64_t>(**from);
  filter.kinds = query.words("kind");
  const auto text = query.text("select");
  auto selector = tree::Selector::parse(text);
  if (!selector) {
    Error error = selector.error();
    error.where = "select=" + visible(text);
    return tl::unexpected<Error>(std::move(error));
  }
  filter.selector = std::move(*selector);
  return filter;
}

}  // namespace banyan::view
