#pragma once
// What leaf and keeper say to each other over their SEQPACKET socket: one Message per packet, with
// descriptors beside it. Used by both; libc only.
//
//   leaf -> keeper                           keeper -> leaf
//   hello        spill_max                   welcome   pid, version; or busy: pid of the leaf there
//                                            run       each process it keeps  fds: see `has`
//                                            memory    each target's
//                                            complete  all is handed over
//   launch       fds: see below             launched  pid, or error_number and stage  fds: pidfd
//   take_over    pid ...  fds: as run        exited    code, signal, ended_ms, usage
//   acknowledge  the exit is known
//   memory       to be kept
//   goodbye      keep all; nothing is lost
//   quit         end, if nothing runs
//
// A launch brings its block (launch_block.h), what becomes 0, 1 and 2, the read ends of 1 and 2,
// and what `has` names beside them. The block is the end of the packet (has_block); a large one, or
// one for a keeper older than block_version, is a memory file before the other descriptors. A
// keeper that does not know all of the block refuses it (EBADMSG): it is of another version, and
// nothing of a launch may be left out.
//
// Rules: a process is named by target and generation. New fields go to the end and mean nothing
// when zero: a shorter message is filled up with zeros, a longer one is cut. While a leaf is there
// the keeper neither reads nor writes the pipes. An exit is told until it is acknowledged.

#include <cstddef>
#include <cstdint>

namespace banyan::leaf::keeper {

inline constexpr std::uint32_t wire_version = 2;
inline constexpr std::uint32_t block_version = 2;  // from this one on it takes has_block
inline constexpr std::size_t name_room = 64;       // with the final zero
inline constexpr std::size_t max_descriptors = 8;
inline constexpr std::size_t block_max = 16 << 10;         // of one that travels in its packet
inline constexpr const char* socket_name = "keeper.sock";  // in the state directory
inline constexpr const char* spill_folder = "spill";       // likewise

enum class Kind : std::uint32_t {
  none,
  hello,
  launch,
  take_over,
  acknowledge,
  memory,
  goodbye,
  quit,
  welcome,
  busy,
  run,
  complete,
  launched,
  exited
};

// Message::flags
enum Flag : std::uint32_t {
  end_with_agent = 1,   // on_agent_death = "kill"
  over = 2,             // run: it has exited
  acknowledged = 4,     // run: its exit is known already; only its pipes are still open
  status_unknown = 8,   // it was not the keeper's child
  has_core = 16,        // it dumped core
  remembers_exit = 32,  // memory: code, signal and ended_ms are given
  foreign = 64,         // run: not the keeper's child; the leaf has to look after it
  grouped = 128,        // launched, run, take_over: it began in its control group
};

// Message::has: which of the descriptors come, in this order.
enum Has : std::uint32_t {
  has_pidfd = 1,
  has_output = 2,
  has_error = 4,
  has_ready = 8,    // launch: the write end of its readiness pipe
  has_cgroup = 16,  // launch: the folder of its control group
  has_block = 32,   // launch: its block is in the packet, block_size bytes, and no descriptor
};

struct Message {
  Kind kind = Kind::none;
  std::uint32_t version = wire_version;
  char target[name_room] = {};
  std::uint64_t generation = 0;
  std::int32_t pid = 0;
  std::int32_t error_number = 0;
  std::int32_t stage = 0;
  std::int32_t code = 0;
  std::int32_t signal = 0;
  std::uint32_t flags = 0;
  std::uint32_t has = 0;
  std::uint32_t restarts = 0;
  std::uint64_t hash = 0;        // of what was launched; the leaf's own
  std::int64_t started_ns = 0;   // CLOCK_BOOTTIME
  std::int64_t ended_ms = 0;     // wall time
  std::uint64_t orphans = 0;     // reaped strangers, in all
  std::uint64_t spill_max = 0;   // bytes
  std::uint64_t block_size = 0;  // launch: see launch_block.h
  std::uint64_t detail = 0;      // launched, refused: limit_index as ChildFrame has it
  std::int64_t user_ms = 0;      // exited, run: what it used; all 0 = not known
  std::int64_t system_ms = 0;
  std::int64_t max_rss_bytes = 0;
};

struct Packet {
  Message message;
  int descriptors[max_descriptors] = {-1, -1, -1, -1, -1, -1, -1, -1};
  std::size_t count = 0;        // of descriptors; whoever received them owns them; -1 = taken
  const char* block = nullptr;  // has_block: borrowed; received: until the next packet is

  void add(int descriptor) { descriptors[count++] = descriptor; }
};

// The name cut to fit, never read beyond its room.
void set_target(Message& message, const char* name, std::size_t size);
void close_all(Packet& packet);

// Never waits. -1 = errno: EAGAIN, ETOOMANYREFS (too many descriptors are on their way): later.
int send_packet(int socket, const Packet& packet);
// Where the block of a packet is put; it holds a little more than block_max.
struct BlockRoom {
  alignas(8) char bytes[block_max + 1024];
};

// Never waits. 1 = a packet, 0 = the other side is gone, -1 = errno (EAGAIN, EBADMSG).
// Without room, or when it does not fit, the packet's block is null.
int receive_packet(int socket, Packet& packet, BlockRoom* room = nullptr);

}  // namespace banyan::leaf::keeper
