// Preloaded into a daemon by a test: a system that is allowed to do what it does, and seldom does.
//
//   UNRULY_CLOCK=FILE    the wall clock is wrong by as many seconds as the 8 bytes of FILE say
//   (they
//                        may change at any time); the monotonic clocks are left alone
//   UNRULY_CALLS=N       of the calls that the program itself makes (not its libraries) one in N is
//                        interrupted if it may wait, one in N moves half of what it could, and one
//                        in N finds nothing yet if it does not wait
//
// What the daemon starts does not inherit it.

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <ctime>

namespace {

const std::int64_t* wrong_by = nullptr;
unsigned one_in = 0;
std::uintptr_t program_begin = 0;
std::uintptr_t program_end = 0;
std::atomic<std::uint64_t> calls{88172645463325252ULL};

int remember_program(dl_phdr_info* info, std::size_t, void*) {
  program_begin = info->dlpi_addr;
  for (int i = 0; i < info->dlpi_phnum; ++i) {
    const auto& part = info->dlpi_phdr[i];
    if (part.p_type == PT_LOAD) program_end = info->dlpi_addr + part.p_vaddr + part.p_memsz;
  }
  return 1;  // the first one is the program
}

const void* map_file(const char* path) {
  const int file = ::open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return nullptr;
  const void* bytes = ::mmap(nullptr, sizeof *wrong_by, PROT_READ, MAP_SHARED, file, 0);
  ::close(file);
  return bytes == MAP_FAILED ? nullptr : bytes;
}

__attribute__((constructor)) void begin() {
  ::dl_iterate_phdr(remember_program, nullptr);
  if (const char* path = std::getenv("UNRULY_CLOCK")) {
    wrong_by = static_cast<const std::int64_t*>(map_file(path));
  }
  if (const char* number = std::getenv("UNRULY_CALLS")) {
    one_in = static_cast<unsigned>(std::strtoul(number, nullptr, 10));
  }
  for (const char* name : {"LD_PRELOAD", "UNRULY_CLOCK", "UNRULY_CALLS"}) ::unsetenv(name);
}

template <class Function>
Function next(const char* name, Function) {
  return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}
#define NEXT(function) next(#function, static_cast<decltype(&::function)>(nullptr))

enum class Whim { none, interrupt, half, nothing_yet };

Whim whim_for(const void* caller) {
  const auto from = reinterpret_cast<std::uintptr_t>(caller);
  if (one_in == 0 || from < program_begin || from >= program_end) return Whim::none;
  std::uint64_t dice = calls.fetch_add(0x9E3779B97F4A7C15ULL);  // splitmix64
  dice = (dice ^ (dice >> 30U)) * 0xBF58476D1CE4E5B9ULL;
  dice = (dice ^ (dice >> 27U)) * 0x94D049BB133111EBULL;
  switch ((dice ^ (dice >> 31U)) % one_in) {
    case 0:
      return Whim::interrupt;
    case 1:
      return Whim::half;
    case 2:
      return Whim::nothing_yet;
    default:
      return Whim::none;
  }
}
#define WHIM() whim_for(__builtin_return_address(0))

bool moves_in_pieces(int fd) {
  struct stat info = {};
  return ::fstat(fd, &info) == 0 && (S_ISFIFO(info.st_mode) || S_ISSOCK(info.st_mode));
}

bool never_waits(int fd) { return (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0 && moves_in_pieces(fd); }

constexpr std::size_t small = 16;  // bytes that a pipe or a counter gives at once or not at all

enum class Waits { maybe, never, never_but_may_be_empty };

// Only what may have to wait can be interrupted.
bool fails(Whim whim, Waits waits) {
  const bool interrupted = whim == Whim::interrupt && waits == Waits::maybe;
  const bool empty = whim == Whim::nothing_yet && waits == Waits::never_but_may_be_empty;
  if (interrupted) errno = EINTR;
  if (empty) errno = EAGAIN;
  return interrupted || empty;
}

Waits taking(int fd) { return never_waits(fd) ? Waits::never_but_may_be_empty : Waits::maybe; }

std::size_t part_of(std::size_t size, Whim whim) {
  return whim == Whim::half && size > small ? size / 2 : size;
}

}  // namespace

// As the system has it.
#define SPLICE_PARAMETERS \
  int from, off64_t *from_at, int to, off64_t *to_at, std::size_t size, unsigned flags

extern "C" {

int clock_gettime(clockid_t clock, timespec* time) noexcept {
  static const auto real = NEXT(clock_gettime);
  const int result = real(clock, time);
  if (clock == CLOCK_REALTIME && wrong_by != nullptr) time->tv_sec += *wrong_by;
  return result;
}

int gettimeofday(timeval* time, void*) noexcept {
  timespec now = {};
  const int result = clock_gettime(CLOCK_REALTIME, &now);
  *time = {now.tv_sec, now.tv_nsec / 1000};
  return result;
}

std::time_t time(std::time_t* where) noexcept {
  timespec now = {};
  clock_gettime(CLOCK_REALTIME, &now);
  if (where != nullptr) *where = now.tv_sec;
  return now.tv_sec;
}

ssize_t read(int fd, void* bytes, std::size_t size) {
  static const auto real = NEXT(read);
  const Whim whim = WHIM();
  if (whim != Whim::none && size > small && fails(whim, taking(fd))) return -1;
  return real(fd, bytes, moves_in_pieces(fd) ? part_of(size, whim) : size);
}

ssize_t write(int fd, const void* bytes, std::size_t size) {
  static const auto real = NEXT(write);
  const Whim whim = WHIM();
  const Waits waits = whim != Whim::none && never_waits(fd) ? Waits::never : Waits::maybe;
  if (fails(whim, waits)) return -1;
  return real(fd, bytes, part_of(size, whim));
}

ssize_t pwrite(int fd, const void* bytes, std::size_t size, off_t at) {
  static const auto real = NEXT(pwrite);
  const Whim whim = WHIM();
  if (fails(whim, Waits::maybe)) return -1;
  return real(fd, bytes, part_of(size, whim), at);
}

ssize_t pread(int fd, void* bytes, std::size_t size, off_t at) {
  static const auto real = NEXT(pread);
  const Whim whim = WHIM();
  if (fails(whim, Waits::maybe)) return -1;
  return real(fd, bytes, part_of(size, whim), at);
}

ssize_t splice(SPLICE_PARAMETERS) {
  static const auto real = NEXT(splice);
  const Whim whim = WHIM();
  const bool waits = (flags & SPLICE_F_NONBLOCK) == 0;
  if (fails(whim, waits ? Waits::maybe : Waits::never_but_may_be_empty)) return -1;
  return real(from, from_at, to, to_at, part_of(size, whim), flags);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
  static const auto real = NEXT(sendmsg);
  const Whim whim = WHIM();
  if (whim != Whim::none && fails(whim, taking(fd))) return -1;
  return real(fd, message, flags);
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
  static const auto real = NEXT(recvmsg);
  const Whim whim = WHIM();
  if (whim != Whim::none && fails(whim, taking(fd))) return -1;
  return real(fd, message, flags);
}

int epoll_wait(int epoll, epoll_event* events, int count, int timeout) {
  static const auto real = NEXT(epoll_wait);
  const Whim whim = WHIM();
  if (fails(whim, Waits::maybe)) return -1;
  return real(epoll, events, count, timeout);
}

int waitid(idtype_t type, id_t id, siginfo_t* info, int options) {
  static const auto real = NEXT(waitid);
  const Whim whim = WHIM();
  if (fails(whim, Waits::maybe)) return -1;
  return real(type, id, info, options);
}
}
