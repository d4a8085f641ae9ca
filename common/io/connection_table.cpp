#include "common/io/connection_table.h"

#include <algorithm>

#include "common/base/check.h"

namespace banyan::io {

void ConnectionTable::accepted(int descriptor) { open_descriptors_.insert(descriptor); }

std::vector<ChildConnection*> ConnectionTable::disconnected(int descriptor) {
  open_descriptors_.erase(descriptor);
  std::vector<ChildConnection*> ended;
  const auto bound = by_descriptor_.find(descriptor);
  if (bound == by_descriptor_.end()) return ended;
  const std::vector<tree::ConnId> ids = bound->second;
  for (const tree::ConnId id : ids) {
    ended.push_back(find(id));
    CHECK(ended.back() != nullptr);
    close(*ended.back());
  }
  return ended;
}

ChildConnection* ConnectionTable::find(const std::string& routing_id) {
  const auto found = by_routing_id_.find(routing_id);
  return found == by_routing_id_.end() ? nullptr : find(found->second);
}

bool ConnectionTable::was_forgotten(const std::string& routing_id) const {
  return forgotten_set_.count(routing_id) != 0;
}

ConnectionTable::Added ConnectionTable::add(const std::string& routing_id, int descriptor) {
  CHECK(by_routing_id_.count(routing_id) == 0);
  Added added;
  const tree::ConnId id = ++last_id_;
  ChildConnection& connection = connections_[id];
  connection.id = id;
  connection.routing_id = routing_id;
  by_routing_id_[routing_id] = id;
  added.connection = &connection;
  if (descriptor < 0) return added;  // only silence can tell of its end
  if (open_descriptors_.count(descriptor) == 0) {
    connection.state = ChildConnection::State::closed;
    added.born_dead = true;
    return added;
  }
  connection.descriptor = descriptor;
  auto& bound = by_descriptor_[descriptor];
  added.shared = !bound.empty();
  bound.push_back(id);
  return added;
}

ChildConnection* ConnectionTable::find(tree::ConnId id) {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : &found->second;
}

bool ConnectionTable::owns_descriptor(const ChildConnection& connection) const {
  if (connection.state != ChildConnection::State::open || connection.descriptor < 0) return false;
  const auto it = by_descriptor_.find(connection.descriptor);
  return it != by_descriptor_.end() && it->second.size() == 1 &&
         it->second.front() == connection.id && open_descriptors_.contains(connection.descriptor);
}

void ConnectionTable::close(ChildConnection& connection) {
  connection.state = ChildConnection::State::closed;
  if (connection.descriptor < 0) return;
  const auto bound = by_descriptor_.find(connection.descriptor);
  CHECK(bound != by_descriptor_.end());
  auto& ids = bound->second;
  ids.erase(std::remove(ids.begin(), ids.end(), connection.id), ids.end());
  if (ids.empty()) by_descriptor_.erase(bound);
  connection.descriptor = -1;
}

void ConnectionTable::forget(tree::ConnId id) {
  const auto found = connections_.find(id);
  if (found == connections_.end()) return;
  close(found->second);
  by_routing_id_.erase(found->second.routing_id);
  forgotten_set_.insert(found->second.routing_id);
  forgotten_.push_back(std::move(found->second.routing_id));
  connections_.erase(found);
  if (forgotten_.size() <= max_closed) return;
  forgotten_set_.erase(forgotten_.front());
  forgotten_.pop_front();
}

}  // namespace banyan::io
