#include "common/io/connection_table.h"

#include "common/base/check.h"

namespace banyan::io {

void ConnectionTable::accepted(int descriptor) { open_descriptors_.insert(descriptor); }

ChildConnection* ConnectionTable::disconnected(int descriptor) {
  open_descriptors_.erase(descriptor);
  const auto found = by_descriptor_.find(descriptor);
  if (found == by_descriptor_.end()) return nullptr;
  ChildConnection* connection = find(found->second);
  CHECK(connection != nullptr);
  close(*connection);
  return connection;
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
  const auto taken = by_descriptor_.find(descriptor);
  if (taken != by_descriptor_.end()) {
    added.displaced = find(taken->second);
    close(*added.displaced);
  }
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
  by_descriptor_[descriptor] = id;
  return added;
}

ChildConnection* ConnectionTable::find(tree::ConnId id) {
  const auto found = connections_.find(id);
  return found == connections_.end() ? nullptr : &found->second;
}

void ConnectionTable::close(ChildConnection& connection) {
  connection.state = ChildConnection::State::closed;
  if (connection.descriptor < 0) return;
  by_descriptor_.erase(connection.descriptor);
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
