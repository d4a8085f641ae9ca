#pragma once
// What the keeper holds: the processes (runs) and a note per target. Plain memory, one thread.
//
// A run stays until its exit is acknowledged and both pipes are at their end. Bounds: the leaf's
// targets; a target has one living run, and older ones only while somebody holds their pipes.

#include <cstdint>

#include "leaf/io/exit_status.h"
#include "leaf/io/keeper_wire.h"

namespace banyan::leaf::keeper {

struct Spill {              // of one pipe, during one absence of the leaf
  std::uint64_t epoch = 0;  // wall time in ns at its first byte; 0 = nothing yet
  std::uint64_t size = 0;
  std::uint64_t dropped = 0;  // all that came after the file; > 0: no more is stored
  std::uint64_t stamps = 0;
  std::int64_t stamped_ns = 0;
};

struct Pipe {
  int fd = -1;  // -1 = at its end
  Spill spill;
};

struct Run {
  Message told;          // target, generation, hash, started_ns, flags: as the leaf gave them
  char* mark = nullptr;  // its BANYAN_TARGET
  int pid = 0;           // 0 = the launch was refused: only the answer is still due
  int pidfd = -1;
  Pipe pipes[2];          // stdout, stderr
  bool foreign = false;   // somebody else's child
  bool grouped = false;   // it began in its control group
  bool hangs_on = false;  // foreign: dead, its parent has not reaped it yet
  bool over = false;
  bool acknowledged = false;
  ExitStatus status;
  std::int64_t ended_ms = 0;
  bool handed = false;      // the present leaf knows of it
  bool answer_due = false;  // its launch is to be answered
  bool exit_due = false;
  bool ending = false;  // being killed: on_agent_death
  Run* next = nullptr;

  bool alive() const { return pid != 0 && !over; }
  bool of(const Message& message) const;
};

struct Note {
  Message told;
  bool handed = false;
  Note* next = nullptr;
};

class Runs {
 public:
  Run* first() { return first_; }
  Run& add(const Message& message);
  Run* find(const Message& message);
  Run* find(int pid);
  bool any_alive() const;
  // Drops what is done with; whether finished ones remain, for their pipes are open.
  bool sweep();

  Note* first_note() { return notes_; }
  void keep(const Message& message);

 private:
  Run* first_ = nullptr;
  Note* notes_ = nullptr;
};

void close_pipe(Pipe& pipe);
std::int64_t boot_ns();
std::int64_t wall_ns();

}  // namespace banyan::leaf::keeper
