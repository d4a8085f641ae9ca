#include "common/tree/downlink.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/name.h"
#include "common/base/text.h"
#include "common/tree/codec.h"
#include "common/tree/inventory.h"

namespace banyan::tree {
namespace {

constexpr std::size_t max_strangers = 4096;
constexpr std::size_t max_shown = 200;

v1::LinkState link_state(Liveness::State state) {
  switch (state) {
    case Liveness::State::syncing:
      return v1::LINK_STATE_SYNCING;
    case Liveness::State::up:
      return v1::LINK_STATE_UP;
    case Liveness::State::suspect:
      return v1::LINK_STATE_SUSPECT;
    case Liveness::State::lost:
      return v1::LINK_STATE_LOST;
    case Liveness::State::left:
      return v1::LINK_STATE_LEFT;
  }
  return v1::LINK_STATE_UNSPECIFIED;
}

const char* state_name(Liveness::State state) {
  switch (state) {
    case Liveness::State::syncing:
      return "syncing";
    case Liveness::State::up:
      return "up";
    case Liveness::State::suspect:
      return "suspect";
    case Liveness::State::lost:
      return "lost";
    case Liveness::State::left:
      return "left";
  }
  return "unknown";
}

bool understands(const v1::Hello& hello, const char* feature) {
  const auto& features = hello.features();
  return std::find(features.begin(), features.end(), feature) != features.end();
}

// A stranger's words go into facts and events that must fit a frame above.
std::string shown(const std::string& text) { return visible(text.substr(0, max_shown)); }

}  // namespace

DownlinkOptions downlink_options(const NodeConfig& config) {
  DownlinkOptions options;
  options.timeout = config.timeout;
  options.grace = config.grace;
  options.forget_left = config.forget_left;
  options.forget_lost = config.forget_lost;
  return options;
}

Downlink::Downlink(DownlinkOptions options, Identity identity, Mirror& mirror, std::uint64_t seed)
    : options_(options),
      identity_(std::move(identity)),
      mirror_(mirror),
      random_(seed),
      health_(options.timeout) {}

void Downlink::set_place(std::string path, std::vector<std::string> ancestors) {
  path_ = std::move(path);
  ancestors_ = std::move(ancestors);
}

const Child* Downlink::find(const std::string& child) const {
  const auto it = children_.find(child);
  return it == children_.end() ? nullptr : &it->second;
}

Child* Downlink::by_conn(ConnId conn) {
  const auto it = conns_.find(conn);
  return it == conns_.end() ? nullptr : &children_.at(it->second);
}

std::uint32_t Downlink::depth_below() const {
  std::size_t deepest = 0;
  std::vector<std::pair<const Mirror::Node*, std::size_t>> open{{&mirror_.top(), 0}};
  while (!open.empty()) {
    const auto [node, depth] = open.back();
    open.pop_back();
    deepest = std::max(deepest, depth);
    for (const auto& child : node->children()) open.emplace_back(child.get(), depth + 1);
  }
  return static_cast<std::uint32_t>(deepest);
}

void Downlink::on_frame(const ChildFrame& event, Turn& turn) {
  Child* child = by_conn(event.conn);
  auto frame = decode(event.bytes);
  if (!frame) {
    if (child != nullptr) return protocol_error(*child, frame.error().text(), turn);
    ++counters_.protocol_errors;
    return;
  }
  const bool in_session = child != nullptr && frame->session() == child->session;
  if (frame->has_hello() && child == nullptr) return on_hello(event, frame->hello(), turn);
  if (!in_session) return ask_who(event.conn, frame->session(), turn);
  if (!may_receive(frame->kind_case(), Receiver::parent, true)) {
    return protocol_error(*child, "unexpected " + kind_name(frame->kind_case()), turn);
  }
  if (frame->sequence() != child->sequence_in + 1) {
    ++counters_.frame_gaps;
    return break_session(*child, "protocol error: a frame is missing", turn);
  }
  child->sequence_in = frame->sequence();
  if (child->liveness.on_heard(turn.now.time)) show(*child, turn);
  on_session_frame(*child, *frame, turn);
}

void Downlink::ask_who(ConnId conn, std::uint64_t session, Turn& turn) {
  if (strangers_.size() >= max_strangers && !strangers_.contains(conn)) strangers_.clear();
  Time& last = strangers_[conn];
  if (last != Time{} && turn.now.time - last < seconds{1}) return;
  last = turn.now.time;
  ++counters_.who_are_you;
  v1::Frame frame;
  frame.mutable_who_are_you()->set_session(session);
  turn.effects.add(SendChild{conn, encode(frame)});
}

// A break that the child does not know of: it is told.
void Downlink::break_session(Child& child, const std::string& why, Turn& turn) {
  const ConnId conn = child.conn;
  const std::uint64_t session = child.session;
  end_session(child, shown(why), turn);
  ask_who(conn, session, turn);
}

void Downlink::protocol_error(Child& child, const std::string& what, Turn& turn) {
  ++counters_.protocol_errors;
  tell_refused(child, "protocol_error", what, turn);
  break_session(child, "protocol error: " + what, turn);
}

// What a child said and was not believed: who, and by which key.
void Downlink::tell_refused(Child& child, const std::string& kind, const std::string& what,
                            Turn& turn) {
  std::string more;
  if (!child.refusals.may_tell(turn.now.time, more)) return;
  const std::string key = child.key == nullptr ? "" : child.key->fingerprint;
  const std::string text = shown(what) + (key.empty() ? "" : " (key " + key + ")") + more;
  turn.effects.log(LogLevel::warning, "child=" + child.name + " event=" + kind + " " + text);
  turn.from_children.emplace_back(std::in_place_type<OwnEvent>,
                                  OwnEvent{kind, child.name, text, R"({"key":")" + key + "\"}"});
}

