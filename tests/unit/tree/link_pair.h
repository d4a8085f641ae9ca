#pragma once
// In-memory ends of a link for tests: turns whose effects are collected and decoded, a parent and a
// child that are scripted frame by frame, and a real Uplink joined to a real Downlink.
// Time is a number that the test moves; nothing here waits or opens anything.

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/base/check.h"
#include "common/tree/codec.h"
#include "common/tree/downlink.h"
#include "common/tree/uplink.h"

namespace banyan::tree::testing {

using Kind = v1::Frame::KindCase;

inline Now at(Duration since_start) {
  const auto ms = since_start / milliseconds{1};
  return {Time{} + seconds{1000} + since_start, wall_from_ms(1'700'000'000'000 + ms)};
}

inline std::string instance_of(char digit) { return std::string(32, digit); }

inline Identity identity_of(const std::string& role, const std::string& name, char digit) {
  Identity identity;
  identity.role = role;
  identity.name = name;
  identity.instance = instance_of(digit);
  identity.version = "1.2.3";
  identity.host = "host-" + name;
  identity.boot.set_start_ms(1'600'000'000'000);
  identity.boot.set_random(static_cast<unsigned char>(digit));
  return identity;
}

inline std::string target_bytes(v1::TargetState state, bool wanted = true) {
  v1::TargetFact fact;
  fact.set_state(state);
  fact.set_wanted(wanted);
  return fact_bytes(fact);
}

inline std::string link_bytes(v1::LinkState state) {
  v1::LinkFact fact;
  fact.set_state(state);
  return fact_bytes(fact);
}

inline v1::Frame frame_of(const std::string& bytes) {
  auto frame = decode(bytes);
  CHECK(frame);
  return *frame;
}

// Everything that one turn led to.
struct Said {
  std::vector<LinkEffect> effects;
  std::vector<UplinkNotice> from_parent;
  std::vector<DownlinkNotice> from_children;
  Changes changes;

  std::vector<v1::Frame> frames() const {
    std::vector<v1::Frame> list;
    for (const LinkEffect& effect : effects) {
      if (const auto* down = std::get_if<SendChild>(&effect)) list.push_back(frame_of(down->bytes));
      if (const auto* up = std::get_if<SendParent>(&effect)) list.push_back(frame_of(up->bytes));
    }
    return list;
  }
  std::vector<v1::Frame> frames(Kind kind) const {
    auto list = frames();
    std::erase_if(list, [kind](const v1::Frame& frame) { return frame.kind_case() != kind; });
    return list;
  }
  template <class T>
  std::size_t effect_count() const {
    std::size_t count = 0;
    for (const LinkEffect& effect : effects) count += std::holds_alternative<T>(effect) ? 1 : 0;
    return count;
  }
  template <class T>
  std::vector<T> of_parent() const {
    std::vector<T> list;
    for (const auto& notice : from_parent) {
      if (const auto* found = std::get_if<T>(&notice)) list.push_back(*found);
    }
    return list;
  }
  template <class T>
  std::vector<T> of_children() const {
    std::vector<T> list;
    for (const auto& notice : from_children) {
      if (const auto* found = std::get_if<T>(&notice)) list.push_back(*found);
    }
    return list;
  }
};

template <class Act>
Said in_turn(Now now, Act act) {
  LinkEffects effects;
  Turn turn(now, effects);
  act(turn);
  return {std::move(effects.list), std::move(turn.from_parent), std::move(turn.from_children),
          std::move(turn.changes)};
}

// A Downlink with its mirror; the test says what comes in.
class ParentSide {
 public:
  explicit ParentSide(DownlinkOptions options = {})
      : downlink(options, identity_of("relay", "parent", 'f'), mirror, 7) {}

  Said bytes(ConnId conn, std::string bytes, Now now) {
    return in_turn(now, [&](Turn& turn) {
      downlink.on_frame({conn, std::move(bytes), keys[conn]}, turn);
    });
  }
  Said frame(ConnId conn, const v1::Frame& frame, Now now) {
    return bytes(conn, encode(frame), now);
  }
  Said closed(ConnId conn, Now now) {
    return in_turn(now, [&](Turn& turn) { downlink.on_closed({conn, "reset"}, turn); });
  }
  Said time(Now now) {
    return in_turn(now, [&](Turn& turn) { downlink.on_time(turn); });
  }
  Liveness::State state(const std::string& name) const {
    return downlink.find(name)->liveness.state();
  }

