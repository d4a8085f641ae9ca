#pragma once
// The keeper of one leaf: parent and subreaper of its targets, second holder of their pipes, memory
// of how they ended. It outlives the leaf, so that the next one finds everything as it was.
//
//              accept: candidate   hello                      socket closed
//   away       waits for hello     present, hands all over    .
//   present    busy, closed        .                          away
//
//   away      pipes are spilled; 2 s after a leaf went without a goodbye, targets with
//             on_agent_death = "kill" are ended
//   present   pipes are left alone; launches, tells exits
//
// It ends when told to, or when nothing runs and its socket is gone, so that no leaf can return.
// No policy, no configuration, no threads; waits in poll() and nowhere else.

#include <poll.h>
#include <sys/types.h>

#include "leaf/keeper/ender.h"
#include "leaf/keeper/run.h"
#include "leaf/keeper/spill.h"

namespace banyan::leaf::keeper {

class Keeper {
 public:
  // Borrows the descriptors: a listening SEQPACKET socket, the state directory, a signalfd of CHLD.
  Keeper(int listener, int state, int signals);

  // Until the end; the exit code.
  int run();

 private:
  enum class Watch { pipe, pidfd };
  struct Watched {
    Run* run;
    int stream;
    Watch what;
  };

  // keeper.cpp: what happens without a word
  void wait();
  void watch_runs();
  void watch(int descriptor, short events, Watched watched);
  int timeout() const;
  void look(const Watched& watched, short events);
  void linger();
  void reap_children();
  void ask_foreign(Run& run);
  void set_over(Run& run, const ExitStatus& status);
  void end_abandoned();
  bool reachable() const;

  // keeper_talk.cpp: what is said
  void accept_one();
  void listen_to_candidate();
  void listen_to_leaf();
  void greet(const Message& hello);
  void handle(Packet& packet);
  void launch(Packet& packet);
  void take_over(Packet& packet);
  void acknowledge(const Message& message);
  void leave();
  // Says all that is due; the rest when there is room again.
  void tell();
  bool say(const Packet& packet);
  bool say_runs();
  bool say_news();
  Message message_of(const Run& run, Kind kind) const;

  int listener_;
  int state_;
  int signals_;
  dev_t socket_device_ = 0;
  ino_t socket_inode_ = 0;
  Runs runs_;
  Spiller spiller_;
  Ender ender_;

  int leaf_ = -1;
  int leaf_pid_ = 0;
  int candidate_ = -1;
  bool present_ = false;
  bool goodbye_ = false;
  bool finished_ = false;
  bool welcome_due_ = false;
  bool complete_due_ = false;
  // Whether a look at all runs is worth while: with many of them it is most of the work.
  bool runs_due_ = false;        // some have not been handed over
  bool news_due_ = false;        // some have an answer or an exit to tell
  bool sweep_due_ = false;       // some may be done with
  bool finished_left_ = false;   // finished ones whose pipes are open
  bool blocked_ = false;         // what is due waits for room in the socket
  bool crowded_ = false;         // ... for the leaf to take the descriptors that are on their way
  std::int64_t kill_at_ns_ = 0;  // 0 = never
  unsigned lingering_ = 0;       // rounds of looking after pipes that the leaf still empties
  std::uint64_t orphans_ = 0;

  pollfd* polled_ = nullptr;
  Watched* watched_ = nullptr;
  nfds_t polled_count_ = 0;
  nfds_t polled_room_ = 0;
};

}  // namespace banyan::leaf::keeper
