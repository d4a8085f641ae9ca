#include "tests/sim/world.h"

#include <fmt/format.h>

#include "common/base/check.h"
#include "common/base/name.h"

namespace banyan::sim {

struct World::Link {  // one connection between a child and its parent
  std::string child;
  std::string parent;
  std::uint64_t parent_life = 0;
  tree::ConnId child_conn = 0;
  tree::ConnId parent_conn = 0;
  bool open = true;
  bool hung_up = false;  // by the child: what it said before still arrives
  Time up_free{};        // frames keep their order
  Time down_free{};
};

struct World::Item {  // something that will happen to `to`, unless it lives another life by then
  std::string to;
  std::uint64_t life = 0;
  std::shared_ptr<Link> link;  // frames and closings
  std::variant<tree::LinkEvent, leaf::ProcessEvent> event;
};

struct World::Node {
  NodeSpec spec;
  std::string instance;
  std::uint64_t attach = 0;         // on its disk
  std::vector<v1::Update> picture;  // too
  std::uint64_t life = 0;           // rises with every start
  bool frozen = false;
  std::vector<Item> waiting;  // what comes while it is frozen
  std::shared_ptr<Link> uplink;
  std::unique_ptr<Machine> machine;
  std::variant<std::monostate, std::unique_ptr<Leaf>, std::unique_ptr<Relay>, std::unique_ptr<Root>>
      role;