  Mirror mirror;
  Downlink downlink;
  std::map<ConnId, std::shared_ptr<const KeyHolder>> keys;  // by which connections were made
};

// A child whose frames the test writes; session and sequence are filled in.
class ScriptedChild {
 public:
  ScriptedChild(std::string child_name, char digit, ConnId connection)
      : name(std::move(child_name)), instance(instance_of(digit)), conn(connection) {
    boot.set_start_ms(5);
    boot.set_random(static_cast<unsigned char>(digit));
  }

  v1::Frame hello(const Digest& digest = {}) {
    v1::Frame frame;
    v1::Hello& hello = *frame.mutable_hello();
    hello.set_protocol_min(1);
    hello.set_protocol_max(1);
    hello.set_role(role);
    hello.set_name(name);
    hello.set_instance(instance);
    *hello.mutable_boot() = boot;
    hello.set_attach(attach);
    hello.set_version("1.2.3");
    hello.set_host("host-" + name);
    hello.set_beat_interval_ms(1000);
    hello.mutable_digest()->set_high(digest.high);
    hello.mutable_digest()->set_low(digest.low);
    return frame;
  }
  // Says Hello and keeps the session of the Welcome.
  Said join(ParentSide& parent, Now now, const Digest& digest = {}) {
    Said said = parent.frame(conn, hello(digest), now);
    sequence = 0;
    session = 0;
    for (const v1::Frame& frame : said.frames(Kind::kWelcome)) session = frame.session();
    return said;
  }
  v1::Frame numbered(v1::Frame frame) {
    frame.set_session(session);
    frame.set_sequence(++sequence);
    return frame;
  }
  Said say(ParentSide& parent, const v1::Frame& frame, Now now) {
    return parent.frame(conn, numbered(frame), now);
  }
  Said beat(ParentSide& parent, const Digest& digest, Now now) {
    v1::Frame frame;
    frame.mutable_beat()->set_number(++beats);
    frame.mutable_beat()->mutable_digest()->set_high(digest.high);
    frame.mutable_beat()->mutable_digest()->set_low(digest.low);
    return say(parent, frame, now);
  }

  std::string name;
  std::string role = "leaf";
  std::string instance;
  v1::Boot boot;
  std::uint64_t attach = 100;
  ConnId conn;
  std::uint64_t session = 0;
  std::uint64_t sequence = 0;
  std::uint64_t beats = 0;
};

// An Uplink with its mirror; the test plays the parent.
class ChildSide {
 public:
  explicit ChildSide(UplinkOptions options = {{{"127.0.0.1", 7400}}, seconds{1}, seconds{5}},
                     std::uint64_t seed = 3, const std::string& role = "leaf")
      : uplink(std::move(options), identity_of(role, "leaf", 'a'), mirror, seed) {
    Changes ignored;
    CHECK(mirror.set({"", v1::FACT_KIND_NODE, ""}, instance_of('a'),
                     fact_bytes(node_fact(identity_of(role, "leaf", 'a'), {})), ignored));
  }

  template <class Act>
  Said turn(Now now, Act act) {
    Said said = in_turn(now, [&](Turn& turn) {
      act(turn);
      uplink.settle(turn);
    });
    for (const LinkEffect& effect : said.effects) {
      if (const auto* dial = std::get_if<DialParent>(&effect)) conn = dial->conn;
    }
    return said;
  }
  Said start(Now now) {
    return turn(now, [&](Turn& turn) { uplink.start(turn); });
  }
  Said time(Now now) {
    return turn(now, [&](Turn& turn) { uplink.on_time(turn); });
  }
  Said bytes(std::string bytes, Now now) {
    return turn(now, [&](Turn& turn) { uplink.on_frame({conn, std::move(bytes)}, turn); });
  }
  Said frame(const v1::Frame& frame, Now now) { return bytes(encode(frame), now); }
  Said closed(Now now) {
    return turn(now, [&](Turn& turn) { uplink.on_closed({conn, "reset"}, turn); });
  }
  Said set_target(const std::string& name, v1::TargetState state, Now now) {
    return set_target_of("", name, state, now);
  }
  // Of a node below: what a relay's mirror holds.
  Said set_target_of(const std::string& path, const std::string& name, v1::TargetState state,
                     Now now) {
    return turn(now, [&](Turn& turn) {
      CHECK(mirror.set({path, v1::FACT_KIND_TARGET, name}, instance_of('a'), target_bytes(state),
                       turn.changes));
    });
  }

