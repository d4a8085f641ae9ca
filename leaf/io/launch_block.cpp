#include "leaf/io/launch_block.h"

#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <new>

namespace banyan::leaf {
namespace {

constexpr std::uint64_t nowhere = 0;  // the head is there, so no string can be
constexpr std::size_t block_max = 16 << 20;

// Offsets from the block's beginning. A list is one offset per string and a nowhere at its end.
struct Head {
  std::uint64_t size = sizeof(Head);
  std::uint64_t path = nowhere;
  std::uint64_t working_directory = nowhere;
  std::uint64_t arguments = nowhere;
  std::uint64_t environment = nowhere;
  std::int64_t umask = -1;
};

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
  // First all lists, then all texts: so the lists are aligned.
  std::uint64_t room_for(char* const* list) {
    used_ += sizeof(std::uint64_t) * (count_of(list) + 1);
    return used_ - sizeof(std::uint64_t) * (count_of(list) + 1);
  }
  void fill(std::uint64_t at, char* const* list) {
    for (auto* slot = reinterpret_cast<std::uint64_t*>(memory_ + at); *list != nullptr; ++list) {
      *slot++ = text(*list);
    }
  }

 private:
  char* memory_;
  std::size_t used_;
};

void write_into(char* memory, const ChildFrame& frame) {
  Head& head = *new (memory) Head;
  Writer writer(memory, sizeof(Head));
  head.arguments = writer.room_for(frame.arguments);
  head.environment = writer.room_for(frame.environment);
  writer.fill(head.arguments, frame.arguments);
  writer.fill(head.environment, frame.environment);
  head.path = writer.text(frame.path);
  head.working_directory = writer.text(frame.working_directory);
  head.umask = frame.umask;
}

}  // namespace

int write_launch_block(const ChildFrame& frame, std::size_t& size) {
  const char* folder = frame.working_directory == nullptr ? "" : frame.working_directory;
  size = sizeof(Head) + bytes_of(frame.arguments) + bytes_of(frame.environment) +
         std::strlen(frame.path) + 1 + std::strlen(folder) + 1;
  const int file = ::memfd_create("banyan-launch", MFD_CLOEXEC);
  if (file < 0) return -1;
  void* memory = MAP_FAILED;
  if (::ftruncate(file, static_cast<off_t>(size)) == 0) {
    memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  }
  if (memory == MAP_FAILED) {
    const int error = errno;
    ::close(file);
    errno = error;
    return -1;
  }
  write_into(static_cast<char*>(memory), frame);
  ::munmap(memory, size);
  return file;
}

LaunchBlock::~LaunchBlock() {
  if (memory_ != nullptr) ::munmap(memory_, size_);
}

bool LaunchBlock::open(int file, std::size_t size) {
  if (size <= sizeof(Head) || size > block_max) return false;
  void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE, file, 0);
  if (memory == MAP_FAILED) return false;
  memory_ = memory;
  size_ = size;
  return read();
}

// The offsets become pointers where they are.
bool LaunchBlock::read() {
  char* const base = static_cast<char*>(memory_);
  if (base[size_ - 1] != '\0') return false;
  const Head head = *reinterpret_cast<const Head*>(base);
  if (head.size < sizeof(Head) || head.path == nowhere || head.path >= size_) return false;
  for (const std::uint64_t list : {head.arguments, head.environment}) {
    std::uint64_t at = list;
    if (at == nowhere || at % sizeof at != 0) return false;
    for (;; at += sizeof at) {
      if (at + sizeof at > size_) return false;
      auto& slot = *reinterpret_cast<std::uint64_t*>(base + at);
      if (slot == nowhere) break;
      if (slot >= size_) return false;
      slot = reinterpret_cast<std::uintptr_t>(base + slot);
    }
  }
  frame_.path = base + head.path;
  frame_.arguments = reinterpret_cast<char* const*>(base + head.arguments);
  frame_.environment = reinterpret_cast<char* const*>(base + head.environment);
  if (head.working_directory >= size_) return false;
  if (head.working_directory != nowhere) frame_.working_directory = base + head.working_directory;
  frame_.umask = static_cast<int>(head.umask);
  return true;
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
