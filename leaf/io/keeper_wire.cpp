#include "leaf/io/keeper_wire.h"

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace banyan::leaf::keeper {
namespace {

union Control {
  char bytes[CMSG_SPACE(sizeof(int) * max_descriptors)];
  cmsghdr alignment;
};

// The block ends the packet; the message before it may be of another version, shorter or longer.
void find_block(Packet& packet, BlockRoom& room, std::size_t size) {
  const std::size_t block_size = packet.message.block_size;
  constexpr std::size_t whole = sizeof(Message);
  constexpr std::size_t known = offsetof(Message, block_size) + sizeof packet.message.block_size;
  if (block_size > block_max || size < known + block_size) return;
  const std::size_t message_size = size - block_size;
  if (message_size >= whole) {
    packet.block = room.bytes + (message_size - whole);
    return;
  }
  char* const beginning = reinterpret_cast<char*>(&packet.message) + message_size;
  const std::size_t early = size < whole ? block_size : whole - message_size;
  std::memmove(room.bytes + early, room.bytes, block_size - early);
  std::memcpy(room.bytes, beginning, early);
  std::memset(beginning, 0, whole - message_size);
  packet.block = room.bytes;
}

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
  const bool with_block = (packet.message.has & has_block) != 0;
  iovec parts[2] = {{const_cast<Message*>(&packet.message), sizeof packet.message},
                    {const_cast<char*>(packet.block), packet.message.block_size}};
  Control control = {};
  msghdr header = {};
  header.msg_iov = parts;
  header.msg_iovlen = with_block ? 2 : 1;
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

int receive_packet(int socket, Packet& packet, BlockRoom* room) {
  packet = Packet();
  packet.message.version = 0;
  iovec parts[2] = {{&packet.message, sizeof packet.message}, {}};
  if (room != nullptr) parts[1] = {room->bytes, sizeof room->bytes};
  Control control = {};
  msghdr header = {};
  header.msg_iov = parts;
  header.msg_iovlen = room == nullptr ? 1 : 2;
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
  const bool with_block = room != nullptr && (packet.message.has & has_block) != 0;
  if (with_block) find_block(packet, *room, static_cast<std::size_t>(size));
  packet.message.target[name_room - 1] = '\0';
  if ((header.msg_flags & MSG_CTRUNC) == 0) return 1;
  close_all(packet);
  errno = EBADMSG;
  return -1;
}

}  // namespace banyan::leaf::keeper