  // What the scripted parent says.
  Said welcome(Now now, bool transfer = false) {
    v1::Frame frame;
    frame.set_session(++session);
    frame.set_sequence(sequence = 1);
    frame.mutable_welcome()->set_protocol(1);
    frame.mutable_welcome()->set_transfer(transfer);
    frame.mutable_welcome()->set_reconnect_cap_ms(8000);
    return this->frame(frame, now);
  }
  Said say(v1::Frame frame, Now now) {
    frame.set_session(session);
    frame.set_sequence(++sequence);
    return this->frame(frame, now);
  }
  Said ack_beat(Now now) {
    v1::Frame frame;
    frame.mutable_beat_ack();
    return say(frame, now);
  }
  void connect(Now now) {
    start(now);
    welcome(now);
  }

  Mirror mirror;
  Uplink uplink;
  ConnId conn = 0;
  std::uint64_t session = 50;
  std::uint64_t sequence = 0;
};

// A real child below a real parent; frames lie in two queues until they are delivered.
class LinkPair {
 public:
  explicit LinkPair(DownlinkOptions options = {}, const std::string& role = "leaf")
      : parent(options), child({{{"127.0.0.1", 7400}}, seconds{1}, seconds{5}}, 3, role) {}

  struct Traffic {
    std::size_t frames = 0;
    std::size_t bytes = 0;
  };
  std::map<Kind, Traffic> traffic;  // both ways, until the test clears it

  void count(const std::string& bytes) {
    Traffic& sum = traffic[frame_of(bytes).kind_case()];
    ++sum.frames;
    sum.bytes += bytes.size();
  }
  void take(const Said& said) {
    for (const LinkEffect& effect : said.effects) {
      if (const auto* up = std::get_if<SendParent>(&effect)) {
        count(up->bytes);
        up_.push_back(*up);
      }
      if (const auto* down = std::get_if<SendChild>(&effect)) {
        count(down->bytes);
        down_.push_back(*down);
      }
      if (std::holds_alternative<HangUpParent>(effect)) down_.clear();
    }
  }
  bool deliver_up(Now now) {
    if (up_.empty()) return false;
    const SendParent sent = std::move(up_.front());
    up_.pop_front();
    take(parent.bytes(sent.conn, sent.bytes, now));
    return true;
  }
  bool deliver_down(Now now) {
    if (down_.empty()) return false;
    const SendChild sent = std::move(down_.front());
    down_.pop_front();
    if (sent.conn == child.conn) take(child.bytes(sent.bytes, now));
    return true;
  }
  void deliver(Now now) {
    while (deliver_up(now) || deliver_down(now)) {
    }
  }
  // Runs both to their deadlines up to `end`, delivering everything at once.
  void run(Duration from, Duration end) {
    for (Duration now = from; now <= end; now += milliseconds{5}) {
      if (at(now).time >= child.uplink.next_deadline()) take(child.time(at(now)));
      if (at(now).time >= parent.downlink.next_deadline()) take(parent.time(at(now)));
      deliver(at(now));
    }
  }
  void lose_one_up() { up_.pop_front(); }
  // The connection breaks: what is on its way is lost, both sides hear of it.
  void sever(Now now) {
    up_.clear();
    down_.clear();
    const ConnId conn = child.conn;
    take(parent.closed(conn, now));
    take(child.closed(now));
  }
  std::size_t waiting_up() const { return up_.size(); }
  bool same_picture() const { return parent.mirror.digest("leaf") == child.mirror.digest(""); }

  ParentSide parent;
  ChildSide child;

 private:
  std::deque<SendParent> up_;
  std::deque<SendChild> down_;
};

}  // namespace banyan::tree::testing
