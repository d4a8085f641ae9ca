#pragma once
// While it lives, signals wait at the kernel: none is taken by this thread, none is lost. Threads
// that are begun meanwhile take none ever. Not copied, not moved.

#include <csignal>

namespace banyan::io {

class SignalsHeld {
 public:
  SignalsHeld() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalsHeld() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsHeld(const SignalsHeld&) = delete;
  SignalsHeld& operator=(const SignalsHeld&) = delete;

 private:
  sigset_t before_ = {};
};

}  // namespace banyan::io
