// Events: what comes in from the tree, and the list of what is kept.

#include <algorithm>
#include <charconv>

#include "common/base/text.h"
#include "common/view/api.h"
#include "common/view/page.h"

namespace banyan::view {
namespace {

struct EventFilter {
  std::uint64_t below = UINT64_MAX;  // seq
  std::uint64_t above = 0;           // seq
  std::optional<WallTime> since;
  std::vector<std::string> kinds;
  tree::Selector selector;

  bool passes(const StoredEvent& event, const tree::Mirror& mirror) const {
    if (event.seq >= below || event.seq <= above) return false;
    if (since && event.time_ms < wall_ms(*since)) return false;
    if (!kinds.empty() && std::find(kinds.begin(), kinds.end(), event.kind) == kinds.end()) {
      return false;
    }
    return selector.selects(mirror, event.path);
  }
};

Result<EventFilter> read_filter(const Query& query, WallTime now) {
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

}  // namespace

v1::EventAck Api::on_events(const v1::EventBatch& batch, Now now, ApiEffects& effects) {
  const auto before = events_.last_seq();
  auto ack = events_.accept(batch, now.wall);
  publish_events(before, effects);
  return ack;
}

void Api::add_event(OwnEvent event, Now now, ApiEffects& effects) {
  const auto before = events_.last_seq();
  events_.add(std::move(event), now.wall);
  publish_events(before, effects);
}

void Api::publish_events(std::uint64_t after_seq, ApiEffects& effects) {
  if (!hub_.wants(Topic::events)) return;
  const auto& list = events_.events();
  const auto count = std::min<std::uint64_t>(events_.last_seq() - after_seq, list.size());
  for (auto it = list.end() - static_cast<std::ptrdiff_t>(count); it != list.end(); ++it) {
    hub_.publish(Topic::events, it->path, event_json(*it), effects);
  }
}

Reply Api::get_events(Call& call) {
  const auto page = Page::read(call.query);
  if (!page) return bad_request(page.error());
  const auto filter = read_filter(call.query, call.now.wall);
  if (!filter) return bad_request(filter.error());
  const auto& list = events_.events();
  PageWriter writer(*page);
  auto it = list.rbegin();
  for (; it != list.rend(); ++it) {
    if (!filter->passes(*it, mirror_)) continue;
    if (!writer.has_room()) break;
    writer.add(event_json(*it), std::to_string(it->seq));
  }
  return json_answer(writer.finish(it != list.rend()));
}

}  // namespace banyan::view
