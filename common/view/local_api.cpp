#include "common/view/local_api.h"

namespace banyan::view {
namespace {

constexpr std::uint64_t local = tree::StreamTable::local_stream;

template <class Message>
Message with_stream(Message message, std::uint64_t stream) {
  message.set_stream(stream);
  return message;
}

}  // namespace

void LocalApi::on_changes(const tree::Changes& changes, Now now) {
  if (!changes.empty()) api_.on_changes(changes, now, asked_);
}

void LocalApi::remember(const std::string& id) {
  if (!ids_.insert(id).second) return;
  order_.push_back(id);
  if (order_.size() <= max_ids) return;
  ids_.erase(order_.front());
  order_.pop_front();
}

bool LocalApi::take(const tree::Rising& rising, Now now) {
  if (const auto* events = std::get_if<tree::RisingEvents>(&rising)) {
    api_.on_events(events->batch, now, asked_);
    return false;
  }
  if (const auto* outcomes = std::get_if<v1::Outcomes>(&rising)) {
    if (!ids_.contains(outcomes->id())) return false;
    api_.on_outcomes(*outcomes, now, asked_);
    return true;
  }
  if (const auto* data = std::get_if<v1::StreamData>(&rising)) {
    if ((data->stream() & local) == 0) return false;
    api_.on_stream_data(with_stream(*data, data->stream() & ~local), now, asked_);
    return true;
  }
  if (const auto* gauges = std::get_if<v1::GaugeAnswer>(&rising)) {
    if ((gauges->ask() & tree::GaugeTable::local_ask) == 0) return false;
    v1::GaugeAnswer answer = *gauges;
    answer.set_ask(answer.ask() & ~tree::GaugeTable::local_ask);
    api_.on_gauges(answer, asked_);
    return true;
  }
  if (const auto* pong = std::get_if<v1::Pong>(&rising)) {
    if ((pong->number() & local) == 0) return false;
    v1::Pong own = *pong;
    own.set_number(pong->number() & ~local);
    api_.on_pong(own, asked_);
    return true;
  }
  const auto& close = std::get<v1::StreamClose>(rising);
  if ((close.stream() & local) == 0) return false;
  api_.on_stream_close(with_stream(close, close.stream() & ~local), now, asked_);
  return true;
}

ApiEffects LocalApi::take_asked() {
  auto http = std::exchange(asked_.http, {});
  ApiEffects asked = std::exchange(asked_, {});
  asked_.http = std::move(http);
  for (const auto& request : asked.requests) remember(request.command().id());
  for (auto& open : asked.opens) open.set_stream(open.stream() | local);
  for (auto& credit : asked.credits) credit.set_stream(credit.stream() | local);
  for (auto& close : asked.closes) close.set_stream(close.stream() | local);
  for (auto& ask : asked.gauges) ask.set_ask(ask.ask() | tree::GaugeTable::local_ask);
  return asked;
}

bool LocalApi::hand_down(tree::Router& router, tree::Turn& turn) {
  const auto requests = std::exchange(asked_.requests, {});
  const auto asks = std::exchange(asked_.asks, {});
  const auto pings = std::exchange(asked_.pings, {});
  const auto opens = std::exchange(asked_.opens, {});
  const auto credits = std::exchange(asked_.credits, {});
  const auto closes = std::exchange(asked_.closes, {});
  auto gauges = std::exchange(asked_.gauges, {});
  for (const auto& request : requests) {
    remember(request.command().id());
    router.on_request(request, turn);
  }
  for (const auto& ask : asks) router.on_outcome_ask(ask, turn);
  for (v1::Ping ping : pings) {
    ping.set_number(ping.number() | local);
    router.on_ping(ping, turn);
  }
  for (const auto& open : opens) {
    router.on_stream_open(with_stream(open, open.stream() | local), turn);
  }
  for (const auto& credit : credits) {
    router.on_stream_credit(with_stream(credit, credit.stream() | local), turn);
  }
  for (const auto& close : closes) {
    router.on_stream_close(with_stream(close, close.stream() | local), turn);
  }
  for (v1::GaugeAsk& ask : gauges) {
    ask.set_ask(ask.ask() | tree::GaugeTable::local_ask);
    router.on_gauge_ask(ask, turn);
  }
  return !gauges.empty() || !requests.empty() || !asks.empty() || !pings.empty() ||
         !opens.empty() || !credits.empty() || !closes.empty();
}

}  // namespace banyan::view
