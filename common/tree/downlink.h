#pragma once
// "I have children": sessions, liveness, and the mirror of what they say.
//
// Invariants
//  1. A child has at most one session; it begins in accept() and ends in end_session() alone.
//  2. Frames of no living session are answered by who_are_you, at most once per connection and
//     second; a ROUTER cannot hang up on one peer.
//  3. The mirror below a child changes only by that child's updates; the link facts are this node's
//  own.
//  4. A child is `up` only after the first equal digest of its session, and sends no events before.
//  5. A lost or left child stays listed with its facts until it is forgotten: by time, by request,
//  by another instance of its name, or to make room for a living one (each with an event).
// Bounds: max_children sessions, 4,096 remembered connections without a session.
// Single threaded; one call at a time.

#include <map>
#include <string>

#include "common/base/random.h"
#include "common/tree/admission.h"
#include "common/tree/child.h"
#include "common/tree/node_config.h"
#include "common/tree/own_health.h"
#include "common/tree/turn.h"

namespace banyan::tree {

struct DownlinkOptions {
  Duration timeout = seconds{5};
  Duration grace{0};  // 0 = one beat interval of the child
  std::size_t max_children = 10'000;
  Duration forget_left = std::chrono::minutes{10};
  Duration forget_lost = std::chrono::hours{24};
};

DownlinkOptions downlink_options(const NodeConfig& config);

class Downlink {
 public:
  Downlink(DownlinkOptions options, Identity identity, Mirror& mirror, std::uint64_t seed);

  void on_frame(const ChildFrame& event, Turn& turn);
  void on_closed(const ChildClosed& event, Turn& turn);
  void on_examined(const ChildExamined& event, Turn& turn);
  void on_time(Turn& turn);
  // After every turn of the role.
  void settle(Turn& turn);
  Time next_deadline() const { return deadline_; }

  // Before anything else: the mirror holds the picture of an earlier run. The children named by its
  // links are known again; whoever was not lost has `timeout` to come back.
  void restore(Turn& turn);
  // Drops a lost or left child and all that is held of it. False when it is neither (or unknown).
  bool forget(const std::string& name, const std::string& why, Turn& turn);

  // A contest from above; its path is from this node.
  void on_contest(const v1::Contest& contest, Turn& turn);
  // An inventory from above. What it says of this node's own children is taken only with `own`: it
  // began blank. They are known again as after restore(). The rest goes on to whom it is about.
  void on_inventory(const v1::Inventory& part, bool own, Turn& turn);

  // Where this node is now; told to children in Welcome.
  void set_place(std::string path, std::vector<std::string> ancestors);
  // No more sessions: every Hello is refused as `stopping`.
  void set_stopping() { stopping_ = true; }

  // What this child was given credit for has gone on, or will not: it may send as much again.
  void hand_on(const EventSource& source, Turn& turn);
  // Sends within the child's session; false (nothing sent) when it has none.
  bool send(const std::string& child, v1::Frame frame, Turn& turn);
  const Child* find(const std::string& child) const;
  const std::map<std::string, Child>& children() const { return children_; }
  std::uint32_t depth_below() const;

  struct Counters {
    std::uint64_t protocol_errors = 0;
    std::uint64_t frame_gaps = 0;
    std::uint64_t refusals = 0;
    std::uint64_t first_repairs = 0;  // descents before the first equal digest of a session
    std::uint64_t repairs = 0;        // and after it: something was lost within the session
    std::uint64_t questions = 0;
    std::uint64_t transfers_asked = 0;  // after descents that did not cure
    std::uint64_t who_are_you = 0;
  };
  const Counters& counters() const { return counters_; }

 private:
  void on_hello(const ChildFrame& event, const v1::Hello& hello, Turn& turn);
  void refuse(ConnId conn, const v1::Hello& hello, const v1::Refused& refused, Turn& turn);
  void accept(ConnId conn, const v1::Hello& hello, Turn& turn);
  void end_session(Child& child, const std::string& why, Turn& turn);
  void break_session(Child& child, const std::string& why, Turn& turn);
  void ask_who(ConnId conn, std::uint64_t session, Turn& turn);
  void on_session_frame(Child& child, v1::Frame& frame, Turn& turn);
  void on_update(Child& child, const v1::Update& update, Turn& turn);
  Status apply(Child& child, const v1::Update& update, Turn& turn);
  Status prune(Child& child, const std::string& path, Turn& turn);
  void compare(Child& child, const v1::Digest& told, Turn& turn);
  bool verify(Child& child, Turn& turn);
  void credit(Child& child, std::size_t bytes, Turn& turn);
  void begin_repair(Child& child, Turn& turn);
  void ask_for_all(Child& child, Turn& turn);
  void ask(Child& child, Turn& turn);
  Status on_answer(Child& child, const v1::Answer& answer, Turn& turn);
  void tell_refused(Child& child, const std::string& kind, const std::string& what, Turn& turn);
  Status check_origin(const Child& child, const v1::EventBatch& batch) const;
  void protocol_error(Child& child, const std::string& what, Turn& turn);
  void pass_on(Child& child, v1::Frame& frame, Turn& turn);
  void show(Child& child, Turn& turn);
  void tell_link(const Child& child, Turn& turn);
  void add_evidence(Child& child, const std::string& text, Turn& turn);
  void probe(Child& child, Turn& turn);
  void examine_silent(Child& child, Turn& turn);
  Child* by_conn(ConnId conn);
  static void remember_boot(Child& child, const v1::Hello& hello);
  Time forget_at(const Child& child) const;
  void contest_doubled(Turn& turn);
  void contest(const std::string& instance, Turn& turn);
  bool hand_over(const Mirror::Node& from, const Mirror::Node& to, Turn& turn);
  void send_inventory(const std::string& name, std::vector<v1::Inventory> parts, Turn& turn);
  void take_known(const v1::NodeFacts& facts, Turn& turn);
  void know_again(const std::string& name, const v1::LinkFact& link, Turn& turn);
  void drop(const std::string& name, const std::string& why, Turn& turn);
  void forget_expired(Turn& turn);
  std::vector<const Mirror::Node*> linked_children() const;
  void make_room(const std::string& newcomer, Turn& turn);
  LivenessOptions liveness_options(const Child& child) const;
  void watch(const Child& child);
  Child* hold(const v1::Hello& hello, Turn& turn);

  DownlinkOptions options_;
  Identity identity_;
  Mirror& mirror_;
  Random random_;
  std::string path_;
  std::vector<std::string> ancestors_;
  bool stopping_ = false;

  std::map<std::string, Child> children_;
  std::map<ConnId, std::string> conns_;          // of living sessions
  std::map<ConnId, Time> strangers_;             // when each was asked last
  std::map<std::string, std::string> refusals_;  // name -> the refusal shown last
  Time deadline_ = never;                        // a lower bound over all children
  Time contest_at_{};                            // not before
  std::map<std::string, unsigned> handed_over_;  // doubled instances: how often
  bool just_woke_ = false;
  OwnHealth health_;
  Counters counters_;
};

}  // namespace banyan::tree
