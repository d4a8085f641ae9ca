#include "relay/relay.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/base/name.h"
#include "common/base/text.h"
#include "common/tree/command_refusal.h"
#include "common/tree/picture.h"

namespace banyan {

using tree::Turn;

Relay::Relay(const tree::NodeConfig& config, const tree::Identity& identity, std::uint64_t seed,
             std::vector<view::StaticFile> files)
    : name_(config.name),
      identity_(identity),
      labels_(config.labels),
      downlink_(tree::downlink_options(config), identity, mirror_, seed ^ 0x5bd1e995),
      uplink_({config.parents, config.hb_interval, config.timeout}, identity, mirror_, seed),
      router_(downlink_),
      guard_(config.security.commands),
      events_(identity.instance, identity.boot),
      api_(mirror_, view::api_options(config.name, identity, std::move(files))) {
  tell_self();
  downlink_.set_place(name_, {});
}

void Relay::tell_self() {
  tree::Changes ignored;  // before any session: everything present is told at Hello
  CHECK(mirror_.set({"", v1::FACT_KIND_NODE, ""}, identity_.instance,
                    tree::fact_bytes(tree::node_fact(identity_, labels_)), ignored));
}

std::size_t Relay::restore(const v1::Update& part) {
  began_blank_ = false;
  return tree::restore_picture(part, mirror_);
}

void Relay::resume(const v1::Handover& handover, const std::vector<v1::HeldEvents>& spooled) {
  events_.inherit(spooled);
  if (handover.has_events()) events_.resume(handover.events());
}

void Relay::note(const tree::OwnEvent& event, Now now, RelayEffects& effects) {
  Turn turn(now, effects.links);
  tell_event(event, turn);
  finish(turn, effects);
}

void Relay::start(Now now, RelayEffects& effects) {
  Turn turn(now, effects.links);
  tell_self();  // what was restored speaks of an earlier run
  downlink_.restore(turn);
  uplink_.set_blank(began_blank_);
  uplink_.start(turn);
  finish(turn, effects);
}

void Relay::handle(const tree::LinkEvent& event, Now now, RelayEffects& effects) {
  Turn turn(now, effects.links);
  if (std::holds_alternative<tree::TimeReached>(event)) {
    downlink_.on_time(turn);
    const bool hello_is_near = uplink_.state() != tree::Uplink::State::connected;
    if (hello_is_near) uplink_.set_depth_below(downlink_.depth_below());
    uplink_.on_time(turn);
    router_.on_time(now.time);
    api_.on_time(now);
  } else if (const auto* frame = std::get_if<tree::ChildFrame>(&event)) {
    downlink_.on_frame(*frame, turn);
  } else if (const auto* closed = std::get_if<tree::ChildClosed>(&event)) {
    downlink_.on_closed(*closed, turn);
  } else if (const auto* examined = std::get_if<tree::ChildExamined>(&event)) {
    downlink_.on_examined(*examined, turn);
  } else if (const auto* above = std::get_if<tree::ParentFrame>(&event)) {
    uplink_.on_frame(*above, turn);
  } else if (const auto* gone = std::get_if<tree::ParentClosed>(&event)) {
    uplink_.on_closed(*gone, turn);
  }
  finish(turn, effects);
}

void Relay::handle(const tree::HttpEvent& event, Now now, RelayEffects& effects) {
  Turn turn(now, effects.links);
  api_.set_events_deferred(flow_.dropped());
  api_.handle(event, now);
  finish(turn, effects);
}

void Relay::handle(const tree::HostLoad& load, Now now, RelayEffects& effects) {
  Turn turn(now, effects.links);
  router_.on_host(load, uplink_.rtt());
  finish(turn, effects);
}

void Relay::stop(Now now, RelayEffects& effects) {
  Turn turn(now, effects.links);
  downlink_.set_stopping();
  uplink_.leave("stopped", turn);
  effects.links.add(tree::Exit{0});
}

Time Relay::next_deadline() const {
  return std::min({uplink_.next_deadline(), downlink_.next_deadline(), router_.next_deadline(),
                   api_.next_deadline(), events_.next_deadline()});
}

// What the links decided may lead to more decisions: until nothing is left.
void Relay::finish(Turn& turn, RelayEffects& effects) {
  bool more = true;
  while (more) {
    auto above = std::exchange(turn.from_parent, {});
    for (tree::UplinkNotice& notice : above) on_parent(notice, turn);
    auto below = std::exchange(turn.from_children, {});
    for (tree::DownlinkNotice& notice : below) on_child(notice, turn);
    send_rising(turn);
    const bool asked = api_.hand_down(router_, turn);
    more = asked || !above.empty() || !below.empty();
  }
  uplink_.settle(turn);
  downlink_.settle(turn);
  send_events(turn);
  effects.spool.add(events_.take_effects());
  api_.on_changes(turn.noted, turn.now);
  effects.read_host = router_.take_host_wish();
  for (v1::Update& part : tree::picture_of(turn.noted, mirror_)) {
    effects.picture.push_back(std::move(part));
  }
  for (tree::HttpEffect& effect : api_.take_http()) effects.http.push_back(std::move(effect));
}

void Relay::on_parent(tree::UplinkNotice& notice, Turn& turn) {
  if (const auto* opened = std::get_if<tree::SessionOpened>(&notice)) {
    downlink_.set_place(join_path(opened->parent_path, name_), uplink_.ancestors());
    rewind(turn);
  } else if (std::holds_alternative<tree::SessionClosed>(notice)) {
    router_.on_parent_gone(turn);
  } else if (const auto* request = std::get_if<v1::Request>(&notice)) {
    on_request(*request, turn);
  } else if (const auto* open = std::get_if<v1::StreamOpen>(&notice)) {
    router_.on_stream_open(*open, turn);
  } else if (const auto* credit = std::get_if<v1::StreamCredit>(&notice)) {
    router_.on_stream_credit(*credit, turn);
  } else if (const auto* close = std::get_if<v1::StreamClose>(&notice)) {
    router_.on_stream_close(*close, turn);
  } else if (const auto* ack = std::get_if<v1::EventAck>(&notice)) {
    events_.on_ack(*ack);
    router_.on_event_ack(*ack, turn);
  } else if (const auto* gauges = std::get_if<v1::GaugeAsk>(&notice)) {
    router_.on_gauge_ask(*gauges, turn);
  } else if (const auto* contest = std::get_if<v1::Contest>(&notice)) {
    downlink_.on_contest(*contest, turn);
  } else if (const auto* inventory = std::get_if<v1::Inventory>(&notice)) {
    downlink_.on_inventory(*inventory, began_blank_, turn);
    if (inventory->last()) uplink_.set_blank(false);
  } else if (const auto* ping = std::get_if<v1::Ping>(&notice)) {
    router_.on_ping(*ping, turn);
  } else if (const auto* ask = std::get_if<v1::OutcomeAsk>(&notice)) {
    router_.on_outcome_ask(*ask, turn);
  } else if (std::holds_alternative<v1::Rewind>(notice)) {
    rewind(turn);
  }
}

// What goes on is judged by the leaf that is to act; what this node is to do itself, here.
void Relay::on_request(const v1::Request& request, Turn& turn) {
  if (guard_.active() && request.command().verb() == "forget" && !may_forget(request, turn)) return;
  router_.on_request(request, turn);
}

bool Relay::may_forget(const v1::Request& request, Turn& turn) {
  const auto ends_here = [](const v1::RequestTarget& target) {
    return target.path().find('/') == std::string::npos;
  };
  const auto& targets = request.targets();
  if (std::none_of(targets.begin(), targets.end(), ends_here)) return true;
  std::string why;
  const auto believed = guard_.check(request, turn.now);
  if (!believed) {
    why = believed.error().text();
  } else {
    const auto unnamed = std::find_if(targets.begin(), targets.end(), [&](const auto& target) {
      return ends_here(target) && !guard_.names_child(*believed, mirror_, target.path());
    });
    if (unnamed == targets.end()) return true;
    why = "the selector that was signed does not name " + visible(unnamed->path());
  }
  v1::Frame frame;
  *frame.mutable_outcomes() = tree::rejected(request, why);
  uplink_.send(std::move(frame), turn);
  std::string more;
  if (!refusals_.may_tell(turn.now.time, more)) return false;
  tree::OwnEvent event = tree::command_refused(request, "", why + more);
  turn.effects.log(tree::LogLevel::warning, "event=" + event.kind + " " + event.text);
  tell_event(event, turn);
  return false;
}

void Relay::on_child(tree::DownlinkNotice& notice, Turn& turn) {
  if (auto* from = std::get_if<tree::FromChild>(&notice)) {
    router_.on_child(*from, turn);
  } else if (const auto* gone = std::get_if<tree::ChildGone>(&notice)) {
    router_.on_child_gone(gone->child);
  } else if (const auto* own = std::get_if<tree::OwnEvent>(&notice)) {
    tell_event(*own, turn);
  }
}

void Relay::tell_event(const tree::OwnEvent& own, Turn& turn) {
  api_.add_event({own.kind, own.subject, own.text, own.data}, turn.now);
  v1::Event event;
  event.set_time_ms(wall_ms(turn.now.wall));
  event.set_kind(own.kind);
  event.set_subject(own.subject);
  event.set_text(own.text);
  event.set_data(own.data);
  events_.add(std::move(event));
}

// What finds no session is dropped here: events are sent again after the rewind that follows every
// new session, requests and streams ended with the session.
void Relay::send_rising(Turn& turn) {
  for (tree::Rising& rising : router_.take_rising()) {
    if (api_.take(rising, turn.now)) continue;
    v1::Frame frame;
    if (auto* events = std::get_if<tree::RisingEvents>(&rising)) {
      if (!flow_.add(*events)) downlink_.hand_on(events->source, turn);
      continue;
    }
    if (auto* outcomes = std::get_if<v1::Outcomes>(&rising)) {
      uplink_.flush(turn);
      *frame.mutable_outcomes() = std::move(*outcomes);
    } else if (auto* data = std::get_if<v1::StreamData>(&rising)) {
      *frame.mutable_stream_data() = std::move(*data);
    } else if (auto* gauges = std::get_if<v1::GaugeAnswer>(&rising)) {
      *frame.mutable_gauge_answer() = std::move(*gauges);
    } else if (auto* pong = std::get_if<v1::Pong>(&rising)) {
      *frame.mutable_pong() = std::move(*pong);
    } else {
      *frame.mutable_stream_close() = std::move(std::get<v1::StreamClose>(rising));
    }
    uplink_.send(std::move(frame), turn);
  }
}

// Its own and those of each child in turn, behind the facts of this turn.
void Relay::send_events(Turn& turn) {
  events_.watch(turn.now.time);
  for (bool more = true; more && uplink_.may_send_events();) {
    auto own = events_.take();
    more = own.has_value();
    if (own) uplink_.send_events(std::move(*own), turn);
    auto next = uplink_.may_send_events() ? flow_.take() : std::nullopt;
    if (!next) continue;
    more = true;
    uplink_.send_events(std::move(next->batch), turn);
    downlink_.hand_on(next->source, turn);
  }
  events_.watch(turn.now.time);
  if (const auto dropped = flow_.take_dropped(); dropped > 0) {
    turn.effects.log(tree::LogLevel::warning,
                     "events=deferred batches=" + std::to_string(dropped) +
                         ": the way up was too slow; their origins send them again");
    router_.rewind(turn);
  }
}

// All below send again what was not stored; what waits here is among it.
void Relay::rewind(Turn& turn) {
  events_.rewind();
  for (const auto& events : flow_.clear()) downlink_.hand_on(events.source, turn);
  router_.rewind(turn);
}

}  // namespace banyan
