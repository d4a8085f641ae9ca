#pragma once
// The events of one run of one origin, numbered from 1, held until the root has stored them.
//
// Sent in order, at most `window_bytes` unacknowledged; a new session above or a rewind sends again
// from the first unacknowledged one. Beyond max_bytes or max_events the oldest are dropped: the
// batch then says which is the oldest still held, and the root records the gap with its count.

#include <cstdint>
#include <deque>
#include <optional>
#include <string>

#include "banyan/v1/handover.pb.h"
#include "banyan/v1/link.pb.h"
#include "common/base/time.h"

namespace banyan::tree {

class EventSpool {
 public:
  static constexpr std::size_t max_bytes = 1 << 20;
  static constexpr std::size_t max_events = 20'000;
  static constexpr std::size_t window_bytes = 64 * 1024;
  static constexpr std::size_t batch_bytes = 16 * 1024;
  // A larger event loses its data and the rest of its text: it must fit a frame.
  static constexpr std::size_t max_event_bytes = 32 * 1024;
  static constexpr Duration first_patience = seconds{10};
  static constexpr Duration last_patience = seconds{160};

  EventSpool(std::string instance, v1::Boot boot);

  // Before anything else: goes on where the program before this one in the same process stood, in
  // its stream.
  void resume(const v1::HeldEvents& held);
  v1::HeldEvents held() const;

  // Makes an event that is too large fit.
  static void cut(v1::Event& event);
  void add(v1::Event event);
  void on_ack(const v1::EventAck& ack);  // of another stream: ignored
  void rewind() { sent_ = acked_; }

  // What is on its way without any progress for 10 s (then twice that, and so on up to 160 s) is
  // sent again: an acknowledgement may have found no way. To be called in every turn, before
  // take().
  void watch(Time now);
  Time next_deadline() const { return again_at_; }

  // The next batch to send, if the window allows one.
  std::optional<v1::EventBatch> take();

  bool holds() const { return !held_.empty(); }  // anything at all
  std::uint64_t last() const { return last_; }
  std::uint64_t acked() const { return acked_; }
  std::uint64_t dropped() const { return dropped_; }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Held {
    v1::Event event;
    std::size_t bytes;
  };
  std::uint64_t oldest() const { return last_ + 1 - held_.size(); }

  std::string instance_;
  v1::Boot boot_;
  std::deque<Held> held_;  // numbers oldest()..last_
  std::size_t bytes_ = 0;
  std::uint64_t last_ = 0;
  std::uint64_t acked_ = 0;
  std::uint64_t sent_ = 0;
  std::uint64_t dropped_ = 0;
  std::uint64_t watched_ = 0;  // acked_ when it was looked at last
  Time again_at_ = never;
  Duration patience_ = first_patience;
};

}  // namespace banyan::tree
