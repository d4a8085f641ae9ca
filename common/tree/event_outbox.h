#pragma once
// The events of one origin on their way up: first what earlier runs left, each in its own stream,
// the oldest first; then the stream of this run. Whoever contains it performs the effects: what is
// added must be on the disk before anything that follows from it is told to anybody else.
// Bounds: those of EventSpool, for max_earlier earlier streams. Pure. Single threaded.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "common/tree/event_spool.h"

namespace banyan::tree {

// To be done in this order, in the file of the stream.
struct SpoolEffects {
  std::vector<v1::Event> added;     // to the present stream
  std::vector<v1::EventAck> acked;  // of any stream
  std::vector<v1::Boot> drained;    // earlier streams: everything of them is stored

  void add(SpoolEffects more);
  bool empty() const { return added.empty() && acked.empty() && drained.empty(); }
};

class EventOutbox {
 public:
  static constexpr std::size_t max_earlier = 16;

  EventOutbox(std::string instance, const v1::Boot& boot);

  // Before anything else, each at most once. `earlier`: oldest first, at most max_earlier.
  void resume(const v1::HeldEvents& held) { present_.resume(held); }
  void inherit(const std::vector<v1::HeldEvents>& earlier);
  v1::HeldEvents held() const { return present_.held(); }

  void add(v1::Event event);
  void on_ack(const v1::EventAck& ack);
  void rewind();
  // See EventSpool: in every turn, before take().
  void watch(Time now);
  Time next_deadline() const;
  std::optional<v1::EventBatch> take();

  SpoolEffects take_effects() { return std::exchange(effects_, {}); }
  std::size_t bytes() const { return present_.bytes(); }  // of the present stream
  const EventSpool& present() const { return present_; }
  std::size_t earlier() const { return earlier_.size(); }

 private:
  struct Earlier {
    v1::Boot boot;
    EventSpool spool;
  };
  void drop_drained();

  std::string instance_;
  std::deque<Earlier> earlier_;
  EventSpool present_;
  SpoolEffects effects_;
};

}  // namespace banyan::tree