void Downlink::on_hello(const ChildFrame& event, const v1::Hello& hello, Turn& turn) {
  make_room(hello.name(), turn);
  const AdmissionContext context{identity_,        ancestors_,
                                 options_.timeout, split_path(path_).size(),
                                 children_.size(), options_.max_children,
                                 stopping_,        event.key.get()};
  const Judgement judgement = judge(hello, find(hello.name()), context);
  switch (judgement.admission) {
    case Admission::ignore:
      return;
    case Admission::refuse:
      return refuse(event.conn, hello, judgement.refused, turn);
    case Admission::accept:
      break;
  }
  const bool blank = hello.blank() && understands(hello, feature_inventory);
  auto inventory = blank ? inventory_of(mirror_, hello.name()) : std::vector<v1::Inventory>();
  if (judgement.replaces_instance) mirror_.remove_subtree(hello.name(), turn.changes);
  accept(event.conn, hello, turn);
  children_.at(hello.name()).key = event.key;
  send_inventory(hello.name(), std::move(inventory), turn);
}

void Downlink::refuse(ConnId conn, const v1::Hello& hello, const v1::Refused& refused, Turn& turn) {
  ++counters_.refusals;
  v1::Frame frame;
  *frame.mutable_refused() = refused;
  turn.effects.add(SendChild{conn, encode(frame)});
  const std::string name = is_name(hello.name()) ? hello.name() : "unnamed";
  const std::string text = refused.reason() + ": " + refused.text() + " (from instance " +
                           shown(hello.instance()) + ", host " + shown(hello.host()) + ")";
  if (refusals_.size() >= max_strangers) refusals_.clear();
  if (std::exchange(refusals_[name], text) == text) return;  // shown already
  turn.effects.log(LogLevel::warning, "child=" + name + " state=refused reason=" + text);
  turn.from_children.emplace_back(std::in_place_type<OwnEvent>,
                                  OwnEvent{"refused", name, text, "{}"});
}

