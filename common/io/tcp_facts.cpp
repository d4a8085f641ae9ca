#include "common/io/tcp_facts.h"

#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstddef>

namespace banyan::io {

std::uint64_t bytes_received(int descriptor) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (::getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
  return size > offsetof(tcp_info, tcpi_bytes_received) ? info.tcpi_bytes_received : 0;
}

}  // namespace banyan::io
