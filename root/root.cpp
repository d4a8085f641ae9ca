#include "root/root.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/tree/picture.h"

namespace banyan {

using tree::Turn;

Root::Root(const tree::NodeConfig& config, const tree::Identity& identity, std::uint64_t seed,
           std::vector<view::StaticFile> files)
    : identity_(identity),
      labels_(config.labels),
      downlink_(tree::downlink_options(config), identity, mirror_, seed),
      router_(downlink_),
      api_(mirror_, view::api_options(config.name, identity, std::move(files))) {
  tell_self();
}

void Root::tell_self() {
  tree::Changes ignored;  // before anybody listens
  CHECK(mirror_.set({"", v1::FACT_KIND_NODE, ""}, identity_.instance,
                    tree::fact_bytes(tree::node_fact(identity_, labels_)), ignored));
}

std::size_t Root::restore(const v1::Update& part) { return tree::restore_picture(part, mirror_); }

void Root::resume(const view::History& history, Now now) {
  desk_.open();
  api_.keep_unstored(StoreDesk::max_rows, StoreDesk::max_bytes);
  api_.resume(history, now);
}

void Root::start(Now now, RootEffects& effects) {
  Turn turn(now, effects.links);
  tell_self();  // what was restored speaks of an earlier run
  downlink_.restore(turn);
  finish(turn, effects);
}

void Root::note(const tree::OwnEvent& own, Now now, RootEffects& effects) {
  Turn turn(now, effects.links);
  api_.add_event({own.kind, own.subject, own.text, own.data}, now, asked_);
  finish(turn, effects);
}

void Root::handle(const tree::LinkEvent& event, Now now, RootEffects& effects) {
  Turn turn(now, effects.links);
  if (std::holds_alternative<tree::TimeReached>(event)) {
    downlink_.on_time(turn);
    router_.on_time(now.time);
    api_.on_time(now, asked_);
  } else if (const auto* frame = std::get_if<tree::ChildFrame>(&event)) {
    downlink_.on_frame(*frame, turn);
  } else if (const auto* closed = std::get_if<tree::ChildClosed>(&event)) {
    downlink_.on_closed(*closed, turn);
  } else if (const auto* examined = std::get_if<tree::ChildExamined>(&event)) {
    downlink_.on_examined(*examined, turn);
  }
  finish(turn, effects);
}

void Root::handle(const tree::HttpEvent& event, Now now, RootEffects& effects) {
  Turn turn(now, effects.links);
  if (desk_.is_open()) api_.set_store_counters(desk_.counters());
  api_.handle(event, now, asked_);
  finish(turn, effects);
}

void Root::handle(const tree::HostLoad& load, Now now, RootEffects& effects) {
  Turn turn(now, effects.links);
  router_.on_host(load, Duration{0});
  finish(turn, effects);
}

void Root::handle(StoreEvent event, Now now, RootEffects& effects) {
  Turn turn(now, effects.links);
  if (const auto* done = std::get_if<StoreDone>(&event)) {
    const bool failed = desk_.failing();
    desk_.on_done(done->ticket);
    if (failed && !desk_.failing())
      api_.add_event({"store_recovered", "", "the store works again"}, now, asked_);
  } else if (const auto* failed = std::get_if<StoreFailed>(&event)) {
    store_failed(*failed, turn);
  } else if (const auto* replaced = std::get_if<StoreReplaced>(&event)) {
    turn.effects.log(tree::LogLevel::error, "event=store_replaced " + replaced->text);
    api_.add_event({"store_replaced", "", replaced->text}, now, asked_);
  } else if (const auto* pruned = std::get_if<StorePruned>(&event)) {
    desk_.on_pruned(pruned->events);
  } else {
    api_.on_history(std::move(std::get<view::HistoryAnswer>(event)), asked_);
  }
  finish(turn, effects);
}

void Root::store_failed(const StoreFailed& failed, Turn& turn) {
  if (!desk_.on_failed(failed.ticket)) return;
  turn.effects.log(tree::LogLevel::error,
                   "event=store_failed " + failed.why + "; trying again every second");
  api_.add_event({"store_failed", "", failed.why}, turn.now, asked_);
}

void Root::stop(Now now, RootEffects& effects) {
  Turn turn(now, effects.links);
  downlink_.set_stopping();
  finish(turn, effects);
  effects.links.add(tree::Exit{0});
}

Time Root::next_deadline() const {
  return std::min({downlink_.next_deadline(), router_.next_deadline(), api_.next_deadline()});
}

// What the links decided may lead the api to ask for more, and the other way round: until nothing
// is left.
void Root::finish(Turn& turn, RootEffects& effects) {
  bool more = true;
  while (more) {
    if (!turn.changes.empty()) {
      const auto changes = std::exchange(turn.changes, {});
      api_.on_changes(changes, turn.now, asked_);
      for (v1::Update& part : tree::picture_of(changes, mirror_)) {
        effects.picture.push_back(std::move(part));
      }
    }
    auto below = std::exchange(turn.from_children, {});
    for (tree::DownlinkNotice& notice : below) on_child(notice, turn);
    auto rising = router_.take_rising();
    for (tree::Rising& each : rising) on_rising(each, turn);
    more = send_down(turn, effects);
    more = more || !turn.changes.empty() || !turn.from_children.empty() || !below.empty() ||
           !rising.empty();
  }
  downlink_.settle(turn);
  effects.read_host = router_.take_host_wish();
  effects.asks = std::move(asked_.history);
  for (tree::HttpEffect& effect : asked_.http) effects.http.push_back(std::move(effect));
  asked_ = {};
}

// What waited for the disk; true when it may lead to more.
bool Root::tell_stored(Turn& turn) {
  for (const auto& ack : desk_.take_acks()) router_.on_event_ack(ack, turn);
  const auto requests = desk_.take_requests(turn.now.time);
  for (const auto& request : requests) router_.on_request(request, turn);
  if (desk_.take_rewind()) router_.rewind(turn);
  return !requests.empty();
}

void Root::on_child(tree::DownlinkNotice& notice, Turn& turn) {
  if (auto* from = std::get_if<tree::FromChild>(&notice)) {
    router_.on_child(*from, turn);
  } else if (const auto* gone = std::get_if<tree::ChildGone>(&notice)) {
    router_.on_child_gone(gone->child);
  } else if (auto* own = std::get_if<tree::OwnEvent>(&notice)) {
    api_.add_event({own->kind, own->subject, own->text, own->data}, turn.now, asked_);
  }
}

void Root::on_rising(tree::Rising& rising, Turn& turn) {
  if (const auto* events = std::get_if<tree::RisingEvents>(&rising)) {
    if (desk_.may_take()) desk_.hold(api_.on_events(events->batch, turn.now, asked_));
    downlink_.hand_on(events->source, turn);
  } else if (const auto* outcomes = std::get_if<v1::Outcomes>(&rising)) {
    api_.on_outcomes(*outcomes, turn.now, asked_);
  } else if (const auto* data = std::get_if<v1::StreamData>(&rising)) {
    api_.on_stream_data(*data, turn.now, asked_);
  } else if (const auto* gauges = std::get_if<v1::GaugeAnswer>(&rising)) {
    api_.on_gauges(*gauges, asked_);
  } else if (const auto* pong = std::get_if<v1::Pong>(&rising)) {
    api_.on_pong(*pong, asked_);
  } else {
    api_.on_stream_close(std::get<v1::StreamClose>(rising), turn.now, asked_);
  }
}

// True when it may lead to more.
bool Root::send_down(Turn& turn, RootEffects& effects) {
  for (auto& request : std::exchange(asked_.requests, {}))
    desk_.hold(std::move(request), turn.now.time);
  auto writes =
      desk_.take(api_.take_rows(), std::exchange(asked_.commands, {}), identity_.instance);
  for (auto& write : writes) effects.store.push_back(std::move(write));
  const bool requested = tell_stored(turn);
  const auto asks = std::exchange(asked_.asks, {});
  const auto pings = std::exchange(asked_.pings, {});
  const auto opens = std::exchange(asked_.opens, {});
  const auto gauges = std::exchange(asked_.gauges, {});
  for (const auto& ask : asks) router_.on_outcome_ask(ask, turn);
  for (const auto& ping : pings) router_.on_ping(ping, turn);
  for (const auto& open : opens) router_.on_stream_open(open, turn);
  for (const auto& credit : std::exchange(asked_.credits, {})) {
    router_.on_stream_credit(credit, turn);
  }
  for (const auto& close : std::exchange(asked_.closes, {})) router_.on_stream_close(close, turn);
  for (const auto& ask : gauges) router_.on_gauge_ask(ask, turn);
  return requested || !asks.empty() || !pings.empty() || !opens.empty() || !gauges.empty();
}

}  // namespace banyan
