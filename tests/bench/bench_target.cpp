// What the benchmarks supervise: says "PID NANOSECONDS" (CLOCK_MONOTONIC) in one datagram to the
// socket named by BENCH_SOCKET as soon as it runs, then waits for its end. Ends on TERM, hears
// USR1.

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>

int main() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  const char* path = std::getenv("BENCH_SOCKET");
  sockaddr_un address{};
  if (path == nullptr) path = "";
  if (std::strlen(path) >= sizeof address.sun_path) return 2;
  address.sun_family = AF_UNIX;
  std::strcpy(address.sun_path, path);
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  char text[64];
  const int size = std::snprintf(text, sizeof text, "%d %lld", static_cast<int>(getpid()),
                                 now.tv_sec * 1'000'000'000LL + now.tv_nsec);
  sendto(fd, text, static_cast<std::size_t>(size), 0, reinterpret_cast<sockaddr*>(&address),
         sizeof address);
  close(fd);
  std::signal(SIGUSR1, [](int) {});
  for (;;) pause();
}
