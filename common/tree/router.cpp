#include "common/tree/router.h"

#include "common/base/name.h"

namespace banyan::tree {

void Router::raise(std::vector<v1::Outcomes>& outcomes) {
  for (auto& each : outcomes)
    rising_.emplace_back(std::in_place_type<v1::Outcomes>, std::move(each));
}

void Router::raise(std::vector<RisingStream>& streams) {
  for (auto& each : streams) {
    std::visit(
        [this](auto& message) {
          using Message = std::remove_reference_t<decltype(message)>;
          rising_.emplace_back(std::in_place_type<Message>, std::move(message));
        },
        each);
  }
}

void Router::raise(std::vector<v1::Pong>& pongs) {
  for (auto& each : pongs) rising_.emplace_back(std::in_place_type<v1::Pong>, std::move(each));
}

void Router::on_time(Time now) {
  requests_.on_time(now);
  gauges_.on_time(now);
  std::vector<v1::Pong> pongs;
  pings_.on_time(now, pongs);
  raise(pongs);
}

// Of one node. What finds no way is dropped: it is asked again.
void Router::on_outcome_ask(const v1::OutcomeAsk& ask, Turn& turn) {
  if (ask.targets_size() == 0) return;
  const std::string child(split_first(ask.targets(0).path()).first);
  v1::Frame frame;
  v1::OutcomeAsk& below = *frame.mutable_outcome_ask();
  below.set_id(ask.id());
  *below.mutable_boot() = ask.boot();
  for (const v1::RequestTarget& target : ask.targets()) {
    const auto [first, rest] = split_first(target.path());
    if (first != child) continue;
    v1::RequestTarget& further = *below.add_targets();
    further = target;
    further.set_path(std::string(rest));
  }
  downlink_.send(child, std::move(frame), turn);
}

void Router::on_ping(const v1::Ping& ping, Turn& turn) {
  std::vector<v1::Pong> at_once;
  pings_.on_ping(ping, turn, at_once);
  raise(at_once);
}

void Router::on_request(const v1::Request& request, Turn& turn) {
  std::vector<v1::Outcomes> at_once;
  requests_.route(request, turn, at_once);
  raise(at_once);
}

void Router::on_stream_open(const v1::StreamOpen& open, Turn& turn) {
  std::vector<RisingStream> at_once;
  streams_.on_open(open, turn, at_once);
  raise(at_once);
}

void Router::on_stream_credit(const v1::StreamCredit& credit, Turn& turn) {
  streams_.on_credit(credit, turn);
}

void Router::on_stream_close(const v1::StreamClose& close, Turn& turn) {
  streams_.on_close(close, turn);
}

// An acknowledgement that finds no way is dropped: the next rewind asks for it again.
void Router::on_event_ack(const v1::EventAck& ack, Turn& turn) {
  const auto it = event_origins_.find(ack.instance());
  if (it == event_origins_.end()) return;
  v1::Frame frame;
  *frame.mutable_event_ack() = ack;
  downlink_.send(it->second, std::move(frame), turn);
}

void Router::rewind(Turn& turn) {
  for (const auto& [name, child] : downlink_.children()) {
    v1::Frame frame;
    frame.mutable_rewind();
    downlink_.send(name, std::move(frame), turn);
  }
}

void Router::on_parent_gone(Turn& turn) {
  requests_.clear();
  streams_.on_parent_gone(turn);
  gauges_.on_parent_gone();
  pings_.clear();
}

std::vector<Rising> Router::take_rising() {
  for (v1::GaugeAnswer& answer : gauges_.take_answers()) {
    rising_.emplace_back(std::in_place_type<v1::GaugeAnswer>, std::move(answer));
  }
  return std::exchange(rising_, {});
}

void Router::on_child_gone(const std::string& child) {
  std::vector<v1::Outcomes> outcomes;
  requests_.on_child_gone(child, outcomes);
  raise(outcomes);
  std::vector<RisingStream> streams;
  streams_.on_child_gone(child, streams);
  raise(streams);
  gauges_.on_child_gone(child);
  std::vector<v1::Pong> pongs;
  pings_.on_child_gone(child, pongs);
  raise(pongs);
}

void Router::on_child(FromChild& notice, Turn& turn) {
  if (auto* events = std::get_if<RisingEvents>(&notice.message)) {
    if (event_origins_.size() >= max_origins) event_origins_.clear();
    event_origins_[events->batch.instance()] = notice.child;
    rising_.emplace_back(std::in_place_type<RisingEvents>, std::move(*events));
  } else if (auto* outcomes = std::get_if<v1::Outcomes>(&notice.message)) {
    requests_.on_outcomes(notice.child, *outcomes);
    rising_.emplace_back(std::in_place_type<v1::Outcomes>, std::move(*outcomes));
  } else if (const auto* gauges = std::get_if<v1::GaugeAnswer>(&notice.message)) {
    gauges_.on_answer(notice.child, *gauges);
  } else if (const auto* pong = std::get_if<v1::Pong>(&notice.message)) {
    std::vector<v1::Pong> pongs;
    pings_.on_pong(notice.child, *pong, turn.now, pongs);
    raise(pongs);
  } else {
    std::vector<RisingStream> streams;
    if (auto* data = std::get_if<v1::StreamData>(&notice.message)) {
      streams_.on_data(notice.child, std::move(*data), turn, streams);
    } else {
      const auto& close = std::get<v1::StreamClose>(notice.message);
      streams_.on_child_close(notice.child, close, streams);
    }
    raise(streams);
  }
}

}  // namespace banyan::tree
