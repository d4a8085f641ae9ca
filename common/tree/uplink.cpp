#include "common/tree/uplink.h"

#include <algorithm>
#include <iterator>

#include "common/base/check.h"
#include "common/tree/codec.h"
#include "common/tree/node_digests.h"
#include "common/tree/repair_answer.h"

namespace banyan::tree {
namespace {

constexpr Duration backoff_min = milliseconds{100};
constexpr Duration retry_after_max = seconds{60};
constexpr Duration retry_refused_key = seconds{10};
constexpr std::uint64_t attach_limit = std::uint64_t{1} << 63U;
constexpr std::int64_t unlimited_room = std::int64_t{1} << 60U;

}  // namespace

Uplink::Uplink(UplinkOptions options, Identity identity, const Mirror& mirror, std::uint64_t seed)
    : options_(std::move(options)),
      identity_(std::move(identity)),
      mirror_(mirror),
      random_(seed),
      attach_(identity_.attach_base) {}

const Address& Uplink::address() const { return options_.parents[parent_index_]; }

void Uplink::start(Turn& turn) {
  CHECK(state_ == State::idle);
  last_time_ = turn.now.time;
  if (!options_.parents.empty()) dial(turn);
}

void Uplink::dial(Turn& turn) {
  conn_ = ++last_conn_;
  state_ = State::dialing;
  retry_at_ = never;
  welcome_by_ = after(turn.now.time, options_.timeout);
  turn.effects.add(DialParent{conn_, address().host, address().port});
  send_hello(turn);
}

void Uplink::send_hello(Turn& turn) {
  hello_at_ = turn.now.time;
  settle(turn);  // so that the changes of this turn are in the told point, not behind it
  told_.reset(mirror_);
  attach_ =
      std::max<std::uint64_t>(attach_ + 1, static_cast<std::uint64_t>(wall_ms(turn.now.wall)));
  v1::Frame frame;
  v1::Hello& hello = *frame.mutable_hello();
  hello.set_protocol_min(protocol_version);
  hello.set_protocol_max(protocol_version);
  hello.set_role(identity_.role);
  hello.set_name(identity_.name);
  hello.set_instance(identity_.instance);
  *hello.mutable_boot() = identity_.boot;
  hello.set_attach(attach_);
  hello.set_version(identity_.version);
  hello.set_host(identity_.host);
  hello.set_depth_below(depth_below_);
  hello.set_beat_interval_ms(static_cast<std::uint32_t>(options_.hb_interval / milliseconds{1}));
  hello.add_features(feature_gauges);
  hello.add_features(feature_event_credit);
  if (identity_.role != "leaf") hello.add_features(feature_inventory);
  hello.set_blank(blank_);
  hello.mutable_digest()->set_high(told_.digest().high);
  hello.mutable_digest()->set_low(told_.digest().low);
  turn.effects.add(SendParent{conn_, encode(frame)});
}

// Whoever stood still longer than `timeout` was given up by its parent: it begins anew at once.
bool Uplink::stood_still(Now now) const {
  return state_ == State::connected && now.time - last_time_ > options_.timeout;
}

void Uplink::on_frame(const ParentFrame& event, Turn& turn) {
  if (stood_still(turn.now)) end_session("this node stood still longer than its timeout", turn);
  if (event.conn != conn_) return;  // of an earlier attempt
  auto frame = decode(event.bytes);
  if (!frame) return end_session("protocol error: " + frame.error().text(), turn);
  const bool in_session = state_ == State::connected;
  if (!may_receive(frame->kind_case(), Receiver::child, in_session)) {
    return end_session("protocol error: unexpected " + kind_name(frame->kind_case()), turn);
  }
  last_heard_ = turn.now.time;
  if (frame->has_who_are_you()) {
    const bool meant = in_session && frame->who_are_you().session() == session_;
    if (meant) end_session("the parent does not know this session", turn);
    return;
  }
  if (frame->has_welcome()) return on_welcome(*frame, turn);
  if (frame->has_refused()) return on_refused(frame->refused(), turn);
  if (frame->session() != session_ || frame->sequence() != sequence_in_ + 1) {
    return end_session("protocol error: a frame is missing", turn);
  }
  sequence_in_ = frame->sequence();
  on_session_frame(*frame, turn);
}

void Uplink::on_welcome(const v1::Frame& frame, Turn& turn) {
  const v1::Welcome& welcome = frame.welcome();
  if (frame.session() == 0 || frame.sequence() != 1) {
    return end_session("protocol error: a Welcome without a session", turn);
  }
  state_ = State::connected;
  session_ = frame.session();
  sequence_in_ = 1;
  sequence_out_ = 0;
  parent_path_ = welcome.path();
  ancestors_.assign(welcome.ancestors().begin(), welcome.ancestors().end());
  reconnect_cap_ =
      std::clamp<Duration>(milliseconds{welcome.reconnect_cap_ms()}, seconds{1}, seconds{30});
  backoff_ = Duration{0};
  welcome_by_ = never;
  window_.reset();
  event_room_ = welcome.event_credit() ? 0 : unlimited_room;  // an older parent knows no credit
  rtt_ = Duration{0};
  beats_.reset(hello_at_);  // what waited behind a late Welcome is as old as that
  next_beat_ = turn.now.time;
  last_time_ = turn.now.time;
  last_refusal_.clear();
  last_failure_.clear();
  note(turn);
  told_.begin_session(digest_of(welcome.held()), mirror_);
  if (welcome.transfer()) told_.begin_transfer(mirror_);
  turn.effects.log(LogLevel::info, "link=parent state=up was=dialing parent=" + address().host +
                                       ":" + std::to_string(address().port) + " path=/" +
                                       parent_path_);
  turn.from_parent.emplace_back(std::in_place_type<SessionOpened>, SessionOpened{parent_path_});
}

void Uplink::on_refused(const v1::Refused& refused, Turn& turn) {
  const std::string refusal = refused.reason() + ": " + refused.text();
  if (refusal != last_refusal_) {
    turn.effects.log(LogLevel::error, "link=parent state=refused parent=" + address().host + ":" +
                                          std::to_string(address().port) + " reason=" + refusal);
    last_refusal_ = refusal;
  }
  turn.effects.add(HangUpParent{conn_});
  conn_ = 0;
  parent_index_ = (parent_index_ + 1) % options_.parents.size();
  const Duration asked = milliseconds{refused.retry_after_ms()};
  const Duration delay = std::clamp<Duration>(asked, backoff_min, retry_after_max);
  wait(delay + random_.upto(delay / 4), turn);
}

void Uplink::on_session_frame(v1::Frame& frame, Turn& turn) {
  auto raise = [&turn](auto* message) {
    using Message = std::remove_pointer_t<decltype(message)>;
    turn.from_parent.emplace_back(std::in_place_type<Message>, std::move(*message));
  };
  switch (frame.kind_case()) {
    case v1::Frame::kUpdateAck:
      told_.acknowledged(frame.update_ack().number());
      return window_.acknowledged(frame.update_ack().number());
    case v1::Frame::kTransferAsk:
      note(turn);
      return told_.begin_transfer(mirror_);
    case v1::Frame::kQuestion:
      return answer(frame.question(), turn);
    case v1::Frame::kBeatAck:
      if (frame.beat_ack().number() == beat_number_) rtt_ = turn.now.time - beat_sent_at_;
      return beats_.answered(frame.beat_ack().number(), turn.now.time);
    case v1::Frame::kRequest:
      return on_request(*frame.mutable_request(), turn);
    case v1::Frame::kPing:
      return on_ping(frame.ping(), turn);
    case v1::Frame::kContest:
      return on_contest(frame.contest(), turn);
    case v1::Frame::kOutcomeAsk:
      return raise(frame.mutable_outcome_ask());
    case v1::Frame::kInventory:
      return raise(frame.mutable_inventory());
    case v1::Frame::kStreamOpen:
      return raise(frame.mutable_stream_open());
    case v1::Frame::kStreamCredit:
      return raise(frame.mutable_stream_credit());
    case v1::Frame::kStreamClose:
      return raise(frame.mutable_stream_close());
    case v1::Frame::kEventAck:
      return raise(frame.mutable_event_ack());
    case v1::Frame::kRewind:
      return raise(frame.mutable_rewind());
    case v1::Frame::kGaugeAsk:
      return raise(frame.mutable_gauge_ask());
    case v1::Frame::kEventCredit:
      event_room_ = std::min(event_room_ + frame.event_credit().bytes(), unlimited_room);
      return;
    default:
      return;
  }
}

// The time to live runs on in buffers: of a node that was frozen, of a connection that was held.
void Uplink::on_request(v1::Request& request, Turn& turn) {
  const Duration age = beats_.age(request.heard(), options_.hb_interval, turn.now.time);
  const auto ms = static_cast<std::uint64_t>(age / milliseconds{1});
  const std::uint64_t left = request.ttl_ms() > ms ? request.ttl_ms() - ms : 0;
  request.set_ttl_ms(static_cast<std::uint32_t>(left));
  turn.from_parent.emplace_back(std::in_place_type<v1::Request>, std::move(request));
}

// A leaf has nobody below: what is not meant for itself ends here. A relay passes it on.
void Uplink::on_ping(const v1::Ping& ping, Turn& turn) {
  const bool further = !ping.path().empty();
  if (further && identity_.role != "leaf") {
    turn.from_parent.emplace_back(std::in_place_type<v1::Ping>, ping);
    return;
  }
  v1::Frame frame;
  frame.mutable_pong()->set_number(ping.number());
  if (further) frame.mutable_pong()->set_broken(identity_.name + " is a leaf");
  send(std::move(frame), turn);
}

// Somebody above sees this instance in two places. This one lives: it says so by a number that is
// higher than any seen.
void Uplink::on_contest(const v1::Contest& contest, Turn& turn) {
  if (!contest.path().empty()) {
    turn.from_parent.emplace_back(std::in_place_type<v1::Contest>, contest);
    return;
  }
  if (contest.instance() != identity_.instance) return;
  // Nobody came by such a number honestly, and there must be one above it.
  if (contest.attach() >= attach_limit) return;
  attach_ = std::max(attach_, contest.attach());
  end_session("contested: this instance is seen in another place too", turn);
}

void Uplink::on_closed(const ParentClosed& event, Turn& turn) {
  if (event.conn != conn_ || conn_ == 0) return;
  end_session(event.why, turn);
  // Another parent may know the key: the long wait comes after the last one.
  if (event.refused && parent_index_ == 0)
    wait(retry_refused_key + random_.upto(retry_refused_key / 4), turn);
}

void Uplink::end_session(const std::string& why, Turn& turn) {
  const bool was_connected = state_ == State::connected;
  if (conn_ != 0) turn.effects.add(HangUpParent{conn_});
  conn_ = 0;
  session_ = 0;
  next_beat_ = never;
  if (was_connected) {
    turn.effects.log(LogLevel::warning, "link=parent state=down was=up reason=" + why);
    turn.from_parent.emplace_back(std::in_place_type<SessionClosed>, SessionClosed{why});
  } else if (std::exchange(last_failure_, why) != why) {  // once, not at every attempt
    turn.effects.log(LogLevel::warning, "link=parent state=unreachable parent=" + address().host +
                                            ":" + std::to_string(address().port) +
                                            " reason=" + why + "; trying again");
  }
  // Full jitter up to a bound that doubles until a Welcome sets it back.
  backoff_ = std::clamp<Duration>(backoff_ * 2, backoff_min, reconnect_cap_);
  if (!was_connected) parent_index_ = (parent_index_ + 1) % options_.parents.size();
  wait(random_.upto(backoff_), turn);
}

void Uplink::wait(Duration delay, Turn& turn) {
  state_ = State::waiting;
  welcome_by_ = never;
  retry_at_ = after(turn.now.time, delay);
}

void Uplink::on_time(Turn& turn) {
  if (stood_still(turn.now)) end_session("this node stood still longer than its timeout", turn);
  const Time now = turn.now.time;
  switch (state_) {
    case State::idle:
    case State::left:
      break;
    case State::dialing:
      if (now >= welcome_by_) end_session("no answer to Hello", turn);
      break;
    case State::waiting:
      if (now >= retry_at_) dial(turn);
      break;
    case State::connected:
      if (now - last_heard_ >= options_.timeout) {
        end_session("parent silent for longer than timeout", turn);
      } else if (now >= next_beat_) {
        send_beat(turn);
      }
      break;
  }
  last_time_ = now;
}

void Uplink::send_beat(Turn& turn) {
  const Time now = turn.now.time;
  flush(turn);
  v1::Frame frame;
  v1::Beat& beat = *frame.mutable_beat();
  beat.set_number(++beat_number_);
  beat_sent_at_ = now;
  beats_.sent(beat_number_, now);
  beat.mutable_digest()->set_high(told_.digest().high);
  beat.mutable_digest()->set_low(told_.digest().low);
  lateness_ = std::max(lateness_, now - next_beat_);
  beat.mutable_own()->set_lateness_ms(static_cast<std::uint32_t>(lateness_ / milliseconds{1}));
  lateness_ = Duration{0};
  next_beat_ = std::max(next_beat_ + options_.hb_interval, now);
  send(std::move(frame), turn);
}

void Uplink::note(Turn& turn) {
  told_.note(turn.changes);
  std::move(turn.changes.begin(), turn.changes.end(), std::back_inserter(turn.noted));
  turn.changes.clear();
}

void Uplink::settle(Turn& turn) {
  note(turn);
  if (state_ != State::connected) return;
  const bool whole_frame = told_.size() >= 256;  // of ~128 bytes each: one frame
  while (!told_.empty() && window_.may_send(whole_frame, turn.now.time)) {
    send_update(told_.take(mirror_, max_update_bytes), turn);
  }
}

void Uplink::flush(Turn& turn) {
  note(turn);
  // A transfer keeps to its window; nothing that follows it is about facts the parent knows yet.
  if (state_ != State::connected || told_.size() > max_untold) return;
  while (!told_.empty()) send_update(told_.take(mirror_, max_update_bytes), turn);
}

void Uplink::send_update(v1::Update update, Turn& turn) {
  v1::Frame frame;
  *frame.mutable_update() = std::move(update);
  const std::size_t bytes = frame.update().ByteSizeLong();
  frame.mutable_update()->set_number(window_.sent(bytes, turn.now.time));
  send(std::move(frame), turn);
}

// What waits at and below the node is told first: then what is present there was told, and the
// answer can be compared with what the parent holds when it comes.
void Uplink::answer(const v1::Question& question, Turn& turn) {
  note(turn);
  while (auto update = told_.take_below(question.path(), mirror_, max_update_bytes)) {
    send_update(std::move(*update), turn);
  }
  for (v1::Answer& page : answer_question(mirror_, question)) {
    v1::Frame frame;
    *frame.mutable_answer() = std::move(page);
    set_digest(*frame.mutable_answer()->mutable_told(), told_.digest());
    send(std::move(frame), turn);
  }
}

void Uplink::send_events(v1::EventBatch batch, Turn& turn) {
  v1::Frame frame;
  event_room_ -= static_cast<std::int64_t>(batch.ByteSizeLong());
  *frame.mutable_event_batch() = std::move(batch);
  send(std::move(frame), turn);
}

bool Uplink::send(v1::Frame frame, Turn& turn) {
  if (state_ != State::connected) return false;
  frame.set_session(session_);
  frame.set_sequence(++sequence_out_);
  turn.effects.add(SendParent{conn_, encode(frame)});
  return true;
}

void Uplink::leave(const std::string& reason, Turn& turn) {
  if (state_ == State::connected) {
    flush(turn);
    v1::Frame frame;
    frame.mutable_goodbye()->set_reason(reason);
    send(std::move(frame), turn);
  }
  if (conn_ != 0) turn.effects.add(HangUpParent{conn_});
  conn_ = 0;
  state_ = State::left;
  next_beat_ = retry_at_ = welcome_by_ = never;
}

Time Uplink::next_deadline() const {
  switch (state_) {
    case State::idle:
    case State::left:
      return never;
    case State::dialing:
      return welcome_by_;
    case State::waiting:
      return retry_at_;
    case State::connected:
      return std::min({next_beat_, after(last_heard_, options_.timeout),
                       window_.next_deadline(!told_.empty())});
  }
  return never;
}

}  // namespace banyan::tree
