#pragma once
// One turn of a node: the time, and everywhere its parts put what they decide.

#include <string>
#include <variant>
#include <vector>

#include "common/tree/event_flow.h"
#include "common/tree/mirror.h"
#include "common/tree/node_event.h"

namespace banyan::tree {

// ---- what an Uplink hands to its role
struct SessionOpened {
  std::string parent_path;
};
struct SessionClosed {
  std::string why;
};
using UplinkNotice =
    std::variant<SessionOpened, SessionClosed, v1::Request, v1::StreamOpen, v1::StreamCredit,
                 v1::StreamClose, v1::EventAck, v1::Rewind, v1::GaugeAsk, v1::Contest, v1::Ping,
                 v1::OutcomeAsk, v1::Inventory>;

// ---- what a Downlink hands to its role; paths are already from the parent's point of view
struct ChildJoined {
  std::string child;
};
struct ChildGone {  // its session ended
  std::string child;
  std::string why;
};
struct FromChild {
  std::string child;
  std::variant<RisingEvents, v1::Outcomes, v1::StreamData, v1::StreamClose, v1::GaugeAnswer,
               v1::Pong>
      message;
};
struct OwnEvent {  // something happened at this very node; its role numbers it
  std::string kind;
  std::string subject;
  std::string text;
  std::string data;  // a JSON object
};
using DownlinkNotice = std::variant<ChildJoined, ChildGone, FromChild, OwnEvent>;

struct Turn {
  Now now;
  LinkEffects& effects;
  Changes changes;  // of the mirror, in this turn; an Uplink moves them to `noted`
  Changes noted;    // what was noted to be told, for whoever else wants to see it
  std::vector<UplinkNotice> from_parent;
  std::vector<DownlinkNotice> from_children;

  Turn(Now at, LinkEffects& out) : now(at), effects(out) {}
};

// Who this node is, for Hello and Welcome.
struct Identity {
  std::string role;  // "leaf" "relay" "root"
  std::string name;
  std::string instance;  // 32 hex digits
  std::string version;
  std::string host;
  v1::Boot boot;
  std::uint64_t attach_base = 0;  // the first Hello's number is at least one more
};

v1::NodeFact node_fact(const Identity& identity, const std::map<std::string, std::string>& labels);

}  // namespace banyan::tree
