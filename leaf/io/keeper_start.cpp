#include "leaf/io/keeper_start.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <memory>
#include <thread>

#include <fmt/format.h>

#include "common/io/files.h"
#include "leaf/io/launch_child.h"

namespace banyan::leaf {
namespace {

using banyan::io::error_text;
using std::chrono::steady_clock;

constexpr auto patience = std::chrono::seconds{5};
constexpr auto busy_pause = std::chrono::milliseconds{20};
constexpr int backlog = 8;
constexpr mode_t private_mask = 0177;
constexpr std::size_t stack_bytes = 64 << 10;
constexpr const char* name = "banyan-keeper";

Descriptor lifted(int fd) {
  Descriptor given(fd);
  if (fd < 0 || fd > 2) return given;
  return Descriptor(::fcntl(fd, F_DUPFD_CLOEXEC, 3));
}

// A socket's address holds 107 bytes; a state directory's path may be longer.
sockaddr_un address_in(const Descriptor& folder) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  const auto path = fmt::format("/proc/self/fd/{}/{}", folder.get(), keeper::socket_name);
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

Descriptor open_folder(const std::string& path) {
  return lifted(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
}

Descriptor new_socket() {
  return lifted(::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
}

// Nothing when nobody listens.
Descriptor connect_to(const std::string& state_dir) {
  const Descriptor folder = open_folder(state_dir);
  Descriptor socket = new_socket();
  if (!folder || !socket) return {};
  const sockaddr_un address = address_in(folder);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  if (::connect(socket.get(), generic, sizeof address) < 0) return {};
  return socket;
}

Result<Descriptor> listen_in(const Descriptor& folder, const std::string& state_dir) {
  ::unlinkat(folder.get(), keeper::socket_name, 0);
  Descriptor socket = new_socket();
  const sockaddr_un address = address_in(folder);
  const auto* generic = reinterpret_cast<const sockaddr*>(&address);
  const mode_t old_mask = ::umask(private_mask);
  const bool bound = socket && ::bind(socket.get(), generic, sizeof address) == 0;
  const int error = errno;
  ::umask(old_mask);
  // Listens before the keeper is there: so nobody ever finds it without an ear.
  if (bound && ::listen(socket.get(), backlog) == 0) return socket;
  return failure("cannot make the keeper's socket", state_dir, error_text(bound ? errno : error));
}

// Of its own: no environment, session, or descriptor of the leaf's.
Result<int> spawn(const KeeperPlace& place) {
  const Descriptor folder = open_folder(place.state_dir);
  if (!folder) return failure("cannot open", place.state_dir, error_text(errno));
  const auto listener = listen_in(folder, place.state_dir);
  if (!listener) return tl::unexpected(listener.error());
  const Descriptor null = lifted(::open("/dev/null", O_RDWR | O_CLOEXEC));
  std::string argument = name;
  std::string directory = place.state_dir;
  char* const arguments[] = {argument.data(), directory.data(), nullptr};
  char* const environment[] = {nullptr};
  ChildFrame frame;
  frame.path = place.program.c_str();
  frame.arguments = arguments;
  frame.environment = environment;
  frame.working_directory = "/";
  frame.input = listener->get();
  frame.output = folder.get();
  frame.error = null.get();
  const std::unique_ptr<std::byte[]> stack(new std::byte[stack_bytes]);
  auto top = reinterpret_cast<std::uintptr_t>(stack.get()) + stack_bytes;
  const Child child = start_child(frame, reinterpret_cast<void*>(top - top % 16));
  if (child.pid != 0) {
    ::close(child.pidfd);
    return child.pid;
  }
  ::unlinkat(folder.get(), keeper::socket_name, 0);
  return failure("cannot start the keeper", place.program, error_text(frame.error_number),
                 "without it no target survives the agent; keeper = false says that this is meant");
}

bool say_hello(const Descriptor& socket, const KeeperPlace& place) {
  keeper::Packet hello;
  hello.message.kind = keeper::Kind::hello;
  hello.message.spill_max = place.spill_max;
  return keeper::send_packet(socket.get(), hello) == 0;
}

void take_run(keeper::Packet& packet, KeeperLink& link) {
  KeptRun run;
  run.message = packet.message;
  std::size_t next = 0;
  const auto take = [&](keeper::Has which, Descriptor& into) {
    if ((packet.message.has & which) == 0 || next >= packet.count) return;
    into.reset(packet.descriptors[next++]);
  };
  take(keeper::has_pidfd, run.pidfd);
  take(keeper::has_output, run.out);
  take(keeper::has_error, run.err);
  link.runs.push_back(std::move(run));
  packet.count = 0;
}

enum class Handover { complete, busy, broken, late };

Handover receive_all(KeeperLink& link, steady_clock::time_point deadline) {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline - steady_clock::now());
    pollfd entry = {link.socket.get(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&entry, 1, static_cast<int>(left.count())) == 0) {
      return Handover::late;
    }
    keeper::Packet packet;
    const int got = keeper::receive_packet(link.socket.get(), packet);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (got <= 0) return Handover::broken;
    const auto kind = packet.message.kind;
    if (kind == keeper::Kind::welcome) {
      link.pid = packet.message.pid;
      link.version = packet.message.version;
    }
    if (kind == keeper::Kind::busy) link.pid = packet.message.pid;
    if (kind == keeper::Kind::run) take_run(packet, link);
    if (kind == keeper::Kind::memory) link.memories.push_back(packet.message);
    keeper::close_all(packet);
    if (kind == keeper::Kind::busy) return Handover::busy;
    if (kind == keeper::Kind::complete) return Handover::complete;
  }
}

}  // namespace

std::string keeper_program() {
  char path[4096] = {};
  const auto size = ::readlink("/proc/self/exe", path, sizeof path - 1);
  const std::string program(path, size > 0 ? static_cast<std::size_t>(size) : 0);
  return program.substr(0, program.rfind('/') + 1) + name;
}

// Busy: the leaf before this one is dead, and the keeper is about to hear of it. Broken: the keeper
// was about to end.
Result<KeeperLink> open_keeper(const KeeperPlace& place, bool start) {
  const auto deadline = steady_clock::now() + patience;
  auto last = Handover::broken;
  KeeperLink link;
  while (steady_clock::now() < deadline) {
    link = KeeperLink();
    link.socket = connect_to(place.state_dir);
    if (!link.socket && !start) return failure("there is no keeper", place.state_dir);
    if (!link.socket) {
      const auto spawned = spawn(place);
      if (!spawned) return tl::unexpected(spawned.error());
      continue;
    }
    last = say_hello(link.socket, place) ? receive_all(link, deadline) : Handover::broken;
    if (last == Handover::complete) return link;
    std::this_thread::sleep_for(busy_pause);
  }
  const std::string hint = fmt::format("end process {}, then start again", link.pid);
  if (last == Handover::busy) {
    return failure("the keeper obeys another agent", place.state_dir, "", hint);
  }
  return failure("the keeper does not answer", place.state_dir, "",
                 "end its process (banyan-keeper " + place.state_dir + "), then start again");
}

Result<KeeperLink> start_keeper(const KeeperPlace& place) {
  const auto spawned = spawn(place);
  if (!spawned) return tl::unexpected(spawned.error());
  KeeperLink link;
  link.pid = *spawned;
  link.socket = connect_to(place.state_dir);
  if (!link.socket || !say_hello(link.socket, place)) {
    return failure("the keeper does not answer", place.state_dir, error_text(errno));
  }
  return link;
}

}  // namespace banyan::leaf
