#include "leaf/leaf.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "common/base/check.h"
#include "leaf/handover.h"
#include "leaf/target_facts.h"

namespace banyan {

using tree::Turn;

namespace {

// The root keeps events; here the newest are enough.
view::ApiOptions api_options(const LeafOptions& options, const tree::Identity& identity) {
  auto api = view::api_options(options.node.name, identity, {});
  api.events = {1'000, 1U << 20U, 16};
  return api;
}

v1::Event event_from(const tree::OwnEvent& own, Now now) {
  v1::Event event;
  event.set_time_ms(wall_ms(now.wall));
  event.set_kind(own.kind);
  event.set_subject(own.subject);
  event.set_text(own.text);
  event.set_data(own.data);
  return event;
}

// The target whose fact is another one now; null when none is.
const std::string* changed_by(const leaf::TargetNotice& notice) {
  if (const auto* changed = std::get_if<leaf::StateChanged>(&notice)) return &changed->now.name;
  if (const auto* wanted = std::get_if<leaf::WantedChanged>(&notice)) return &wanted->target;
  if (const auto* said = std::get_if<leaf::SaidStatus>(&notice)) return &said->target;
  return nullptr;
}

}  // namespace

Leaf::Leaf(LeafOptions options, const tree::Identity& identity)
    : options_(std::move(options)),
      identity_(identity),
      uplink_({options_.node.parents, options_.node.hb_interval, options_.node.timeout}, identity,
              mirror_, options_.seed),
      events_(identity.instance, identity.boot),
      groups_(std::move(options_.targets), options_.scaled),
      supervisor_(groups_.targets(), options_.remembered, options_.seed ^ 0x9747b28c),
      gate_({options_.node.security.commands, options_.command_marks, options_.allow}),
      api_(mirror_, api_options(options_, identity)) {
  tree::Changes ignored;  // before any session: everything present is told at Hello
  CHECK(mirror_.set({"", v1::FACT_KIND_NODE, ""}, identity.instance,
                    tree::fact_bytes(tree::node_fact(identity, options_.node.labels)), ignored));
  if (options_.handover.has_events()) events_.resume(options_.handover.events());
  events_.inherit(options_.spooled);
  told_exits_ = leaf::told_exits(options_.spooled, options_.legacy);
  options_.spooled.clear();
  journal_.resume(options_.handover);
  for (const auto& [key, mark] : gate_.marks()) {
    if (journal_.has_taken(mark.id)) gate_.reopen(mark.id);
  }
  leaf::add_positions(options_.handover, options_.legacy);
  options_.handover.Clear();
}

void Leaf::start(Now now, LeafEffects& effects) {
  Turn turn(now, effects.links);
  supervisor_.inherit(options_.legacy, now, supervised_);
  supervisor_.begin(now, supervised_);
  take_supervisor(turn, effects);
  for (const auto& status : supervisor_.statuses()) {
    const bool told = mirror_.find_fact({"", v1::FACT_KIND_TARGET, status.name}).has_value();
    if (!told) tell_target(status.name, turn);
  }
  uplink_.start(turn);
  finish(turn, effects);
}

void Leaf::handle(const tree::LinkEvent& event, Now now, LeafEffects& effects) {
  Turn turn(now, effects.links);
  if (std::holds_alternative<tree::TimeReached>(event)) {
    supervisor_.time_reached(now, supervised_);
    take_supervisor(turn, effects);
    gauges_.on_time(now.time);
    uplink_.on_time(turn);
    api_.on_time(now);
  } else if (const auto* frame = std::get_if<tree::ParentFrame>(&event)) {
    uplink_.on_frame(*frame, turn);
  } else if (const auto* closed = std::get_if<tree::ParentClosed>(&event)) {
    uplink_.on_closed(*closed, turn);
  }
  finish(turn, effects);
}

void Leaf::handle(const leaf::ProcessEvent& event, Now now, LeafEffects& effects) {
  act(event, now, effects);
  tell(now, effects);
}

void Leaf::act(const leaf::ProcessEvent& event, Now now, LeafEffects& effects) {
  supervisor_.handle(event, now, supervised_);
  take_processes(effects);
}

void Leaf::tell(Now now, LeafEffects& effects) {
  Turn turn(now, effects.links);
  if (std::exchange(leave_, false)) return go(turn);
  take_supervisor(turn, effects);
  finish(turn, effects);
}

void Leaf::handle(const leaf::CheckEvent& event, Now now, LeafEffects& effects) {
  Turn turn(now, effects.links);
  supervisor_.handle(event, now, supervised_);
  take_supervisor(turn, effects);
  finish(turn, effects);
}

void Leaf::reload(std::vector<leaf::TargetConfig> targets, Now now, LeafEffects& effects) {
  if (stopping_) return;
  Turn turn(now, effects.links);
  groups_.configure(std::move(targets));
  scaling_.supersede_all("superseded by the new configuration");
  const auto result = supervisor_.reconfigure(groups_.targets(), now, supervised_);
  take_supervisor(turn, effects);
  for (const auto& status : supervisor_.statuses()) tell_target(status.name, turn);
  effects.wanted.push_back(KeepWanted{supervisor_.wanted(), groups_.scaled()});
  v1::Event event = leaf::reload_event(result, now);
  turn.effects.log(tree::LogLevel::info, "event=reloaded " + event.text());
  tell_event(std::move(event), now);
  finish(turn, effects);
}

void Leaf::note(const tree::OwnEvent& own, Now now, LeafEffects& effects) {
  Turn turn(now, effects.links);
  tell_event(event_from(own, now), now);
  finish(turn, effects);
}

void Leaf::tell_refusal(const tree::OwnEvent& own, Turn& turn) {
  turn.effects.log(tree::LogLevel::warning, "event=" + own.kind + " " + own.text);
  tell_event(event_from(own, turn.now), turn.now);
}

void Leaf::tell_event(v1::Event event, Now now) {
  api_.add_event({event.kind(), event.subject(), event.text(), event.data()}, now);
  events_.add(std::move(event));
}

void Leaf::hold(v1::Handover& handover) const {
  *handover.mutable_events() = events_.held();
  for (auto& request : journal_.held()) *handover.add_requests() = std::move(request);
  leaf::hold_positions(supervisor_.positions(), handover);
}

void Leaf::handle(const tree::HttpEvent& event, Now now, LeafEffects& effects) {
  Turn turn(now, effects.links);
  api_.handle(event, now);
  finish(turn, effects);
}

void Leaf::handle(leaf::LogEvent event, Now now, LeafEffects& effects) {
  Turn turn(now, effects.links);
  leaf::LogStreams::Output output;
  streams_.on_log(std::move(event), output);
  send_logs(output, turn, effects);
  finish(turn, effects);
}

void Leaf::stop(Now now, LeafEffects& effects) {
  act_stop(now, effects);
  tell(now, effects);
}

void Leaf::act_stop(Now now, LeafEffects& effects) {
  leave_ = stopping_ || options_.node.keep_targets;
  if (leave_) return;
  stopping_ = true;
  supervisor_.shut_down(now, supervised_);
  take_processes(effects);
}

void Leaf::take_processes(LeafEffects& effects) {
  for (auto& effect : std::exchange(supervised_.processes, {})) {
    effects.processes.push_back(std::move(effect));
  }
}

void Leaf::go(Turn& turn) {
  if (std::exchange(gone_, true)) return;
  send_events(turn);
  uplink_.leave("stopped", turn);
  turn.effects.add(tree::Exit{0});
}

Time Leaf::next_deadline() const {
  return std::min({uplink_.next_deadline(), supervisor_.next_deadline(), gauges_.next_deadline(),
                   api_.next_deadline(), events_.next_deadline()});
}

void Leaf::finish(Turn& turn, LeafEffects& effects) {
  while (!turn.from_parent.empty()) {
    auto above = std::exchange(turn.from_parent, {});
    for (tree::UplinkNotice& notice : above) on_parent(notice, turn, effects);
  }
  while (serve(turn, effects)) continue;
  uplink_.settle(turn);
  send_events(turn);
  send_gauges(turn, effects);
  effects.spool.add(events_.take_effects());
  api_.on_changes(turn.noted, turn.now);
  for (tree::HttpEffect& effect : api_.take_http()) effects.http.push_back(std::move(effect));
  if (stopping_ && supervisor_.all_gone()) go(turn);
}

// What was asked by people at this very leaf; false when it was nothing. The answers may lead to
// more.
bool Leaf::serve(Turn& turn, LeafEffects& effects) {
  const auto asked = api_.take_asked();
  leaf::LogStreams::Output output;
  for (const auto& request : asked.requests) on_request(request, turn, effects);
  for (const auto& open : asked.opens) {
    streams_.on_open(open, supervisor_.config(open.target()) != nullptr, output);
  }
  for (const auto& credit : asked.credits) streams_.on_credit(credit, output);
  for (const auto& close : asked.closes) streams_.on_close(close, output);
  for (const auto& ask : asked.gauges) gauges_.on_ask(ask, turn.now.time);
  send_logs(output, turn, effects);
  return !asked.requests.empty() || !asked.opens.empty() || !asked.credits.empty() ||
         !asked.closes.empty();
}

void Leaf::raise(tree::Rising rising, Turn& turn) {
  if (api_.take(rising, turn.now)) return;
  v1::Frame frame;
  if (auto* outcomes = std::get_if<v1::Outcomes>(&rising)) {
    uplink_.flush(turn);
    *frame.mutable_outcomes() = std::move(*outcomes);
  } else if (auto* data = std::get_if<v1::StreamData>(&rising)) {
    *frame.mutable_stream_data() = std::move(*data);
  } else if (auto* gauges = std::get_if<v1::GaugeAnswer>(&rising)) {
    *frame.mutable_gauge_answer() = std::move(*gauges);
  } else {
    *frame.mutable_stream_close() = std::move(std::get<v1::StreamClose>(rising));
  }
  uplink_.send(std::move(frame), turn);
}

void Leaf::on_parent(tree::UplinkNotice& notice, Turn& turn, LeafEffects& effects) {
  leaf::LogStreams::Output output;
  if (std::holds_alternative<tree::SessionOpened>(notice)) {
    events_.rewind();
  } else if (std::holds_alternative<tree::SessionClosed>(notice)) {
    streams_.on_session_gone(output);
    gauges_.on_session_gone();
  } else if (const auto* request = std::get_if<v1::Request>(&notice)) {
    on_command(*request, turn, effects);
  } else if (const auto* ask = std::get_if<v1::OutcomeAsk>(&notice)) {
    send_outcomes(journal_.answer(*ask, identity_.instance, identity_.boot), turn);
  } else if (const auto* open = std::get_if<v1::StreamOpen>(&notice)) {
    streams_.on_open(*open, supervisor_.config(open->target()) != nullptr, output);
  } else if (const auto* credit = std::get_if<v1::StreamCredit>(&notice)) {
    streams_.on_credit(*credit, output);
  } else if (const auto* close = std::get_if<v1::StreamClose>(&notice)) {
    streams_.on_close(*close, output);
  } else if (const auto* ack = std::get_if<v1::EventAck>(&notice)) {
    events_.on_ack(*ack);
  } else if (const auto* gauges = std::get_if<v1::GaugeAsk>(&notice)) {
    gauges_.on_ask(*gauges, turn.now.time);
  } else if (std::holds_alternative<v1::Rewind>(notice)) {
    events_.rewind();
  }
  send_logs(output, turn, effects);
}

// Facts first, then events, then outcomes: whoever hears of an outcome finds its facts there.
void Leaf::take_supervisor(Turn& turn, LeafEffects& effects) {
  take_processes(effects);
  auto supervised = std::exchange(supervised_, {});
  for (auto& effect : supervised.checks) effects.checks.push_back(std::move(effect));
  if (!supervised.samples.empty()) {
    effects.samples.push_back({std::move(supervised.samples), false});
  }
  std::set<std::string_view> told;  // as it is now: once, however many steps led there
  for (const leaf::TargetNotice& notice : supervised.notices) {
    const std::string* target = changed_by(notice);
    if (target != nullptr && told.insert(*target).second) tell_target(*target, turn);
  }
  bool wanted_changed = false;
  for (const leaf::TargetNotice& notice : supervised.notices) {
    wanted_changed = wanted_changed || std::holds_alternative<leaf::WantedChanged>(notice);
    if (auto memory = leaf::memory_of(notice)) {
      effects.memories.push_back(std::move(*memory));
    }
    take_notice(notice, turn);
  }
  if (wanted_changed) effects.wanted.push_back(KeepWanted{supervisor_.wanted(), groups_.scaled()});
  for (const leaf::Outcome& outcome : supervised.outcomes) {
    if (!scaling_.on_outcome(outcome)) send_outcomes(journal_.settle(outcome), turn);
  }
  for (const leaf::Outcome& outcome : scaling_.take_outcomes()) {
    send_outcomes(journal_.settle(outcome), turn);
  }
}

void Leaf::take_notice(const leaf::TargetNotice& notice, Turn& turn) {
  if (const auto* removed = std::get_if<leaf::TargetRemoved>(&notice)) {
    mirror_.remove({"", v1::FACT_KIND_TARGET, removed->target}, turn.changes);
    scaling_.on_removed(removed->target);
  }
  auto event = is_told(notice) ? std::nullopt : leaf::event_of(notice, turn.now);
  if (event) tell_event(std::move(*event), turn.now);
  if (auto line = leaf::log_line_of(notice)) turn.effects.add(std::move(*line));
}

// An earlier run has told it, and died before the keeper knew.
bool Leaf::is_told(const leaf::TargetNotice& notice) const {
  const auto* ended = std::get_if<leaf::RunEnded>(&notice);
  return ended != nullptr && told_exits_.contains({ended->target, ended->generation});
}

void Leaf::tell_target(const std::string& target, Turn& turn) {
  const leaf::TargetStatus* status = supervisor_.find(target);
  const leaf::TargetConfig* config = supervisor_.config(target);
  if (status == nullptr) return;  // removed since
  const v1::TargetFact fact =
      leaf::target_fact(*status, *config, supervisor_.wanted(target), options_.log_tail);
  CHECK(mirror_.set({"", v1::FACT_KIND_TARGET, target}, identity_.instance, tree::fact_bytes(fact),
                    turn.changes));
}

void Leaf::send_outcomes(v1::Outcomes outcomes, Turn& turn) {
  if (outcomes.outcomes_size() == 0) return;
  raise(std::move(outcomes), turn);
}

void Leaf::send_logs(leaf::LogStreams::Output& output, Turn& turn, LeafEffects& effects) {
  for (auto& effect : output.effects) effects.logs.push_back(std::move(effect));
  for (leaf::RisingLog& rising : output.rising) {
    std::visit([&](auto& message) { raise(std::move(message), turn); }, rising);
  }
}

void Leaf::send_events(Turn& turn) {
  events_.watch(turn.now.time);
  while (uplink_.may_send_events()) {
    auto batch = events_.take();
    if (!batch) break;
    uplink_.send_events(std::move(*batch), turn);
  }
  events_.watch(turn.now.time);
}

}  // namespace banyan
