#include "common/view/stream_hub.h"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

namespace banyan::view {
namespace {

std::string gap_frame(std::uint64_t id, std::string_view reason) {
  return fmt::format("event: gap\nid: {}\ndata: {{\"path\":\"/\",\"reason\":\"{}\"}}\n\n", id,
                     reason);
}

}  // namespace

const char* name_of(Topic topic) {
  switch (topic) {
    case Topic::events:
      return "events";
    case Topic::targets:
      return "targets";
    case Topic::nodes:
      return "nodes";
    case Topic::outages:
      return "outages";
  }
  return "events";
}

std::string StreamHub::frame(Topic topic, std::string_view json) const {
  return fmt::format("event: {}\nid: {}\ndata: {}\n\n", name_of(topic), last_id_, json);
}

bool StreamHub::subscribe(Subscription subscription, Now now, ApiEffects& effects) {
  if (subscribers_.size() >= max_subscribers) return false;
  if (!active_) {  // nothing was kept while nobody listened
    ring_begin_ = ++last_id_;
    topics_ = 0;
  }
  const bool known_topics = (subscription.topics & ~topics_) == 0;
  topics_ |= subscription.topics;
  active_ = true;
  idle_until_ = never;
  const auto exchange = subscription.exchange;
  Subscriber& subscriber = subscribers_[exchange];
  subscriber.asked = std::move(subscription);
  subscriber.comment_at = after(now.time, comment_every);
  effects.answer(tree::HttpBegin{exchange,
                                 200,
                                 {{"content-type", "text/event-stream"},
                                  {"cache-control", "no-store"},
                                  {"x-accel-buffering", "no"}}});
  send(subscriber, "retry: 1000\n\n", effects);
  if (!subscriber.asked.last_id) return true;
  const auto last = *subscriber.asked.last_id;
  if (last > last_id_ || last < ring_begin_ || (!known_topics && last < last_id_)) {
    send(subscriber, gap_frame(last_id_, "what came meanwhile is not kept"), effects);
  } else {
    replay(subscriber, last, effects);
  }
  return true;
}

void StreamHub::replay(Subscriber& subscriber, std::uint64_t last_id, ApiEffects& effects) {
  std::string frames;
  for (const auto& item : ring_) {
    if (item.id > last_id && matches(subscriber.asked, item)) frames += item.frame;
  }
  if (!frames.empty()) send(subscriber, std::move(frames), effects);
}

void StreamHub::send_alone(tree::ExchangeId exchange, std::string frames, ApiEffects& effects) {
  const auto it = subscribers_.find(exchange);
  if (it == subscribers_.end() || frames.empty()) return;
  it->second.allowed += frames.size();
  send(it->second, std::move(frames), effects);
}

bool StreamHub::matches(const Subscription& subscription, const Item& item) const {
  if ((subscription.topics & static_cast<unsigned>(item.topic)) == 0) return false;
  return subscription.selector.selects(mirror_, item.path);
}

bool StreamHub::send(Subscriber& subscriber, std::string bytes, ApiEffects& effects) {
  subscriber.waiting += bytes.size();
  effects.answer(tree::HttpChunk{subscriber.asked.exchange, std::move(bytes)});
  return subscriber.waiting <= subscriber.allowed;
}

void StreamHub::publish(Topic topic, std::string_view path, std::string_view json,
                        ApiEffects& effects) {
  if (!wants(topic)) return;
  ++last_id_;
  Item item{last_id_, topic, std::string(path), frame(topic, json)};
  for (auto it = subscribers_.begin(); it != subscribers_.end();) {
    const bool fits = !matches(it->second.asked, item) || send(it->second, item.frame, effects);
    if (fits) {
      ++it;
      continue;
    }
    ++hung_up_;
    effects.answer(tree::HttpEnd{it->first});
    it = subscribers_.erase(it);
  }
  keep(std::move(item));
}

void StreamHub::keep(Item item) {
  ring_bytes_ += item.frame.size();
  ring_.push_back(std::move(item));
  while (ring_.size() > ring_size || ring_bytes_ > ring_bytes) {
    ring_begin_ = ring_.front().id;
    ring_bytes_ -= ring_.front().frame.size();
    ring_.pop_front();
  }
}

void StreamHub::publish_gap(std::string_view reason, ApiEffects& effects) {
  if (!active_) return;
  ring_begin_ = ++last_id_;
  ring_.clear();
  ring_bytes_ = 0;
  for (auto& [exchange, subscriber] : subscribers_) {
    send(subscriber, gap_frame(last_id_, reason), effects);
  }
}

void StreamHub::on_drained(tree::ExchangeId exchange) {
  const auto it = subscribers_.find(exchange);
  if (it == subscribers_.end()) return;
  it->second.waiting = 0;
  it->second.allowed = max_waiting;
}

void StreamHub::on_closed(tree::ExchangeId exchange, Now now) {
  subscribers_.erase(exchange);
  const bool alone = active_ && subscribers_.empty();
  if (alone && idle_until_ == never) idle_until_ = after(now.time, kept_for);
}

void StreamHub::on_time(Now now, ApiEffects& effects) {
  for (auto& [exchange, subscriber] : subscribers_) {
    if (subscriber.comment_at > now.time) continue;
    subscriber.comment_at = after(now.time, comment_every);
    send(subscriber, ": alive\n\n", effects);
  }
  if (idle_until_ > now.time) return;
  if (subscribers_.empty()) {
    active_ = false;
    ring_.clear();
    ring_bytes_ = 0;
  }
  idle_until_ = never;
}

Time StreamHub::next_deadline() const {
  Time next = idle_until_;
  for (const auto& [exchange, subscriber] : subscribers_) {
    next = std::min(next, subscriber.comment_at);
  }
  return next;
}

}  // namespace banyan::view
