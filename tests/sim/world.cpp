#include "tests/sim/world_parts.h"

#include <fmt/format.h>

#include "common/base/check.h"
#include "common/base/name.h"

namespace banyan::sim {

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
    options.spooled = node.disk.spooled();
    node.disk.begin(identity.instance, identity.boot);
    node.machine->end_all();
    node.role = std::make_unique<Leaf>(std::move(options), identity);
    LeafEffects effects;
    std::get<std::unique_ptr<Leaf>>(node.role)->start(now_, effects);
    perform(node, effects);
  } else if (node.spec.role == "relay") {
    node.role =
        std::make_unique<Relay>(config, identity, random_.next(), std::vector<view::StaticFile>{});
    std::get<std::unique_ptr<Relay>>(node.role)->resume({}, node.disk.spooled());
    node.disk.begin(identity.instance, identity.boot);
    RelayEffects effects;
    std::get<std::unique_ptr<Relay>>(node.role)->start(now_, effects);
    perform(node, effects);
  } else {
    node.role =
        std::make_unique<Root>(config, identity, random_.next(), std::vector<view::StaticFile>{});
    RootEffects effects;
    node.disk_free = now_.time;
    std::get<std::unique_ptr<Root>>(node.role)->resume(node.disk.history(), now_);
    std::get<std::unique_ptr<Root>>(node.role)->start(now_, effects);
    perform(node, effects);
  }
}

void World::push(Duration delay, const std::string& to, Item item) {
  item.to = to;
  queue_.emplace(now_.time + delay, std::move(item));
}

void World::deliver(Item& item) {
  Node& node = this->node(item.to);
  if (!node.runs() || node.life != item.life) return;
  if (node.frozen) return node.waiting.push_back(std::move(item));
  if (auto* write = std::get_if<view::StoreWrite>(&item.event)) {
    return commit(node, std::move(*write));
  }
  if (auto* told = std::get_if<StoreEvent>(&item.event)) return handle(node, std::move(*told));
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

}  // namespace banyan::sim
