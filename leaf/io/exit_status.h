#pragma once
// How a process ended, asked for by its pidfd. Used by leaf and keeper; libc only.

#include <cstdint>

namespace banyan::leaf {

struct ExitStatus {
  int code = 0;    // when signal == 0
  int signal = 0;  // the signal that ended it
  bool core = false;
  bool known = true;
  // What it used, with the children that it waited for; only its parent is told.
  std::int64_t user_ms = 0;
  std::int64_t system_ms = 0;
  std::int64_t max_rss_bytes = 0;  // of the largest single process
};

enum class ExitAnswer {
  alive,      // no child of ours, or not over yet: ask again later
  over,       // the status is filled in
  no_answer,  // it is over, and nobody can say how
};

// Reaps a dead child. Never waits.
ExitAnswer reap(int pidfd, ExitStatus& status);
// Reaps any dead child: its pid; 0 = none is dead. Never waits.
int reap_any(ExitStatus& status);
// For a process whose parent is somebody else: the kernel tells (6.15 and later) once that parent
// has reaped it. `alive` while it has not.
ExitAnswer ask_kernel(int pidfd, ExitStatus& status);
// Whether this kernel could answer ask_kernel().
bool kernel_tells(int pidfd);

}  // namespace banyan::leaf
