#include "leaf/io/keeper_wire.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace banyan::leaf::keeper {
namespace {

union Control {
  char bytes[CMSG_SPACE(sizeof(int) * max_descriptors)];
  cmsghdr alignment;
};

}  // namespace

void set_target(Message& message, const char* name, std::size_t size) {
  const std::size_t kept = size < name_room ? size : name_room - 1;
  std::memcpy(message.target, name, kept);
  message.target[kept] = '\0';
}

void close_all(Packet& packet) {
  for (std::size_t i = 0; i < packet.count; ++i) {
    if (packet.descriptors[i] >= 0) ::close(packet.descriptors[i]);
  }
  packet.count = 0;
}

int send_packet(int socket, const Packet& packet) {
  iovec part = {const_cast<Message*>(&packet.message), sizeof packet.message};
  Control control = {};
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  if (packet.count > 0) {
    header.msg_control = control.bytes;
    header.msg_controllen = CMSG_SPACE(sizeof(int) * packet.count);
    cmsghdr* rights = CMSG_FIRSTHDR(&header);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(sizeof(int) * packet.count);
    std::memcpy(CMSG_DATA(rights), packet.descriptors, sizeof(int) * packet.count);
  }
  for (;;) {
    if (::sendmsg(socket, &header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return 0;
    if (errno != EINTR) return -1;
  }
}

int receive_packet(int socket, Packet& packet) {
  packet = Packet();
  packet.message.version = 0;
  iovec part = {&packet.message, sizeof packet.message};
  Control control = {};
  msghdr header = {};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = control.bytes;
  header.msg_controllen = sizeof control.bytes;
  ssize_t size = -1;
  do {
    size = ::recvmsg(socket, &header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0 && errno == ECONNRESET) return 0;
  if (size < 0) return -1;
  for (cmsghdr* rights = CMSG_FIRSTHDR(&header); rights != nullptr;
       rights = CMSG_NXTHDR(&header, rights)) {
    if (rights->cmsg_level != SOL_SOCKET || rights->cmsg_type != SCM_RIGHTS) continue;
    packet.count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    std::memcpy(packet.descriptors, CMSG_DATA(rights), sizeof(int) * packet.count);
  }
  if (size == 0) return 0;
  packet.message.target[name_room - 1] = '\0';
  if ((header.msg_flags & MSG_CTRUNC) == 0) return 1;
  close_all(packet);
  errno = EBADMSG;
  return -1;
}

}  // namespace banyan::leaf::keeper
