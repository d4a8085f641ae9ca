#pragma once
// Server-sent events, parsed as the bytes arrive in pieces of any size (WHATWG HTML, 9.2.6).
// Pure. Bound: a line or an event's data beyond max_event_bytes ends the parser (`overflowed`).

#include <functional>
#include <string>
#include <string_view>

namespace banyan::cli {

struct ServerEvent {
  std::string topic;  // `event:`, "message" when absent
  std::string data;
  std::string id;  // the last id seen, also from earlier events
};

class SseParser {
 public:
  static constexpr std::size_t max_event_bytes = 4U << 20U;
  using Handler = std::function<void(const ServerEvent&)>;

  void feed(std::string_view bytes, const Handler& handler);
  // What a new connection sends as Last-Event-ID; survives reset().
  const std::string& last_id() const { return last_id_; }
  bool overflowed() const { return overflowed_; }
  // A new connection: an unfinished event is dropped.
  void reset();

 private:
  void end_line(const Handler& handler);
  void take_field(std::string_view name, std::string_view value);

  std::string line_;
  ServerEvent event_;
  bool has_data_ = false;
  bool after_cr_ = false;
  bool overflowed_ = false;
  std::string last_id_;
};

}  // namespace banyan::cli
