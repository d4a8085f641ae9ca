#pragma once
// A child as a bare process: speaks just enough ZMTP 3.0 over a plain socket to say one frame, so
// that hundreds can be forked from a process that has threads (no library, no allocation).

#include <arpa/inet.h>
#include <linux/close_range.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>

namespace banyan::io {

inline bool read_exactly(int socket, unsigned char* bytes, std::size_t size) {
  return ::recv(socket, bytes, size, MSG_WAITALL) == static_cast<ssize_t>(size);
}

// Greeting and READY both ways; a frame before the peer's READY would be a protocol error.
inline bool shake_hands(int socket) {
  unsigned char greeting[64] = {0xff, 0, 0, 0, 0, 0, 0, 0, 1, 0x7f, 3, 0, 'N', 'U', 'L', 'L'};
  const unsigned char ready[] =
      "\x04\x1c\x05READY\x0bSocket-Type\x00\x00\x00\x06"
      "DEALER";
  unsigned char answer[256];
  return ::write(socket, greeting, sizeof greeting) == sizeof greeting &&
         ::write(socket, ready, sizeof ready - 1) == sizeof ready - 1 &&
         read_exactly(socket, answer, sizeof greeting) && read_exactly(socket, answer, 2) &&
         read_exactly(socket, answer, answer[1]);
}

// Returns the pid of a process that connects, says its own pid as one frame (unless `mute`), and
// reads until it is killed or the connection ends.
inline pid_t fork_zmtp_child(std::uint16_t port, bool mute) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  ::close_range(3, ~0U, 0);
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) ::_exit(1);
  if (!shake_hands(socket)) ::_exit(1);
  const pid_t self = ::getpid();
  unsigned char frame[2 + sizeof self] = {0, sizeof self};
  std::memcpy(frame + 2, &self, sizeof self);
  if (!mute && ::write(socket, frame, sizeof frame) != sizeof frame) ::_exit(1);
  char ignored[256];
  while (::read(socket, ignored, sizeof ignored) > 0) {
  }
  ::_exit(0);
}

}  // namespace banyan::io
