// What a World carries out: frames over links, processes, writes to a disk.

#include "tests/sim/world_parts.h"

namespace banyan::sim {

void World::dial(Node& node, const tree::DialParent& dial) {
  if (node.uplink) hang_up_link(node.uplink);
  auto link = std::make_shared<Link>();
  link->child = node.spec.name;
  link->parent = dial.host;
  link->child_conn = dial.conn;
  link->parent_conn = ++last_conn_;
  link->up_free = link->down_free = now_.time;
  node.uplink = link;
  Node& parent = this->node(dial.host);
  link->parent_life = parent.life;
  if (parent.runs()) return;
  link->open = false;  // connection refused
  push(milliseconds{1}, node.spec.name,
       Item{"", node.life, link, tree::LinkEvent(tree::ParentClosed{dial.conn, "refused"})});
}

void World::carry(Link& link, bool up, std::string bytes) {
  if (!link.open || link.hung_up) return;
  Time& free = up ? link.up_free : link.down_free;
  const Duration delay = delay_.min + random_.upto(delay_.max - delay_.min);
  free = std::max(free, now_.time + delay);
  const std::string& to = up ? link.parent : link.child;
  Item item{to, node(to).life, node(link.child).uplink, tree::LinkEvent{}};
  if (up) {
    item.life = link.parent_life;
    item.event = tree::LinkEvent(tree::ChildFrame{link.parent_conn, std::move(bytes)});
  } else {
    item.event = tree::LinkEvent(tree::ParentFrame{link.child_conn, std::move(bytes)});
  }
  queue_.emplace(free, std::move(item));
}

void World::close(const std::shared_ptr<Link>& link, bool tell_child, bool tell_parent) {
  if (!link->open) return;
  link->open = false;
  if (tell_child) {
    push(random_.upto(milliseconds{5}), link->child,
         Item{"", node(link->child).life, link,
              tree::LinkEvent(tree::ParentClosed{link->child_conn, "reset"})});
  }
  if (tell_parent) {
    push(random_.upto(milliseconds{5}), link->parent,
         Item{"", link->parent_life, link,
              tree::LinkEvent(tree::ChildClosed{link->parent_conn, "reset"})});
  }
}

// Frames sent before still arrive, then the parent is told.
void World::hang_up_link(const std::shared_ptr<Link>& link) {
  if (!link->open || link->hung_up) return;
  link->hung_up = true;
  const Duration drained = std::max(link->up_free - now_.time, Duration{0}) + milliseconds{1};
  push(drained, link->parent,
       Item{"", link->parent_life, link,
            tree::LinkEvent(tree::ChildClosed{link->parent_conn, "closed"})});
}

void World::perform(Node& node, tree::LinkEffects& effects) {
  for (tree::LinkEffect& effect : effects.list) {
    if (const auto* dial_up = std::get_if<tree::DialParent>(&effect)) {
      dial(node, *dial_up);
    } else if (auto* up = std::get_if<tree::SendParent>(&effect)) {
      if (node.uplink && node.uplink->child_conn == up->conn) {
        carry(*node.uplink, true, std::move(up->bytes));
      }
    } else if (auto* down = std::get_if<tree::SendChild>(&effect)) {
      for (auto& [name, child] : nodes_) {
        const auto& link = child->uplink;
        if (link && link->parent == node.spec.name && link->parent_conn == down->conn) {
          carry(*link, false, std::move(down->bytes));
        }
      }
    } else if (const auto* hang_up = std::get_if<tree::HangUpParent>(&effect)) {
      if (node.uplink && node.uplink->child_conn == hang_up->conn) hang_up_link(node.uplink);
    }
  }
}

void World::perform(Node& node, LeafEffects& effects) {
  node.disk.keep(effects.spool);
  for (const leaf::ProcessEffect& effect : effects.processes) node.machine->perform(effect);
  perform(node, effects.links);
}

void World::perform(Node& node, RelayEffects& effects) {
  node.disk.keep(effects.spool);
  perform(node, effects.links);
}

// It is told later that it was committed, or never.
void World::commit(Node& node, view::StoreWrite write) {
  const std::uint64_t ticket = write.ticket;
  node.disk.commit(std::move(write));
  push(random_.upto(milliseconds{20}), node.spec.name,
       Item{"", node.life, nullptr, StoreEvent(StoreDone{ticket})});
}

void World::perform(Node& node, RootEffects& effects) {
  for (view::StoreWrite& write : effects.store) {
    node.disk_free = std::max(node.disk_free, now_.time + random_.upto(milliseconds{150}));
    Item item{node.spec.name, node.life, nullptr, std::move(write)};
    queue_.emplace(node.disk_free, std::move(item));
  }
  for (const view::HistoryAsk& ask : effects.asks) handle(node, StoreEvent(node.disk.read(ask)));
  perform(node, effects.links);
  for (tree::HttpEffect& effect : effects.http) {
    if (auto* answer = std::get_if<tree::HttpRespond>(&effect)) {
      answers_[answer->exchange] = std::move(*answer);
    }
  }
}

}  // namespace banyan::sim
