// Events: what comes in from the tree, and the list of what is kept.

#include <algorithm>

#include "common/view/api.h"
#include "common/view/page.h"

namespace banyan::view {
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

// The newest are in memory; behind them the store goes on, if there is one.
Reply Api::get_events(Call& call) {
  const auto page = Page::read(call.query);
  if (!page) return bad_request(page.error());
  auto filter = EventFilter::read(call.query, call.now.wall);
  if (!filter) return bad_request(filter.error());
  const auto& list = events_.events();
  PageWriter writer(*page);
  auto it = list.rbegin();
  for (; it != list.rend(); ++it) {
    if (!filter->passes(*it, mirror_)) continue;
    if (!writer.has_room()) break;
    writer.add(event_json(*it), std::to_string(it->seq));
  }
  const auto oldest = list.empty() ? events_.last_seq() + 1 : list.front().seq;
  filter->below = std::min(filter->below, oldest);
  const bool ends = it != list.rend() || !has_store_ || filter->below <= filter->above + 1;
  if (ends) return json_answer(writer.finish(it != list.rend()));
  if (reads_.size() >= max_reads) {
    return refuse(503, {"too many lists are being read", {}, {}, "ask again in a moment"});
  }
  const auto id = ++last_read_;
  ask_history(id, *filter, call.effects);
  reads_.emplace(id, EventRead{call.request.exchange, std::move(*filter), std::move(writer),
                               call.request.method == "HEAD"});
  return std::nullopt;
}

void Api::ask_history(std::uint64_t id, const EventFilter& filter, ApiEffects& effects) {
  HistoryAsk ask;
  ask.id = id;
  ask.below = filter.below;
  ask.above = filter.above;
  ask.since_ms = filter.since ? wall_ms(*filter.since) : 0;
  ask.kinds = filter.kinds;
  effects.history.push_back(std::move(ask));
}

void Api::on_history(HistoryAnswer answer, ApiEffects& effects) {
  const auto it = reads_.find(answer.id);
  if (it == reads_.end()) return;  // its client has gone
  auto& [exchange, filter, writer, head] = it->second;
  if (!answer.error.empty()) {
    const Error error{"the store cannot be read", {}, answer.error, "see the log of this node"};
    return answer_read(answer.id, problem_answer({500, error, {}, {}}), effects);
  }
  for (const StoredEvent& event : answer.events) {
    if (!filter.passes(event, mirror_)) continue;
    if (!writer.has_room()) {
      return answer_read(answer.id, json_answer(writer.finish(true)), effects);
    }
    writer.add(event_json(event), std::to_string(event.seq));
  }
  if (answer.end || answer.events.empty()) {
    return answer_read(answer.id, json_answer(writer.finish(false)), effects);
  }
  filter.below = answer.events.back().seq;
  ask_history(answer.id, filter, effects);
}

void Api::answer_read(std::uint64_t id, Answer answer, ApiEffects& effects) {
  if (reads_.at(id).head) answer.body.clear();
  effects.answer(tree::HttpRespond{reads_.at(id).exchange, answer.status, std::move(answer.headers),
                                   std::move(answer.body)});
  reads_.erase(id);
}

void Api::resume(const History& history, Now now) {
  has_store_ = true;
  const auto& top = options_.top;
  events_.resume(history, {top.instance, top.started_ms, options_.seed});
  commands_.resume(history.commands, now);
}

}  // namespace banyan::view
