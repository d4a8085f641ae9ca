// The part of World that carries frames and connections between hosts, and answers from the root.

#include <algorithm>

#include "tests/sim/world.h"

namespace banyan::sim {
namespace {

constexpr Duration told_within = milliseconds{5};
constexpr double crash_is_told = 0.8;  // the kernel of the dead host may be dead as well
constexpr std::size_t max_log = 1'000;

bool tells_child(Told told) { return told == Told::child || told == Told::both; }
bool tells_parent(Told told) { return told == Told::parent || told == Told::both; }

}  // namespace

std::shared_ptr<Link> World::uplink(const std::string& host, tree::ConnId conn) const {
  const auto it = uplinks_.find(host);
  const bool found = it != uplinks_.end() && it->second->child_conn == conn;
  return found ? it->second : nullptr;
}

void World::dial(NodeHost& host, const tree::DialParent& dial) {
  const auto old = uplinks_.find(host.name());
  if (old != uplinks_.end()) hang_up_link(old->second);
  const auto link = network_.connect(host.name(), dial.host);
  const NodeHost& parent = this->host(dial.host);
  link->child_life = host.life();
  link->parent_life = parent.life();
  link->child_conn = dial.conn;
  link->free_up = link->free_down = now_;
  link->tampered.child = host.name();
  uplinks_[host.name()] = link;
  downlinks_[link->parent_conn] = link;
  if (network_.is_blocked(host.name(), dial.host, now_)) {
    link->open = false;  // it hears nothing
  } else if (!parent.runs()) {
    link->open = false;  // connection refused
    push_closing(link, true, milliseconds{1});
  }
}

void World::send(const std::shared_ptr<Link>& link, Direction direction, std::string bytes) {
  const auto arrives = network_.carry(*link, direction, bytes, now_);
  if (!arrives) return;
  Item item;
  item.link = link;
  if (direction == Direction::up) {
    item.host = link->parent;
    item.life = link->parent_life;
    item.event = tree::LinkEvent(tree::ChildFrame{link->parent_conn, std::move(bytes)});
  } else {
    item.host = link->child;
    item.life = link->child_life;
    item.event = tree::LinkEvent(tree::ParentFrame{link->child_conn, std::move(bytes)});
  }
  queue_.emplace(*arrives, std::move(item));
}

void World::push_closing(const std::shared_ptr<Link>& link, bool to_child, Duration delay) {
  Item item;
  item.link = link;
  item.host = to_child ? link->child : link->parent;
  item.life = to_child ? link->child_life : link->parent_life;
  if (to_child) {
    item.event = tree::LinkEvent(tree::ParentClosed{link->child_conn, "reset"});
  } else {
    item.event = tree::LinkEvent(tree::ChildClosed{link->parent_conn, "reset"});
  }
  queue_.emplace(now_ + delay, std::move(item));
}

void World::close(const std::shared_ptr<Link>& link, Told told) {
  if (!link->open) return;
  link->open = false;
  if (tells_child(told)) push_closing(link, true, random_.upto(told_within));
  if (tells_parent(told)) push_closing(link, false, random_.upto(told_within));
}

// Frames sent before still arrive, then the parent is told.
void World::hang_up_link(const std::shared_ptr<Link>& link) {
  if (!link->open || link->hung_up) return;
  link->hung_up = true;
  push_closing(link, false, std::max(link->free_up - now_, Duration{0}) + milliseconds{1});
}

void World::drop_links(const std::string& host) {
  std::erase_if(downlinks_, [](const auto& each) { return !each.second->open; });
  for (const auto& [conn, link] : downlinks_) {
    const Told other = link->child == host ? Told::parent : Told::child;
    const bool concerned = link->child == host || link->parent == host;
    if (concerned) close(link, random_.chance(crash_is_told) ? other : Told::none);
  }
}

void World::sever(const std::string& host, Told told) {
  const auto it = uplinks_.find(host);
  if (it != uplinks_.end()) close(it->second, told);
}

void World::perform(NodeHost& host, HostEffects& effects) {
  for (tree::LinkEffect& effect : effects.links.list) {
    if (const auto* dial_up = std::get_if<tree::DialParent>(&effect)) {
      dial(host, *dial_up);
    } else if (auto* up = std::get_if<tree::SendParent>(&effect)) {
      const auto link = uplink(host.name(), up->conn);
      if (link) send(link, Direction::up, std::move(up->bytes));
    } else if (auto* down = std::get_if<tree::SendChild>(&effect)) {
      const auto link = downlinks_.find(down->conn);
      if (link != downlinks_.end()) send(link->second, Direction::down, std::move(down->bytes));
    } else if (const auto* gone = std::get_if<tree::HangUpParent>(&effect)) {
      if (const auto link = uplink(host.name(), gone->conn)) hang_up_link(link);
    } else if (auto* line = std::get_if<tree::WriteLog>(&effect)) {
      if (line->level < tree::LogLevel::warning) continue;
      if (log_.size() >= max_log) log_.erase(log_.begin(), log_.begin() + max_log / 2);
      const auto at = (now_ - beginning()) / milliseconds{1};
      log_.push_back(std::to_string(at) + " ms " + host.name() + ": " + line->text);
    }
  }
  for (const tree::HttpEffect& effect : effects.http) perform(host, effect);
}

void World::perform(NodeHost& host, const tree::HttpEffect& effect) {
  if (const auto* whole = std::get_if<tree::HttpRespond>(&effect)) {
    exchanges_[whole->exchange] = {whole->status, whole->body, true, now_};
  } else if (const auto* begin = std::get_if<tree::HttpBegin>(&effect)) {
    exchanges_[begin->exchange].status = begin->status;
  } else if (const auto* chunk = std::get_if<tree::HttpChunk>(&effect)) {
    exchanges_[chunk->exchange].body += chunk->bytes;
    exchanges_[chunk->exchange].last = now_;
    push(milliseconds{1}, host.name(), tree::HttpEvent(tree::HttpDrained{chunk->exchange}));
  } else {
    exchanges_[std::get<tree::HttpEnd>(effect).exchange].over = true;
  }
}

tree::ExchangeId World::ask(const std::string& method, const std::string& target,
                            const std::string& body) {
  NodeHost& root = host(root_);
  if (!root.runs() || root.frozen()) return 0;
  tree::HttpRequest request;
  request.exchange = ++last_exchange_;
  request.method = method;
  request.target = target;
  request.headers = {{"host", "localhost"}, {"content-type", "application/json"}};
  request.body = body;
  exchanges_[request.exchange] = {};
  handle(root, tree::HttpEvent(request));
  return request.exchange;
}

void World::hang_up(tree::ExchangeId exchange) {
  NodeHost& root = host(root_);
  exchanges_[exchange].over = true;
  if (root.runs()) push(Duration{0}, root_, tree::HttpEvent(tree::HttpClosed{exchange}));
}

}  // namespace banyan::sim
