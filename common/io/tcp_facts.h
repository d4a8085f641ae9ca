#pragma once
// What the kernel knows of a TCP connection. Apart, because Linux's own header does not go with the
// one that Asio reads. Any thread.

#include <cstdint>

namespace banyan::io {

// By this connection so far, read by us or not. 0 when it is none.
std::uint64_t bytes_received(int descriptor);

}  // namespace banyan::io
