#pragma once
// One end of a ZMTP 3.0 connection without security, as bytes: what a DEALER says to a ROUTER, so
// that one process can be thousands of children without libzmq's cost for each. Messages of one
// part only. Pure.

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace banyan::bench {

class ZmtpWire {
 public:
  // What is to be written first.
  static std::string greeting() {
    std::string bytes("\xff\0\0\0\0\0\0\0\x01\x7f\x03\0NULL", 16);
    bytes.resize(greeting_bytes);
    return bytes + std::string(
                       "\x04\x1c\x05READY\x0bSocket-Type\0\0\0\6"
                       "DEALER",
                       30);
  }
  static void append(std::string& out, std::string_view body) {
    const bool is_long = body.size() > 255;
    out += static_cast<char>(is_long ? 2 : 0);
    for (int byte = is_long ? 7 : 0; byte >= 0; --byte) {
      out += static_cast<char>((body.size() >> (8 * byte)) & 0xff);
    }
    out += body;
  }
  // Bytes that came; returns the messages in them.
  std::vector<std::string> take(std::string_view bytes) {
    std::vector<std::string> messages;
    in_ += bytes;
    std::size_t at = 0;
    if (!greeted_) {
      if (in_.size() < greeting_bytes) return messages;
      at = greeting_bytes;
      greeted_ = true;
    }
    for (;;) {
      const std::size_t head = at < in_.size() && (in_[at] & 2) != 0 ? 9 : 2;
      if (in_.size() < at + head) break;
      std::size_t size = 0;
      for (std::size_t i = 1; i < head; ++i) {
        size = (size << 8U) | static_cast<unsigned char>(in_[at + i]);
      }
      if (in_.size() < at + head + size) break;
      const bool command = (in_[at] & 4) != 0;
      ready_ = ready_ || command;
      if (!command) messages.push_back(in_.substr(at + head, size));
      at += head + size;
    }
    in_.erase(0, at);
    return messages;
  }

  // The peer has said its READY: earlier it takes no messages.
  bool ready() const { return ready_; }

 private:
  static constexpr std::size_t greeting_bytes = 64;
  std::string in_;
  bool ready_ = false;
  bool greeted_ = false;
};

}  // namespace banyan::bench
