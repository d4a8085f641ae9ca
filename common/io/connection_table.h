#pragma once
// Which connection of a ROUTER is whose, and which one died: bookkeeping only, no sockets.
//
// Two sources that know different names of a connection are joined here: messages carry a routing
// id and a descriptor, the socket monitor only the descriptor, and descriptors are reused at once.
//   1. A connection is its routing id (random, one per connection); its ConnId is given at its
//      first message.
//   2. Its descriptor is bound only at that message, after the monitor was read to its end.
//   3. If the monitor then says that this descriptor is closed, the connection was born dead.
//   4. A bind that finds the descriptor bound blames nobody: first frames are not read in the order
//      in which connections were made, so either of the two may be the dead one. They share the
//      descriptor from then on. Whoever is answered and turns out to be unreachable is the dead one
//      (the socket knows, close()); until then silence is the only evidence.
//   5. A disconnect ends all connections bound to the descriptor: of several, one has just ended
//      and the others had before. An unbound descriptor belongs to a peer that never spoke.
// It holds because libzmq tells of a disconnect before it closes the descriptor, hence before
// anyone can own the number next; and of an accept before anything comes by it, which is so only
// while listener and connections share one I/O thread.
//
// Closed connections are remembered, the last `max_closed` of them, so that none comes to life
// again. One thread; called by ChildLink.

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "common/io/send_queue.h"
#include "common/tree/node_event.h"

namespace banyan::io {

struct ChildConnection {
  enum class State {
    open,    // frames go both ways
    closed,  // gone; what it sent before may still be read until it is forgotten
  };
  tree::ConnId id = 0;
  std::string routing_id;
  int descriptor = -1;  // -1: unknown or unbound
  State state = State::open;
  bool told = false;  // its end was reported, and nothing has come from it since
  std::string key;    // by which it came; empty: a link without keys
  std::shared_ptr<const tree::KeyHolder> holder;  // whose key that is
  bool barred = false;  // the key is not admitted (any more): nothing of it is passed on
  SendQueue queue;
};

class ConnectionTable {
 public:
  static constexpr std::size_t max_closed = 4096;

  // ---- from the monitor
  void accepted(int descriptor);
  // The connections that this ends, now closed; empty when nobody had spoken by it.
  std::vector<ChildConnection*> disconnected(int descriptor);

  // ---- from messages
  // Null: never heard of. A forgotten one is found by was_forgotten().
  ChildConnection* find(const std::string& routing_id);
  bool was_forgotten(const std::string& routing_id) const;
  struct Added {
    ChildConnection* connection = nullptr;
    bool shared = false;     // rule 4: another one is bound to the same descriptor
    bool born_dead = false;  // rule 3: `connection` is closed already
  };
  // The monitor must have been read to its end since the message was received.
  Added add(const std::string& routing_id, int descriptor);

  // ---- by number
  ChildConnection* find(tree::ConnId id);
  // True when no other connection is bound to its descriptor, and that is open.
  bool owns_descriptor(const ChildConnection& connection) const;
  // Closes without the monitor (the socket says that the peer is unknown).
  void close(ChildConnection& connection);
  // The last word about a closed connection was said.
  void forget(tree::ConnId id);

  void for_each(const std::function<void(ChildConnection&)>& visit) {
    for (auto& [id, connection] : connections_) visit(connection);
  }
  std::size_t size() const { return connections_.size(); }

 private:
  std::unordered_map<tree::ConnId, ChildConnection> connections_;
  std::unordered_map<std::string, tree::ConnId> by_routing_id_;
  std::unordered_map<int, std::vector<tree::ConnId>> by_descriptor_;  // none is empty
  std::unordered_set<int> open_descriptors_;
  std::deque<std::string> forgotten_;  // oldest first
  std::unordered_set<std::string> forgotten_set_;
  tree::ConnId last_id_ = 0;
};

}  // namespace banyan::io
