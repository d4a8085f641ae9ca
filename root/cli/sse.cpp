#include "root/cli/sse.h"

namespace banyan::cli {

void SseParser::feed(std::string_view bytes, const Handler& handler) {
  for (const char c : bytes) {
    if (overflowed_) return;
    const bool second_half_of_crlf = c == '\n' && after_cr_;
    after_cr_ = c == '\r';
    if (second_half_of_crlf) continue;
    if (c == '\n' || c == '\r') {
      end_line(handler);
    } else {
      line_ += c;
      overflowed_ = line_.size() + event_.data.size() > max_event_bytes;
    }
  }
}

void SseParser::reset() {
  line_.clear();
  event_ = {};
  has_data_ = after_cr_ = overflowed_ = false;
}

void SseParser::end_line(const Handler& handler) {
  if (!line_.empty()) {
    const std::size_t colon = line_.find(':');
    std::string_view value;
    if (colon != std::string::npos) value = std::string_view(line_).substr(colon + 1);
    if (!value.empty() && value.front() == ' ') value.remove_prefix(1);
    take_field(std::string_view(line_).substr(0, colon), value);
    line_.clear();
    return;
  }
  ServerEvent ready = std::move(event_);
  event_ = {};
  if (!has_data_) return;
  has_data_ = false;
  if (ready.topic.empty()) ready.topic = "message";
  ready.id = last_id_;
  handler(ready);
}

void SseParser::take_field(std::string_view name, std::string_view value) {
  if (name == "event") {
    event_.topic = value;
  } else if (name == "id") {
    if (value.find('\0') == std::string_view::npos) last_id_ = value;
  } else if (name == "data") {
    if (has_data_) event_.data += '\n';
    event_.data += value;
    has_data_ = true;
  }
}

}  // namespace banyan::cli