  void keep(std::vector<v1::Update>& parts) {
    for (v1::Update& part : parts) picture.push_back(std::move(part));
  }
  bool runs() const { return role.index() != 0; }
  Time deadline() const {
    if (const auto* leaf = std::get_if<std::unique_ptr<Leaf>>(&role))
      return (*leaf)->next_deadline();
    if (const auto* relay = std::get_if<std::unique_ptr<Relay>>(&role)) {
      return (*relay)->next_deadline();
    }
    if (const auto* root = std::get_if<std::unique_ptr<Root>>(&role))
      return (*root)->next_deadline();
    return never;
  }
};

namespace {

std::string hex32(std::uint64_t number) { return fmt::format("{:032x}", number); }

tree::NodeConfig config_of(const NodeSpec& spec) {
  tree::NodeConfig config;
  config.name = spec.name;
  if (!spec.parent.empty()) config.parents = {{spec.parent, 7400}};
  config.hb_interval = milliseconds{500};
  config.timeout = milliseconds{2500};
  return config;
}

}  // namespace

World::World(std::uint64_t seed, std::vector<NodeSpec> specs, Delay delay)
    : specs_(std::move(specs)), delay_(delay), random_(seed) {
  now_.time = Time{seconds{1000}};
  now_.wall = wall_from_ms(1'700'000'000'000);
  std::uint64_t number = 1;
  for (const NodeSpec& spec : specs_) {
    auto node = std::make_unique<Node>();
    node->spec = spec;
    node->instance = hex32(number++);
    if (spec.role == "leaf") {
      Node* raw = node.get();
      node->machine = std::make_unique<Machine>(
          random_.next(), [this, raw](Duration later, leaf::ProcessEvent event) {
            push(later, raw->spec.name, Item{raw->spec.name, raw->life, nullptr, std::move(event)});
          });
    }
    nodes_[spec.name] = std::move(node);
  }
  for (const NodeSpec& spec : specs_) boot(this->node(spec.name));
}

World::~World() = default;

void World::boot(Node& node) {
  ++node.life;
  node.frozen = false;
  node.waiting.clear();
  tree::Identity identity;
  identity.role = node.spec.role;
  identity.name = node.spec.name;
  identity.instance = node.instance;
  identity.version = "sim";
  identity.host = "host-of-" + node.spec.name;
  identity.boot.set_start_ms(wall_ms(now_.wall));
  identity.boot.set_random(random_.next());
  identity.attach_base = node.attach + 1'000;
  node.attach = std::max<std::uint64_t>(identity.attach_base, wall_ms(now_.wall));
  const tree::NodeConfig config = config_of(node.spec);
  if (node.spec.role == "leaf") {
    LeafOptions options;
    options.node = config;
    options.seed = random_.next();
    for (const std::string& target : node.spec.targets) {
      leaf::TargetConfig each;
      each.name = target;
      each.command = {"/bin/" + target};
      options.targets.push_back(each);
    }
    node.machine->end_all();
    node.role = std::make_unique<Leaf>(std::move(options), identity);
    LeafEffects effects;
    std::get<std::unique_ptr<Leaf>>(node.role)->start(now_, effects);
    perform(node, effects);
  } else if (node.spec.role == "relay") {
    node.role =
        std::make_unique<Relay>(config, identity, random_.next(), std::vector<view::StaticFile>{});
    RelayEffects effects;
    for (const v1::Update& part : node.picture) {
      std::get<std::unique_ptr<Relay>>(node.role)->restore(part);
    }
    std::get<std::unique_ptr<Relay>>(node.role)->start(now_, effects);
    perform(node, effects);
  } else {
    node.role =
        std::make_unique<Root>(config, identity, random_.next(), std::vector<view::StaticFile>{});
    RootEffects effects;
    std::get<std::unique_ptr<Root>>(node.role)->start(now_, effects);
    perform(node, effects);
  }
}

void World::push(Duration delay, const std::string& to, Item item) {
  item.to = to;
  queue_.emplace(now_.time + delay, std::move(item));
}

template <class Event>
void World::handle(Node& node, Event event) {
  if (auto* leaf = std::get_if<std::unique_ptr<Leaf>>(&node.role)) {
    LeafEffects effects;
    if constexpr (!std::is_same_v<Event, tree::HttpEvent>) (*leaf)->handle(event, now_, effects);
    perform(node, effects);
  } else if (auto* relay = std::get_if<std::unique_ptr<Relay>>(&node.role)) {
    RelayEffects effects;
    if constexpr (std::is_same_v<Event, tree::LinkEvent>) (*relay)->handle(event, now_, effects);
    perform(node, effects);
  } else if (auto* root = std::get_if<std::unique_ptr<Root>>(&node.role)) {
    RootEffects effects;
    if constexpr (!std::is_same_v<Event, leaf::ProcessEvent>) (*root)->handle(event, now_, effects);
    perform(node, effects);
  }
}

void World::deliver(Item& item) {
  Node& node = this->node(item.to);
  if (!node.runs() || node.life != item.life) return;
  if (node.frozen) return node.waiting.push_back(std::move(item));
  const auto* event = std::get_if<tree::LinkEvent>(&item.event);
  if (event == nullptr) return handle(node, std::get<leaf::ProcessEvent>(item.event));
  const bool closing = std::holds_alternative<tree::ChildClosed>(*event) ||
                       std::holds_alternative<tree::ParentClosed>(*event);
  if (item.link && !item.link->open && !closing) return;  // lost with its connection
  if (item.link && item.link->hung_up && item.to == item.link->child) return;
  ++frames_;
  handle(node, *event);
}

// Hands the time to every node whose deadline has come.
void World::step_deadlines() {
  for (auto& [name, node] : nodes_) {
    if (node->runs() && !node->frozen && node->deadline() <= now_.time) {
      handle(*node, tree::LinkEvent(tree::TimeReached{}));
    }
  }
}

void World::run_for(Duration duration) {
  const Time end = now_.time + duration;
  while (now_.time < end) {
    Time next = end;
    if (!queue_.empty()) next = std::min(next, queue_.begin()->first);
    for (const auto& [name, node] : nodes_) {
      if (node->runs() && !node->frozen) next = std::min(next, node->deadline());
    }
    next = std::max(next, now_.time + std::chrono::microseconds{10});
    now_.wall += std::chrono::duration_cast<milliseconds>(next.time_since_epoch()) -
                 std::chrono::duration_cast<milliseconds>(now_.time.time_since_epoch());
    now_.time = next;
    while (!queue_.empty() && queue_.begin()->first <= now_.time) {
      Item item = std::move(queue_.begin()->second);
      queue_.erase(queue_.begin());
      deliver(item);
    }
    step_deadlines();
  }
}

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
  for (const leaf::ProcessEffect& effect : effects.processes) node.machine->perform(effect);
  perform(node, effects.links);
}

