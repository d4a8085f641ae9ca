// What the keeper hears and says (keeper_wire.h).

#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>

#include "leaf/io/launch_block.h"
#include "leaf/keeper/keeper.h"

namespace banyan::leaf::keeper {
namespace {

constexpr unsigned packets_per_turn = 64;
constexpr std::int64_t return_within_ns = 2'000'000'000;
constexpr std::size_t stack_bytes = 64 << 10;
constexpr std::size_t launch_ends = 3;  // behind 0, 1 and 2
constexpr std::size_t launch_descriptors = launch_ends + 2;

alignas(16) char child_stack[stack_bytes];
BlockRoom block_room;

void close_socket(int& socket) {
  if (socket >= 0) ::close(socket);
  socket = -1;
}

bool may_come_in(int socket, int& pid) {
  ucred peer = {};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0) return false;
  pid = peer.pid;
  return peer.uid == ::geteuid() || peer.uid == 0;
}

bool is_gone(int socket) {
  char byte = 0;
  const ssize_t got = ::recv(socket, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR);
}

// A memory file with the block comes before all others.
std::size_t first_descriptor(const Packet& packet) {
  return (packet.message.has & has_block) == 0 ? 1 : 0;
}

bool read_block(const Packet& packet, LaunchBlock& block) {
  const auto size = packet.message.block_size;
  if (first_descriptor(packet) != 0) return block.open(packet.descriptors[0], size);
  return packet.block != nullptr && block.copy(packet.block, size);
}

// False when there are others than it says.
bool place_descriptors(const Packet& packet, ChildFrame& frame) {
  const std::size_t first = first_descriptor(packet);
  std::size_t next = first + launch_descriptors;
  if (packet.count < next) return false;
  frame.input = packet.descriptors[first];
  frame.output = packet.descriptors[first + 1];
  frame.error = packet.descriptors[first + 2];
  if ((packet.message.has & has_ready) != 0) frame.ready = packet.descriptors[next++];
  if ((packet.message.has & has_cgroup) != 0) frame.cgroup = packet.descriptors[next++];
  return next == packet.count;
}

}  // namespace

void Keeper::accept_one() {
  int socket = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
  if (socket < 0) return;
  int pid = 0;
  if (!may_come_in(socket, pid)) return close_socket(socket);
  if (present_ && is_gone(leaf_)) leave();
  if (present_) {
    Packet busy;
    busy.message.kind = Kind::busy;
    busy.message.pid = leaf_pid_;
    static_cast<void>(send_packet(socket, busy));
    return close_socket(socket);
  }
  close_socket(candidate_);
  candidate_ = socket;
}

// Nobody is the leaf before it has said hello.
void Keeper::listen_to_candidate() {
  Packet packet;
  const int got = receive_packet(candidate_, packet);
  if (got < 0 && errno == EAGAIN) return;
  close_all(packet);
  if (got <= 0 || packet.message.kind != Kind::hello || present_) return close_socket(candidate_);
  leaf_ = candidate_;
  candidate_ = -1;
  static_cast<void>(may_come_in(leaf_, leaf_pid_));
  greet(packet.message);
}

void Keeper::greet(const Message& hello) {
  reap_children();
  spiller_.finish(runs_);
  if (hello.spill_max != 0) spiller_.set_max(hello.spill_max);
  present_ = true;
  goodbye_ = false;
  kill_at_ns_ = 0;
  welcome_due_ = true;
  runs_due_ = true;
  sweep_due_ = true;
  complete_due_ = true;
}

void Keeper::listen_to_leaf() {
  for (unsigned i = 0; i < packets_per_turn && leaf_ >= 0; ++i) {
    Packet packet;
    const int got = receive_packet(leaf_, packet, &block_room);
    if (got < 0 && (errno == EAGAIN || errno == EBADMSG)) break;
    if (got <= 0) return leave();
    handle(packet);
    close_all(packet);
  }
  blocked_ = false;
}

void Keeper::handle(Packet& packet) {
  switch (packet.message.kind) {
    case Kind::launch:
      return launch(packet);
    case Kind::take_over:
      return take_over(packet);
    case Kind::acknowledge:
      return acknowledge(packet.message);
    case Kind::memory:
      return runs_.keep(packet.message);
    case Kind::quit:
      finished_ = !runs_.any_alive();
      goodbye_ = true;
      return;
    case Kind::goodbye:
      goodbye_ = true;
      return;
    case Kind::hello:  // said again: it stays after all
      goodbye_ = false;
      return;
    case Kind::none:
    case Kind::welcome:
    case Kind::busy:
    case Kind::run:
    case Kind::complete:
    case Kind::launched:
    case Kind::exited:
      return;  // a leaf does not say this, or says it once
  }
}

void Keeper::launch(Packet& packet) {
  Run& run = runs_.add(packet.message);
  run.handed = true;
  run.answer_due = true;
  news_due_ = true;
  run.told.error_number = EBADMSG;
  LaunchBlock block;
  if (packet.count == 0 || !read_block(packet, block)) return;
  ChildFrame frame = block.frame();
  if (!place_descriptors(packet, frame)) return;
  const Child child = start_child(frame, child_stack + stack_bytes);
  run.told.error_number = frame.error_number;
  run.told.stage = static_cast<std::int32_t>(frame.stage);
  run.told.detail = frame.limit_index;
  if (child.pid == 0) return;
  run.told.error_number = 0;
  run.pid = child.pid;
  run.pidfd = child.pidfd;
  run.grouped = frame.cgroup_joined;
  run.told.started_ns = boot_ns();
  const char* mark = block.variable("BANYAN_TARGET");
  if (mark != nullptr) run.mark = ::strdup(mark);
  for (std::size_t stream = 0; stream < 2; ++stream) {
    int& end = packet.descriptors[first_descriptor(packet) + launch_ends + stream];
    run.pipes[stream].fd = end;
    end = -1;  // stays open
  }
}

