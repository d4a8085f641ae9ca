// The floor that a log stream is measured against: bytes through bare ZeroMQ forwarders.
//
//     bench_chain source PORT FILE    sends the file to PORT in messages of 64 KiB
//     bench_chain forward FROM TO     listens on FROM, sends what comes to TO
//     bench_chain sink PORT           listens on PORT, writes what comes to stdout
//
// An empty message ends it. Each holds at most 16 messages per direction.

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <string>
#include <vector>
#include <zmq.hpp>

namespace {

constexpr std::size_t message_bytes = 64 << 10;
constexpr int messages_held = 16;

std::string at(const char* port) { return std::string("tcp://127.0.0.1:") + port; }

zmq::socket_t listener(zmq::context_t& context, const char* port) {
  zmq::socket_t socket(context, zmq::socket_type::pull);
  socket.set(zmq::sockopt::rcvhwm, messages_held);
  socket.bind(at(port));
  return socket;
}

zmq::socket_t sender(zmq::context_t& context, const char* port) {
  zmq::socket_t socket(context, zmq::socket_type::push);
  socket.set(zmq::sockopt::sndhwm, messages_held);
  socket.connect(at(port));
  return socket;
}

int run_source(const char* port, const char* file) {
  zmq::context_t context;
  auto out = sender(context, port);
  const int fd = open(file, O_RDONLY | O_CLOEXEC);
  if (fd < 0) return 1;
  std::vector<char> bytes(message_bytes);
  for (;;) {
    const auto size = read(fd, bytes.data(), message_bytes);
    if (size <= 0) break;
    out.send(zmq::const_buffer(bytes.data(), static_cast<std::size_t>(size)),
             zmq::send_flags::none);
  }
  out.send(zmq::message_t(), zmq::send_flags::none);
  return 0;
}

int run_forwarder(const char* from, const char* to) {
  zmq::context_t context;
  auto in = listener(context, from);
  auto out = sender(context, to);
  for (bool more = true; more;) {
    zmq::message_t message;
    if (!in.recv(message)) continue;
    more = message.size() > 0;
    out.send(message, zmq::send_flags::none);
  }
  return 0;
}

int run_sink(const char* port) {
  zmq::context_t context;
  auto in = listener(context, port);
  for (;;) {
    zmq::message_t message;
    if (!in.recv(message)) continue;
    if (message.size() == 0) return 0;
    const char* bytes = static_cast<const char*>(message.data());
    for (std::size_t done = 0; done < message.size();) {
      const auto size = write(STDOUT_FILENO, bytes + done, message.size() - done);
      if (size <= 0) return 1;
      done += static_cast<std::size_t>(size);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + 1, argv + argc);
  if (words.size() == 3 && words[0] == "source") return run_source(argv[2], argv[3]);
  if (words.size() == 3 && words[0] == "forward") return run_forwarder(argv[2], argv[3]);
  if (words.size() == 2 && words[0] == "sink") return run_sink(argv[2]);
  return 2;
}
