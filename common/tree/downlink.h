#pragma once
// "I have children": sessions, liveness, and the mirror of what they say.
//
// Invariants
//  1. A child has at most one session; it begins in accept() and ends in end_session() alone.
//  2. Frames of no living session are answered by who_are_you, at most once per connection and
//     second; a ROUTER cannot hang up on one peer.
//  3. The mirror below a child changes only by that child's updates; the link facts are this node's
//  own.
//  4. A child is `up` only after the first equal digest of its session.
// Bounds: max_children sessions, 4,096 remembered connections without a session.
// Single threaded; one call at a time.

#include <map>
#include <string>

#include "common/base/random.h"
#include "common/tree/admission.h"
#include "common/tree/child.h"
#include "common/tree/turn.h"

namespace banyan::tree {

struct DownlinkOptions {
  Duration timeout = seconds{5};
  Duration grace{0};  // 0 = one beat interval of the child
  std::size_t max_children = 10'000;
};

class Downlink {
 public:
  Downlink(DownlinkOptions options, Identity identity, Mirror& mirror, std::uint64_t seed);

  void on_frame(const ChildFrame& event, Turn& turn);
  void on_closed(const ChildClosed& event, Turn& turn);
  void on_time(Turn& turn);
  Time next_deadline() const { return deadline_; }

  // Where this node is now; told to children in Welcome.
  void set_place(std::string path, std::vector<std::string> ancestors);
  // No more sessions: every Hello is refused as `stopping`.
  void set_stopping() { stopping_ = true; }

  // Sends within the child's session; false (nothing sent) when it has none.
  bool send(const std::string& child, v1::Frame frame, Turn& turn);
  const Child* find(const std::string& child) const;
  const std::map<std::string, Child>& children() const { return children_; }
  std::uint32_t depth_below() const;

  struct Counters {
    std::uint64_t protocol_errors = 0;
    std::uint64_t frame_gaps = 0;
    std::uint64_t refusals = 0;
    std::uint64_t transfers_asked = 0;  // after a session's first
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
  void compare(Child& child, const v1::Digest& told, Turn& turn);
  void pass_on(Child& child, v1::Frame& frame, Turn& turn);
  void show(Child& child, Turn& turn);
  Child* by_conn(ConnId conn);
  LivenessOptions liveness_options(const Child& child) const;
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
  bool just_woke_ = false;
  Counters counters_;
};

}  // namespace banyan::tree
