#pragma once
// "I have a parent": finds it, keeps the session, beats, tells facts, and hands what comes down to
// its role.
//
//      idle --start--> dialing --Welcome--> connected
//                        ^ |                    |
//                 delay  | | Refused, closed,   | closed, silent for `timeout`, gap,
//                 over   | | no Welcome in time | who_are_you, stood still for `timeout`
//                        | v                    v
//                      waiting <----------------+            any --leave--> left
//
// Invariants: at most one connection at a time, each attempt on a new one; a session ends in
// end_session() alone; every frame of a session is numbered. Single threaded.

#include <string>
#include <vector>

#include "common/base/random.h"
#include "common/tree/beat_times.h"
#include "common/tree/node_config.h"
#include "common/tree/told.h"
#include "common/tree/turn.h"
#include "common/tree/update_window.h"

namespace banyan::tree {

struct UplinkOptions {
  std::vector<Address> parents;
  Duration hb_interval = seconds{1};
  Duration timeout = seconds{5};
};

class Uplink {
 public:
  enum class State { idle, dialing, connected, waiting, left };

  Uplink(UplinkOptions options, Identity identity, const Mirror& mirror, std::uint64_t seed);

  void start(Turn& turn);
  void on_frame(const ParentFrame& event, Turn& turn);
  void on_closed(const ParentClosed& event, Turn& turn);
  void on_time(Turn& turn);
  // After every turn of the role: notes what changed and sends what may be sent.
  void settle(Turn& turn);
  Time next_deadline() const;

  // Goodbye and no more attempts. What was told before is sent first.
  void leave(const std::string& reason, Turn& turn);

  // Sends a frame of this kind within the session; false (nothing sent) when there is none.
  bool send(v1::Frame frame, Turn& turn);
  // Events go when the parent knows the facts they are about: behind its first credit of the
  // session, and not while much is still to be told. And as many as it gave credit for (R29).
  bool may_send_events() const {
    return connected() && event_room_ > 0 && told_.size() <= max_untold;
  }
  void send_events(v1::EventBatch batch, Turn& turn);
  // Tells everything that waits, whatever the window says: an outcome must not overtake the facts
  // that it speaks of.
  void flush(Turn& turn);

  State state() const { return state_; }
  bool connected() const { return state_ == State::connected; }
  const std::string& parent_path() const { return parent_path_; }
  const std::vector<std::string>& ancestors() const { return ancestors_; }
  // From the last answered beat to its answer; zero = none yet in this session.
  Duration rtt() const { return rtt_; }
  // Depth of nodes below this one, for Hello (a relay's greatest chain of relays and leaves).
  void set_depth_below(std::uint32_t depth) { depth_below_ = depth; }
  // This node began without a picture of an earlier run, and wants to be told its inventory.
  void set_blank(bool blank) { blank_ = blank; }

 private:
  void note(Turn& turn);
  void dial(Turn& turn);
  void end_session(const std::string& why, Turn& turn);
  void wait(Duration delay, Turn& turn);
  void on_welcome(const v1::Frame& frame, Turn& turn);
  void on_refused(const v1::Refused& refused, Turn& turn);
  void on_session_frame(v1::Frame& frame, Turn& turn);
  void send_hello(Turn& turn);
  void send_beat(Turn& turn);
  void send_update(v1::Update update, Turn& turn);
  void on_request(v1::Request& request, Turn& turn);
  void on_ping(const v1::Ping& ping, Turn& turn);
  void on_contest(const v1::Contest& contest, Turn& turn);
  void answer(const v1::Question& question, Turn& turn);
  bool stood_still(Now now) const;
  const Address& address() const;

  UplinkOptions options_;
  Identity identity_;
  const Mirror& mirror_;
  Random random_;

  State state_ = State::idle;
  ConnId conn_ = 0;
  ConnId last_conn_ = 0;
  std::size_t parent_index_ = 0;
  std::uint64_t session_ = 0;
  std::uint64_t sequence_in_ = 0;
  std::uint64_t sequence_out_ = 0;
  std::uint64_t attach_ = 0;
  std::string parent_path_;
  std::vector<std::string> ancestors_;
  std::string last_refusal_;  // each is logged once in a row
  std::string last_failure_;
  std::uint32_t depth_below_ = 0;
  bool blank_ = false;

  static constexpr std::size_t max_untold = 256;  // keys: about one frame

  Told told_;
  UpdateWindow window_;
  std::int64_t event_room_ = 0;  // bytes of batches; a batch may exceed it
  std::uint64_t beat_number_ = 0;
  Time beat_sent_at_{};
  Duration rtt_{0};
  BeatTimes beats_;
  Duration lateness_{0};  // the greatest since the last beat
  Duration backoff_{0};
  Duration reconnect_cap_ = seconds{1};
  Time hello_at_{};
  Time last_heard_{};
  Time last_time_{};  // of on_time or Welcome: other turns do not prove that the clock is looked at
  Time next_beat_ = never;
  Time retry_at_ = never;
  Time welcome_by_ = never;
};

}  // namespace banyan::tree
