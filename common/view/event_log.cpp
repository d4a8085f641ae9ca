#include "common/view/event_log.h"

#include <algorithm>

#include <fmt/format.h>
#include <boost/json.hpp>

#include "common/base/name.h"
#include "common/view/fact_json.h"
#include "common/view/wall_text.h"

namespace banyan::view {
namespace {

// What an origin sent as data, made sure to be a JSON object.
std::string object_text(const std::string& text) {
  if (text.empty() || text == "{}") return "{}";
  boost::json::parse_options options;
  options.max_depth = 16;
  boost::system::error_code error;
  const auto parsed = boost::json::parse(text, error, {}, options);
  if (!error && parsed.is_object()) return boost::json::serialize(parsed);
  return boost::json::serialize(boost::json::object{{"raw", text}});
}

std::size_t size_of(const StoredEvent& event) {
  return sizeof event + event.path.size() + event.node_id.size() + event.kind.size() +
         event.text.size() + event.data.size();
}

v1::EventAck ack_of(const v1::EventBatch& batch, std::uint64_t upto, bool nack) {
  v1::EventAck ack;
  ack.set_instance(batch.instance());
  *ack.mutable_boot() = batch.boot();
  ack.set_upto(upto);
  ack.set_nack(nack);
  return ack;
}

StreamId id_of(const v1::EventBatch& batch) {
  return {batch.instance(), batch.boot().start_ms(), batch.boot().random()};
}

StoredEvent stored_event(const v1::EventBatch& batch, const v1::Event& event) {
  StoredEvent stored;
  stored.time_ms = event.time_ms();
  stored.path = join_path(batch.path(), event.subject());
  stored.node_id = batch.instance();
  stored.kind = event.kind();
  stored.text = event.text();
  stored.data = object_text(event.data());
  return stored;
}

}  // namespace

void EventLog::resume(const History& history, StreamId own) {
  keeps_rows_ = true;
  own_ = std::move(own);
  last_seq_ = history.last_seq;
  for (const auto& stream : history.streams) stream_of(stream.id).stored = stream.stored;
}

EventLog::Stream& EventLog::stream_of(const StreamId& key) {
  const auto [it, fresh] = streams_.try_emplace(key);
  if (fresh) {
    it->second.idle_place = idle_.insert(idle_.end(), key);
  } else {
    idle_.splice(idle_.end(), idle_, it->second.idle_place);
  }
  while (streams_.size() > limits_.streams) {
    streams_.erase(idle_.front());
    idle_.pop_front();
  }
  return it->second;
}

v1::EventAck EventLog::accept(const v1::EventBatch& batch, WallTime now) {
  const StreamId key = id_of(batch);
  Stream& stream = stream_of(key);
  const std::uint64_t first = batch.first();
  // What an earlier root stored is not missing, though this one does not remember it.
  if (stream.stored == 0)
    stream.stored = std::min(batch.acked(), first - std::min<std::uint64_t>(first, 1));
  const std::uint64_t oldest = std::min(batch.oldest(), first);
  if (first > stream.stored + 1 && oldest > stream.stored + 1) {
    record_gap(batch, stream.stored + 1, now);
    stream.stored = oldest - 1;
  }
  if (first > stream.stored + 1) return ack_of(batch, stream.stored, true);
  std::uint64_t number = first;
  for (const auto& event : batch.events()) {
    if (number == stream.stored + 1) {
      store(stored_event(batch, event), {key, number, number, {}});
      stream.stored = number;
    }
    ++number;
  }
  return ack_of(batch, stream.stored, false);
}

void EventLog::record_gap(const v1::EventBatch& batch, std::uint64_t from, WallTime now) {
  const std::uint64_t to = std::min(batch.oldest(), batch.first());
  StoredEvent gap;
  gap.time_ms = wall_ms(now);
  gap.path = batch.path();
  gap.node_id = batch.instance();
  gap.kind = "gap";
  gap.text = fmt::format("{} events are gone: {} to {}", to - from, from, to - 1);
  gap.data = fmt::format(R"({{"from":{},"to":{},"count":{}}})", from, to - 1, to - from);
  store(std::move(gap), {id_of(batch), from, to - 1, {}});
}

void EventLog::add(OwnEvent event, WallTime now) {
  StoredEvent stored;
  stored.time_ms = wall_ms(now);
  stored.path = std::move(event.path);
  stored.node_id = instance_;
  stored.kind = std::move(event.kind);
  stored.text = std::move(event.text);
  stored.data = object_text(event.data);
  ++last_own_;
  store(std::move(stored), {own_, last_own_, last_own_, {}});
}

void EventLog::store(StoredEvent event, EventRow row) {
  event.seq = ++last_seq_;
  ++total_;
  if (keeps_rows_) {
    row.event = event;
    rows_.push_back(std::move(row));
  }
  bytes_ += size_of(event);
  events_.push_back(std::move(event));
  while (events_.size() > limits_.events || (bytes_ > limits_.bytes && events_.size() > 1)) {
    bytes_ -= size_of(events_.front());
    events_.pop_front();
    ++dropped_;
  }
}

std::string event_json(const StoredEvent& event) {
  boost::json::object json;
  json["seq"] = event.seq;
  json["time"] = rfc3339_told(event.time_ms);
  json["path"] = shown_path(event.path);
  json["node_id"] = event.node_id;
  json["kind"] = event.kind;
  json["text"] = event.text;
  std::string text = boost::json::serialize(json);
  text.pop_back();
  return text + ",\"data\":" + event.data + "}";
}

}  // namespace banyan::view
