#pragma once
// The program of this process, and its replacement by what stands at the same place on the disk
// now: same pid, same arguments, same environment (execve).
//
// What the old program knows goes to the new one as text in a memory file, whose descriptor is
// named by the environment variable _BANYAN_HANDOVER=<descriptor>:<pid> until take_handover() has
// removed it. No other descriptor stays open but those that are named. Signals are blocked until
// the new program has handlers for them: those that come meanwhile wait.
// Main thread; all other threads end with the old program.

#include <optional>
#include <string>
#include <vector>

#include "common/base/result.h"

namespace banyan::io {

struct Invocation {
  std::string program;                 // absolute; symbolic links are followed when it is run
  std::vector<std::string> arguments;  // the first one is its name
};

// At start only: a program that is replaced on the disk no longer knows where it was.
Invocation invocation_of(int argc, char** argv);

// Returns only when it failed; then everything is as before.
Error replace_program(const Invocation& invocation, const std::string& handover,
                      const std::vector<int>& descriptors);

// What the program before this one in the same process left; once, at start. From then on nothing
// but its reader knows of the descriptors it names: they are closed on execve.
std::optional<std::string> take_handover();

// At start, when all handlers of signals are there.
void accept_signals();

}  // namespace banyan::io
