#pragma once
// What passes over simulated connections: frames counted by kind, and every event at the first hop
// from its origin, for the question what was ever said.

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "banyan/v1/link.pb.h"

namespace banyan::sim {

// The kind of an encoded frame, without decoding it; 0 when it has none.
int kind_of(std::string_view bytes);
// "beat" -> its number; 0 when there is no such kind.
int kind_named(const std::string& name);

struct SaidEvent {
  std::int64_t time_ms = 0;
  std::string kind;
  std::string subject;
  std::string text;
  auto operator<=>(const SaidEvent&) const = default;
};
struct StreamKey {  // a run of an origin
  std::string instance;
  std::uint64_t boot = 0;  // its random part
  auto operator<=>(const StreamKey&) const = default;
};

class FrameTap {
 public:
  void see(const std::string& bytes, bool up);

  std::uint64_t frames() const { return frames_; }
  std::uint64_t frames(const std::string& kind) const;
  std::uint64_t bytes() const { return bytes_; }
  // Whole transfers beside those of a first Hello: asked for within a session.
  const std::map<StreamKey, std::map<std::uint64_t, SaidEvent>>& said() const { return said_; }

 private:
  void record(const v1::EventBatch& batch);

  std::uint64_t frames_ = 0;
  std::uint64_t bytes_ = 0;
  std::map<int, std::uint64_t> by_kind_;
  std::map<StreamKey, std::map<std::uint64_t, SaidEvent>> said_;  // by number
};

}  // namespace banyan::sim