// A boot that was taken over while its session lived is remembered: if it says Hello again, two
// copies of the instance run.
void Downlink::remember_boot(Child& child, const v1::Hello& hello) {
  const bool same_instance = child.instance == hello.instance();
  const bool same_boot = child.boot.random() == hello.boot().random() &&
                         child.boot.start_ms() == hello.boot().start_ms();
  if (!same_instance) child.replaced.clear();
  if (!same_instance || same_boot) return;
  child.replaced.push_back(child.boot);
  if (child.replaced.size() > 4) child.replaced.erase(child.replaced.begin());
}

Child* Downlink::hold(const v1::Hello& hello, Turn& turn) {
  Child& child = children_[hello.name()];
  if (child.in_session()) end_session(child, "taken over by a newer connection", turn);
  remember_boot(child, hello);
  child.name = hello.name();
  child.role = hello.role();
  child.instance = hello.instance();
  child.host = hello.host();
  child.version = hello.version();
  child.boot = hello.boot();
  child.attach = hello.attach();
  child.interval = milliseconds{hello.beat_interval_ms()};
  child.gauges = understands(hello, feature_gauges);
  child.inventory = understands(hello, feature_inventory);
  child.event_credit = understands(hello, feature_event_credit);
  return &child;
}

LivenessOptions Downlink::liveness_options(const Child& child) const {
  const Duration grace = options_.grace.count() > 0 ? options_.grace : child.interval;
  return {child.interval, options_.timeout, grace};
}

void Downlink::accept(ConnId conn, const v1::Hello& hello, Turn& turn) {
  Child& child = *hold(hello, turn);
  child.conn = conn;
  child.session = random_.next() | 1;
  child.sequence_in = 0;
  child.sequence_out = 0;
  child.last_beat = 0;
  child.lateness = Duration{0};
  child.transferring = false;
  child.stale.clear();
  child.failed_repairs = 0;
  child.event_owed = 0;
  conns_[conn] = child.name;
  strangers_.erase(conn);
  refusals_.erase(child.name);
  const Digest held = mirror_.digest(child.name);
  const Digest told{hello.digest().high(), hello.digest().low()};
  // The mirror is empty: no questions, everything is told. Otherwise the first told digest of the
  // session judges: it is on its way, and tells of what the child knows to be lost.
  child.asked = held == Digest{} && told != Digest{};

  v1::Frame frame;
  v1::Welcome& welcome = *frame.mutable_welcome();
  welcome.set_protocol(protocol_version);
  welcome.set_path(path_);
  for (const std::string& above : ancestors_) welcome.add_ancestors(above);
  welcome.add_ancestors(identity_.instance);
  welcome.mutable_held()->set_high(held.high);
  welcome.mutable_held()->set_low(held.low);
  welcome.set_transfer(child.asked);
  const std::size_t cap_s = std::clamp<std::size_t>(children_.size() / 1000, 1, 30);
  welcome.set_reconnect_cap_ms(static_cast<std::uint32_t>(cap_s * 1000));
  welcome.set_parent_name(identity_.name);
  welcome.set_parent_timeout_ms(static_cast<std::uint32_t>(options_.timeout / milliseconds{1}));
  welcome.set_event_credit(child.event_credit);
  send(child.name, std::move(frame), turn);

  bool changed = child.liveness.on_session(liveness_options(child), turn.now.time);
  if (held == told) changed = verify(child, turn) || changed;
  if (changed) show(child, turn);
  watch(child);
  turn.from_children.emplace_back(std::in_place_type<ChildJoined>, ChildJoined{child.name});
}

void Downlink::end_session(Child& child, const std::string& why, Turn& turn) {
  if (!child.in_session()) return;
  conns_.erase(child.conn);
  child.conn = 0;
  child.session = 0;
  child.transferring = false;
  child.stale.clear();
  child.repair.stop();
  if (child.liveness.on_closed(why, turn.now.time)) show(child, turn);
  watch(child);
  turn.from_children.emplace_back(std::in_place_type<ChildGone>, ChildGone{child.name, why});
}

