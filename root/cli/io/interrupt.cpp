#include "root/cli/io/interrupt.h"

#include <csignal>
#include <initializer_list>

namespace banyan::cli {

namespace {

volatile std::sig_atomic_t signalled = 0;

void on_signal(int) { signalled = 1; }

void set(int signal, void (*handler)(int)) {
  struct sigaction action {};
  action.sa_handler = handler;
  sigemptyset(&action.sa_mask);
  sigaction(signal, &action, nullptr);
}

}  // namespace

void catch_signals() {
  set(SIGINT, on_signal);
  set(SIGTERM, on_signal);
  set(SIGPIPE, SIG_IGN);
}

void restore_signals() {
  for (const int signal : {SIGINT, SIGTERM, SIGPIPE}) set(signal, SIG_DFL);
}

bool interrupted() { return signalled != 0; }

}  // namespace banyan::cli
