// Writes numbered 100-byte lines to stdout as fast as they are taken, then waits for its end.
//
//     bench_lines COUNT [WAIT]
//
// WAIT is a file: nothing is written before it exists.

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

constexpr std::size_t line_bytes = 100;
constexpr std::size_t lines_at_once = 400;

bool write_all(const char* bytes, std::size_t size) {
  while (size > 0) {
    const auto written = write(STDOUT_FILENO, bytes, size);
    if (written <= 0) return false;
    bytes += written;
    size -= static_cast<std::size_t>(written);
  }
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const unsigned long count = std::strtoul(argv[1], nullptr, 10);
  if (argc > 2) {
    while (access(argv[2], F_OK) != 0) usleep(10'000);
  }
  static char block[lines_at_once * line_bytes + 1];
  for (unsigned long next = 0; next < count;) {
    std::size_t lines = 0;
    for (; lines < lines_at_once && next < count; ++lines, ++next) {
      char* line = block + lines * line_bytes;
      std::memset(line, 'x', line_bytes - 1);
      line[std::snprintf(line, line_bytes, "%012lu ", next)] = 'x';
      line[line_bytes - 1] = '\n';
    }
    if (!write_all(block, lines * line_bytes)) return 1;
  }
  if (argc > 2) {
    close(STDOUT_FILENO);
    for (;;) pause();
  }
}