void Downlink::on_closed(const ChildClosed& event, Turn& turn) {
  strangers_.erase(event.conn);
  if (Child* child = by_conn(event.conn)) end_session(*child, event.why, turn);
}

bool Downlink::send(const std::string& name, v1::Frame frame, Turn& turn) {
  const auto it = children_.find(name);
  if (it == children_.end() || !it->second.in_session()) return false;
  Child& child = it->second;
  frame.set_session(child.session);
  frame.set_sequence(++child.sequence_out);
  turn.effects.add(SendChild{child.conn, encode(frame)});
  return true;
}

void Downlink::on_time(Turn& turn) {
  const Time now = turn.now.time;
  if (now < deadline_) return;
  // What this node missed by standing still itself counts against no child.
  const Duration late = now - deadline_;
  const bool was_late = late > lateness_ignored;
  if (was_late) {
    health_.was_late(late, now);
    for (auto& [name, child] : children_) child.liveness.shift(late, now);
  }
  // What they said meanwhile may still lie in the buffers: it is read before anybody is judged. But
  // once in a row, so that a judge who is always late finds the dead too.
  if (was_late && !just_woke_) {
    just_woke_ = true;
    deadline_ = now + lateness_ignored;
    return;
  }
  just_woke_ = false;
  deadline_ = never;
  for (auto& [name, child] : children_) {
    if (child.liveness.on_time(now - health_.credit(child.lateness, now))) {
      const bool over = child.liveness.state() == Liveness::State::lost;
      if (over && child.in_session()) end_session(child, child.liveness.why(), turn);
      show(child, turn);
      if (!over && child.in_session()) probe(child, turn);
    }
    examine_silent(child, turn);
    watch(child);
  }
  forget_expired(turn);
  contest_doubled(turn);
}

// The next verdict on it, or the moment to forget it.
void Downlink::watch(const Child& child) {
  const Time verdict = health_.due(child.liveness.next_deadline(), child.lateness);
  deadline_ = std::min({deadline_, verdict, forget_at(child)});
}

// What was applied may have shown an instance in two places: that is settled behind everything
// else, by the next turn of time.
void Downlink::settle(Turn& turn) {
  if (!mirror_.doubled().empty()) {
    deadline_ = std::min(deadline_, std::max(contest_at_, turn.now.time));
  }
}

void Downlink::tell_link(const Child& child, Turn& turn) {
  v1::LinkFact link;
  link.set_state(link_state(child.liveness.state()));
  link.set_since_ms(wall_ms(child.since));
  for (const std::string& line : child.evidence) link.add_evidence(line);
  link.set_instance(child.instance);
  *link.mutable_boot() = child.boot;
  link.set_attach(child.attach);
  link.set_peer_version(child.version);
  const Status status = mirror_.set({"", v1::FACT_KIND_LINK, child.name}, identity_.instance,
                                    fact_bytes(link), turn.changes);
  if (!status) turn.effects.log(LogLevel::error, status.error().text());
}

// Brings the link fact, the log and the events up to date with the verdict.
void Downlink::show(Child& child, Turn& turn) {
  child.since = turn.now.wall;
  child.gone_at = turn.now.time;
  watch(child);
  const std::string state = state_name(child.liveness.state());
  add_evidence(child, state + ": " + child.liveness.why(), turn);
  tell_link(child, turn);
  if (child.liveness.state() == Liveness::State::syncing) return;
  const bool bad = child.liveness.state() == Liveness::State::lost;
  turn.effects.log(bad ? LogLevel::warning : LogLevel::info,
                   "child=" + child.name + " state=" + state + " reason=" + child.liveness.why());
  turn.from_children.emplace_back(
      std::in_place_type<OwnEvent>,
      OwnEvent{state, child.name, child.liveness.why(), R"({"state":")" + state + "\"}"});
}

}  // namespace banyan::tree
