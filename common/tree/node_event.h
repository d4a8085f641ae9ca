#pragma once
// The node contract: what a node of the tree is told, and what it asks for.
//
// Every role (leaf, relay, root) is a pure state machine:
//
//     void handle(const Event& event, Now now, Effects& effects);
//     Time next_deadline() const;      // TimeReached is handed in when it has come
//
// Effects are plain values, performed in order by a driver: the daemon (common/io) or the simulated
// world (tests/sim). Connections are named by the driver for children and by the node for its
// parent; a ConnId is never used twice in the life of a process.

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/base/time.h"

namespace banyan::tree {

using ConnId = std::uint64_t;  // 0 = none

// ---- what comes in from links and the clock
struct TimeReached {};
// Whose key a child's connection was made with, as the list of admitted keys says.
struct KeyHolder {
  std::string fingerprint;
  std::string name;  // the only one that this key may bear
  std::string role;  // "leaf", "relay", or empty: either
};
struct ChildFrame {  // one ZeroMQ frame from a child; the first of a connection introduces it
  ConnId conn = 0;
  std::string bytes;
  std::shared_ptr<const KeyHolder> key = {};  // null: a link without keys
};
struct ChildClosed {  // the connection is gone; nothing of it comes any more
  ConnId conn = 0;
  std::string why;
};
struct ParentFrame {
  ConnId conn = 0;
  std::string bytes;
};
struct ParentClosed {
  ConnId conn = 0;
  std::string why;
  bool refused = false;  // by the keys: soon again would be refused again
};
// What the kernel knows of a child's connection: the answer to ExamineChild.
struct ChildExamined {
  ConnId conn = 0;
  bool known = false;         // false: its descriptor is not known for certain
  std::uint32_t unacked = 0;  // segments that its kernel has not acknowledged
  Duration since_ack{0};      // since its kernel acknowledged anything
};
using LinkEvent =
    std::variant<TimeReached, ChildFrame, ChildClosed, ParentFrame, ParentClosed, ChildExamined>;

// ---- what goes out to links and the log
struct DialParent {  // open a connection named `conn`; any earlier parent connection is closed
                     // first
  ConnId conn = 0;
  std::string host;
  std::uint16_t port = 0;
};
struct HangUpParent {  // close it; frames handed over before are sent for at most 200 ms
  ConnId conn = 0;
};
struct SendParent {
  ConnId conn = 0;
  std::string bytes;
};
struct SendChild {
  ConnId conn = 0;
  std::string bytes;
};
struct ExamineChild {  // answered by ChildExamined
  ConnId conn = 0;
};
enum class LogLevel { debug, info, warning, error };
struct WriteLog {
  LogLevel level = LogLevel::info;
  std::string text;  // "path=dc1/web-1 state=lost was=suspect evidence=..."
};
struct Exit {  // the program ends with this code once all effects before it are performed
  int code = 0;
};
using LinkEffect =
    std::variant<DialParent, HangUpParent, SendParent, SendChild, ExamineChild, WriteLog, Exit>;

struct LinkEffects {
  std::vector<LinkEffect> list;

  template <class T>
  void add(T effect) {
    list.emplace_back(std::in_place_type<T>, std::move(effect));
  }
  void log(LogLevel level, std::string text) { add(WriteLog{level, std::move(text)}); }
};

}  // namespace banyan::tree
