#include "leaf/io/launch_block.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <initializer_list>
#include <new>

#include "common/io/uninterrupted.h"

namespace banyan::leaf {
namespace {

constexpr std::uint64_t nowhere = 0;  // the head is there, so no string can be
constexpr std::size_t bytes_max = 16 << 20;

constexpr std::size_t pid_room = 12;

// Offsets from the block's beginning. A list of texts is one offset each and a nowhere at its end.
struct Head {
  std::uint64_t size = sizeof(Head);
  std::uint64_t path = nowhere;
  std::uint64_t working_directory = nowhere;
  std::uint64_t arguments = nowhere;
  std::uint64_t environment = nowhere;
  std::uint64_t oom_score_adj = nowhere;
  std::uint64_t pid_text = nowhere;
  std::uint64_t limits = nowhere;
  std::uint64_t limit_count = 0;
  std::uint64_t groups = nowhere;
  std::uint64_t group_count = 0;
  std::int64_t group = -1;
  std::int64_t user = -1;
  std::int32_t umask = -1;
  std::int32_t nice = 0;
  std::int32_t io_priority = -1;
  std::int32_t ready_number = -1;
  std::uint32_t change_groups = 0;
  std::uint32_t change_nice = 0;
  std::uint32_t no_new_privs = 0;
  std::uint32_t cgroup_needed = 0;
};
static_assert(sizeof(Head) % alignof(RawLimit) == 0);

constexpr std::size_t round_up(std::size_t bytes) {
  return (bytes + sizeof(std::uint64_t) - 1) / sizeof(std::uint64_t) * sizeof(std::uint64_t);
}

std::size_t count_of(char* const* list) {
  std::size_t count = 0;
  while (list[count] != nullptr) ++count;
  return count;
}

std::size_t bytes_of(char* const* list) {
  std::size_t bytes = sizeof(std::uint64_t) * (count_of(list) + 1);
  for (; *list != nullptr; ++list) bytes += std::strlen(*list) + 1;
  return bytes;
}

// Appends to a mapped block that is large enough.
class Writer {
 public:
  Writer(char* memory, std::size_t used) : memory_(memory), used_(used) {}

  std::uint64_t text(const char* text) {
    if (text == nullptr) return nowhere;
    const std::size_t bytes = std::strlen(text) + 1;
    std::memcpy(memory_ + used_, text, bytes);
    used_ += bytes;
    return used_ - bytes;
  }
  // Those with the largest alignment first; texts behind all else.
  template <class T>
  std::uint64_t array(const T* items, std::size_t count) {
    if (count == 0) return nowhere;
    std::memcpy(memory_ + used_, items, count * sizeof(T));
    used_ += round_up(count * sizeof(T));
    return used_ - round_up(count * sizeof(T));
  }
  std::uint64_t room_for(char* const* list) {
    used_ += sizeof(std::uint64_t) * (count_of(list) + 1);
    return used_ - sizeof(std::uint64_t) * (count_of(list) + 1);
  }
  // Behind the text that ends where the child's pid is to be written, there is room for it.
  void fill(std::uint64_t at, char* const* list, const char* pid_text, std::uint64_t& pid_at) {
    for (auto* slot = reinterpret_cast<std::uint64_t*>(memory_ + at); *list != nullptr; ++list) {
      *slot++ = text(*list);
      if (pid_text == nullptr || *list + std::strlen(*list) != pid_text) continue;
      pid_at = used_ - 1;
      used_ += pid_room;
    }
  }

