// banyan-keeper: started by banyan-leaf (leaf/io/keeper_start), never by people.
// Descriptor 0 is its bound socket, 1 the state directory.

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "leaf/io/launch_child.h"
#include "leaf/keeper/keeper.h"

namespace {

constexpr int backlog = 8;
constexpr int exit_usage = 2;

int moved_up(int descriptor) { return ::fcntl(descriptor, F_DUPFD_CLOEXEC, 3); }

// Nothing but KILL ends it: who ends a leaf's whole group wants the leaf to stop its targets.
int block_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::sigprocmask(SIG_SETMASK, &all, nullptr);
  sigset_t child;
  ::sigemptyset(&child);
  ::sigaddset(&child, SIGCHLD);
  return ::signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
}

}  // namespace

int main() {
  const int listener = moved_up(0);
  const int state = moved_up(1);
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  // Makes this process, not the leaf, the socket's peer; and is refused for what is no socket.
  const bool usable = listener >= 0 && state >= 0 && null >= 0 && ::listen(listener, backlog) == 0;
  if (!usable) {
    std::fprintf(stderr, "banyan-keeper: it is started by banyan-leaf, never by people\n");
    return exit_usage;
  }
  for (int standard = 0; standard < 3; ++standard) ::dup2(null, standard);
  const int signals = block_signals();
  if (signals < 0 || ::prctl(PR_SET_CHILD_SUBREAPER, 1) < 0) return 1;
  banyan::leaf::note_dispositions();
  return banyan::leaf::keeper::Keeper(listener, state, signals).run();
}