void World::perform(Node& node, RelayEffects& effects) {
  node.keep(effects.picture);
  perform(node, effects.links);
}

void World::perform(Node& node, RootEffects& effects) {
  node.keep(effects.picture);
  perform(node, effects.links);
  for (tree::HttpEffect& effect : effects.http) {
    if (auto* answer = std::get_if<tree::HttpRespond>(&effect)) {
      answers_[answer->exchange] = std::move(*answer);
    }
  }
}

void World::crash(const std::string& name) {
  Node& crashed = node(name);
  if (!crashed.runs()) return;
  crashed.role = std::monostate{};
  crashed.waiting.clear();
  if (crashed.uplink) close(crashed.uplink, false, random_.chance(0.8));
  for (auto& [other, child] : nodes_) {
    if (child->uplink && child->uplink->parent == name) {
      close(child->uplink, random_.chance(0.8), false);
    }
  }
}

void World::restart(const std::string& name) {
  if (!node(name).runs()) boot(node(name));
}

void World::freeze(const std::string& name) {
  if (node(name).runs()) node(name).frozen = true;
}

void World::thaw(const std::string& name) {
  Node& thawed = node(name);
  if (!thawed.frozen) return;
  thawed.frozen = false;
  auto waiting = std::exchange(thawed.waiting, {});
  for (Item& item : waiting) deliver(item);
}

void World::sever(const std::string& name) {
  Node& severed = node(name);
  if (!severed.uplink) return;
  close(severed.uplink, random_.chance(0.7), random_.chance(0.7));
}

void World::kill_target(const std::string& leaf) {
  if (node(leaf).runs() && node(leaf).machine) node(leaf).machine->kill_one();
}

std::optional<tree::HttpRespond> World::ask(const std::string& method, const std::string& target,
                                            const std::string& body) {
  for (auto& [name, each] : nodes_) {
    if (!std::holds_alternative<std::unique_ptr<Root>>(each->role)) continue;
    tree::HttpRequest request;
    request.exchange = ++last_exchange_;
    request.method = method;
    request.target = target;
    request.headers = {{"host", "localhost"}, {"content-type", "application/json"}};
    request.body = body;
    handle(*each, tree::HttpEvent(request));
    const auto it = answers_.find(request.exchange);
    if (it != answers_.end()) return it->second;
  }
  return std::nullopt;
}

bool World::is_running(const std::string& name) const { return node(name).runs(); }

const Leaf* World::leaf(const std::string& name) const {
  const auto* role = std::get_if<std::unique_ptr<Leaf>>(&node(name).role);
  return role == nullptr ? nullptr : role->get();
}

const Relay* World::relay(const std::string& name) const {
  const auto* role = std::get_if<std::unique_ptr<Relay>>(&node(name).role);
  return role == nullptr ? nullptr : role->get();
}

const Root* World::root() const {
  for (const auto& [name, each] : nodes_) {
    if (const auto* role = std::get_if<std::unique_ptr<Root>>(&each->role)) return role->get();
  }
  return nullptr;
}

const Machine* World::machine(const std::string& name) const { return node(name).machine.get(); }

std::string World::path_of(const std::string& name) const {
  const NodeSpec& spec = node(name).spec;
  return spec.parent.empty() ? "" : join_path(path_of(spec.parent), name);
}

const tree::Mirror* World::mirror_of(const std::string& name) const {
  if (const Leaf* role = leaf(name)) return &role->mirror();
  if (const Relay* role = relay(name)) return &role->mirror();
  const auto* role = std::get_if<std::unique_ptr<Root>>(&node(name).role);
  return role == nullptr ? nullptr : &(*role)->mirror();
}

}  // namespace banyan::sim