 private:
  char* memory_;
  std::size_t used_;
};

// Every field by its name: a new one does not compile before it travels, too.
void write_into(char* memory, const ChildFrame& frame) {
  const auto& [path, arguments, environment, folder, input, output, error, ready, ready_number,
               cgroup, cgroup_needed, umask, limits, limit_count, change_groups, groups,
               group_count, group, user, change_nice, nice, io_priority, oom_score_adj,
               oom_score_size, no_new_privs, pid_text, shared_up_to, cgroup_joined, stage,
               limit_index, error_number] = frame;
  Head& head = *new (memory) Head;
  Writer writer(memory, sizeof(Head));
  head.limits = writer.array(limits, limit_count);
  head.limit_count = limit_count;
  head.groups = writer.array(groups, group_count);
  head.group_count = group_count;
  head.arguments = writer.room_for(arguments);
  head.environment = writer.room_for(environment);
  writer.fill(head.arguments, arguments, nullptr, head.pid_text);
  writer.fill(head.environment, environment, pid_text, head.pid_text);
  head.working_directory = writer.text(folder);
  head.oom_score_adj = writer.text(oom_score_adj);
  head.path = writer.text(path);
  head.group = group;
  head.user = user;
  head.umask = umask;
  head.nice = nice;
  head.io_priority = io_priority;
  head.ready_number = ready_number;
  head.cgroup_needed = cgroup_needed ? 1 : 0;
  head.change_groups = change_groups ? 1 : 0;
  head.change_nice = change_nice ? 1 : 0;
  head.no_new_privs = no_new_privs ? 1 : 0;
}

std::size_t text_bytes(const char* text) { return text == nullptr ? 0 : std::strlen(text) + 1; }

std::size_t bytes_of(const ChildFrame& frame) {
  return sizeof(Head) + round_up(sizeof(RawLimit) * frame.limit_count) +
         round_up(sizeof(unsigned) * frame.group_count) + bytes_of(frame.arguments) +
         bytes_of(frame.environment) + pid_room + text_bytes(frame.working_directory) +
         text_bytes(frame.oom_score_adj) + text_bytes(frame.path);
}

bool write_whole(int file, const char* bytes, std::size_t size) {
  while (size > 0) {
    const auto part = banyan::io::uninterrupted([&] { return ::write(file, bytes, size); });
    if (part <= 0) return false;
    bytes += part;
    size -= static_cast<std::size_t>(part);
  }
  return true;
}

}  // namespace

char* make_launch_block(const ChildFrame& frame, std::size_t& size) {
  size = bytes_of(frame);
  char* const memory = static_cast<char*>(std::calloc(1, size));
  if (memory != nullptr) write_into(memory, frame);
  return memory;
}

int store_launch_block(const char* block, std::size_t size) {
  const int file = ::memfd_create("banyan-launch", MFD_CLOEXEC);
  if (file < 0) return -1;
  if (write_whole(file, block, size)) return file;
  const int error = errno;
  ::close(file);
  errno = error;
  return -1;
}

LaunchBlock::~LaunchBlock() { std::free(memory_); }

bool LaunchBlock::make_room(std::size_t size) {
  if (size <= sizeof(Head) || size > bytes_max) return false;
  memory_ = std::malloc(size);
  size_ = size;
  return memory_ != nullptr;
}

bool LaunchBlock::copy(const char* block, std::size_t size) {
  if (!make_room(size)) return false;
  std::memcpy(memory_, block, size);
  return read();
}

bool LaunchBlock::open(int file, std::size_t size) {
  if (!make_room(size)) return false;
  const auto got = banyan::io::uninterrupted([&] { return ::pread(file, memory_, size, 0); });
  return got == static_cast<ssize_t>(size) && read();
}

bool LaunchBlock::read_list(std::uint64_t at) {
  char* const base = static_cast<char*>(memory_);
  if (at == nowhere || at % sizeof at != 0) return false;
  for (; at + sizeof at <= size_; at += sizeof at) {
    auto& slot = *reinterpret_cast<std::uint64_t*>(base + at);
    if (slot == nowhere) return true;
    if (slot >= size_) return false;
    slot = reinterpret_cast<std::uintptr_t>(base + slot);
  }
  return false;
}

// The offsets become pointers where they are.
bool LaunchBlock::read() {
  char* const base = static_cast<char*>(memory_);
  if (base[size_ - 1] != '\0') return false;
  const Head head = *reinterpret_cast<const Head*>(base);
  if (head.size != sizeof(Head) || head.path == nowhere) return false;
  if (!read_list(head.arguments) || !read_list(head.environment)) return false;
  frame_.arguments = reinterpret_cast<char* const*>(base + head.arguments);
  frame_.environment = reinterpret_cast<char* const*>(base + head.environment);
  frame_.umask = head.umask;
  frame_.nice = head.nice;
  frame_.io_priority = head.io_priority;
  frame_.ready_number = head.ready_number;
  frame_.group = head.group;
  frame_.user = head.user;
  frame_.cgroup_needed = head.cgroup_needed != 0;
  frame_.change_groups = head.change_groups != 0;
  frame_.change_nice = head.change_nice != 0;
  frame_.no_new_privs = head.no_new_privs != 0;
  const bool whole = read_text(head.path, frame_.path) &&
                     read_text(head.working_directory, frame_.working_directory) &&
                     read_text(head.oom_score_adj, frame_.oom_score_adj) &&
                     read_text(head.pid_text, frame_.pid_text) &&
                     read_array(head.limits, head.limit_count, frame_.limits) &&
                     read_array(head.groups, head.group_count, frame_.groups);
  frame_.limit_count = head.limit_count;
  frame_.group_count = head.group_count;
  if (!whole) return false;
  if (frame_.oom_score_adj != nullptr) frame_.oom_score_size = std::strlen(frame_.oom_score_adj);
  return head.pid_text == nowhere || head.pid_text + pid_room < size_;
}

const char* LaunchBlock::variable(const char* name) const {
  const std::size_t length = std::strlen(name);
  for (char* const* entry = frame_.environment; *entry != nullptr; ++entry) {
    if (std::strncmp(*entry, name, length) == 0 && (*entry)[length] == '=') {
      return *entry + length + 1;
    }
  }
  return nullptr;
}

}  // namespace banyan::leaf