// Started under another keeper, or by a leaf that had none; of a known one, what is wanted now.
void Keeper::take_over(Packet& packet) {
  const Message& message = packet.message;
  if (Run* known = runs_.find(message)) {
    known->told.flags = message.flags;
    return;
  }
  if ((message.has & has_pidfd) == 0 || packet.count == 0) return;
  Run& run = runs_.add(message);
  run.handed = true;
  run.foreign = true;
  run.grouped = (message.flags & grouped) != 0;
  run.pid = message.pid;
  run.mark = mark_of(message.pid);
  std::size_t next = 0;
  run.pidfd = packet.descriptors[next++];
  if ((message.has & has_output) != 0 && next < packet.count) {
    run.pipes[0].fd = packet.descriptors[next++];
  }
  if ((message.has & has_error) != 0 && next < packet.count) {
    run.pipes[1].fd = packet.descriptors[next++];
  }
  packet.count = 0;
}

void Keeper::acknowledge(const Message& message) {
  Run* run = runs_.find(message);
  if (run == nullptr) return;
  // Of a foreign one the leaf hears first.
  if (!run->over && run->foreign) set_over(*run, {});
  if (!run->over) return;
  run->acknowledged = true;
  sweep_due_ = true;
  run->exit_due = false;
}

void Keeper::leave() {
  close_socket(leaf_);
  present_ = false;
  blocked_ = false;
  crowded_ = false;
  lingering_ = 0;
  bool any_to_end = false;
  for (Run* run = runs_.first(); run != nullptr; run = run->next) {
    run->handed = false;
    run->answer_due = false;
    run->exit_due = false;
    any_to_end = any_to_end || (run->told.flags & end_with_agent) != 0;
  }
  for (Note* note = runs_.first_note(); note != nullptr; note = note->next) note->handed = false;
  if (!goodbye_ && any_to_end) kill_at_ns_ = boot_ns() + return_within_ns;
  finished_left_ = runs_.sweep();
}

void Keeper::tell() {
  if (!present_ || blocked_) return;
  crowded_ = false;
  if (welcome_due_) {
    Packet welcome;
    welcome.message.kind = Kind::welcome;
    welcome.message.pid = ::getpid();
    welcome.message.orphans = orphans_;
    if (!say(welcome)) return;
    welcome_due_ = false;
  }
  if (!say_runs()) return;
  if (complete_due_) {
    Packet complete;
    complete.message.kind = Kind::complete;
    if (!say(complete)) return;
    complete_due_ = false;
  }
  static_cast<void>(say_news());
}

bool Keeper::say(const Packet& packet) {
  if (send_packet(leaf_, packet) == 0) return true;
  crowded_ = errno == ETOOMANYREFS;
  blocked_ = !crowded_;  // when it is gone, that is heard, too
  return false;
}

bool Keeper::say_runs() {
  if (!runs_due_) return true;
  for (Run* run = runs_.first(); run != nullptr; run = run->next) {
    if (run->handed) continue;
    Packet packet;
    packet.message = message_of(*run, Kind::run);
    const int fds[] = {run->pidfd, run->pipes[0].fd, run->pipes[1].fd};
    for (unsigned i = 0; i < 3; ++i) {
      if (fds[i] < 0) continue;
      packet.message.has |= 1U << i;
      packet.add(fds[i]);
    }
    if (!say(packet)) return false;
    run->handed = true;
  }
  for (Note* note = runs_.first_note(); note != nullptr; note = note->next) {
    if (note->handed) continue;
    Packet packet;
    packet.message = note->told;
    if (!say(packet)) return false;
    note->handed = true;
  }
  runs_due_ = false;
  return true;
}

bool Keeper::say_news() {
  if (!news_due_) return true;
  for (Run* run = runs_.first(); run != nullptr; run = run->next) {
    if (run->answer_due) {
      Packet packet;
      packet.message = message_of(*run, Kind::launched);
      if (run->pidfd >= 0) {
        packet.message.has = has_pidfd;
        packet.add(run->pidfd);
      }
      if (!say(packet)) return false;
      run->answer_due = false;
      sweep_due_ = true;
    }
    if (run->exit_due) {
      Packet packet;
      packet.message = message_of(*run, Kind::exited);
      if (!say(packet)) return false;
      run->exit_due = false;
    }
  }
  news_due_ = false;
  return true;
}

Message Keeper::message_of(const Run& run, Kind kind) const {
  Message message = run.told;
  message.kind = kind;
  message.version = wire_version;
  message.pid = run.pid;
  message.code = run.status.code;
  message.signal = run.status.signal;
  message.ended_ms = run.ended_ms;
  message.user_ms = run.status.user_ms;
  message.system_ms = run.status.system_ms;
  message.max_rss_bytes = run.status.max_rss_bytes;
  message.has = 0;
  message.orphans = orphans_;
  message.flags = run.told.flags & end_with_agent;
  if (run.foreign) message.flags |= foreign;
  if (run.grouped) message.flags |= grouped;
  if (run.over) message.flags |= over;
  if (run.acknowledged) message.flags |= acknowledged;
  if (run.status.core) message.flags |= has_core;
  if (!run.status.known) message.flags |= status_unknown;
  return message;
}

}  // namespace banyan::leaf::keeper
