#include "tests/sim/generate.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/random.h"
#include "tests/sim/topology.h"

namespace banyan::sim {
namespace {

class Generator {
 public:
  Generator(std::uint64_t seed, const Mix& mix) : random_(seed ^ 0x51a7ULL), mix_(mix) {}

  std::string text() {
    choose_topology();
    add("delay 1ms 20ms");
    add("drift {}", random_.below(2) * 200);
    add("offset {}s", random_.below(2) * 60);
    add("for {}s", mix_.seconds + 3);
    add("quiet 20s");
    workload();
    for (unsigned i = 0; i < mix_.faults && !mix_.quiet_links; ++i) fault();
    if (!mix_.quiet_links && random_.chance(0.3)) add("{} crash top for {}", when(), ms(50, 3'000));
    add("expect repairs == 0");  // within sessions: what was lost has ended them
    return text_;
  }

 private:
  template <class... Parts>
  void add(fmt::format_string<Parts...> line, Parts&&... parts) {
    text_ += fmt::format(line, std::forward<Parts>(parts)...) + "\n";
  }

  void choose_topology();
  void power_of();
  void workload();
  void fault();
  void link_fault(const std::string& when);
  void host_fault(const std::string& when);
  void rare_fault(const std::string& when);

  std::string when() {
    return fmt::format("at {}ms", 3'000 + random_.below(mix_.seconds * 1'000 - 3'000));
  }
  std::string ms(unsigned from, unsigned to) {
    return fmt::format("{}ms", from + random_.below(to - from + 1));
  }
  const NodeSpec& any() { return nodes_[1 + random_.below(nodes_.size() - 1)]; }
  const NodeSpec& any_leaf() { return *leaves_[random_.below(leaves_.size())]; }

  Random random_;
  Mix mix_;
  std::string text_;
  Topology nodes_;
  std::vector<const NodeSpec*> leaves_;
};

// k^n nodes, one less, one more.
void Generator::power_of() {
  const auto fanout = static_cast<unsigned>(2 + random_.below(3));
  unsigned nodes = fanout;
  while (nodes * fanout <= mix_.nodes - 1) nodes *= fanout;
  nodes = std::clamp(nodes + static_cast<unsigned>(random_.below(3)) - 1, 3U, mix_.nodes);
  nodes_ = tree_topology(fanout, nodes);
  add("topology tree {} {}", fanout, nodes);
}

void Generator::choose_topology() {
  const auto kind = random_.below(10);
  if (kind < 6) {
    nodes_ = method_topology();
    add("topology method");
  } else if (kind < 8) {
    power_of();
  } else if (kind < 9) {
    nodes_ = deep_topology(10);
    add("topology deep 10");
  } else {
    const auto leaves = static_cast<unsigned>(2 + random_.below(mix_.nodes - 3));
    nodes_ = flat_topology(leaves);
    add("topology flat {}", leaves);
  }
  for (const NodeSpec& node : nodes_) {
    if (node.role == "leaf") leaves_.push_back(&node);
  }
}

void Generator::workload() {
  for (int i = 0; i < 3; ++i) {
    add("every {} from 1s kill-target {}", ms(300, 1500), any_leaf().host);
  }
  for (int i = 0; i < 2; ++i) {
    const std::string leaf = any_leaf().host;
    add("every {} from 1s log {} api {}", ms(50, 500), leaf, 1 + random_.below(200));
    add("at {} read {} api", ms(2'000, 6'000), leaf);
  }
  for (int i = 0; i < 6; ++i) {
    const char* verbs[] = {"signal", "signal", "signal", "restart", "stop", "start"};
    const char* selectors[] = {"**", "**/api", "**/worker"};
    add("{} command {} {} ttl {}", when(), verbs[random_.below(6)], selectors[random_.below(3)],
        ms(500, 6'500));
  }
}

void Generator::link_fault(const std::string& when) {
  const NodeSpec& node = any();
  const std::string& parent = node.parents[random_.below(node.parents.size())];
  const char* told[] = {"none", "child", "parent", "both", "both"};
  const char* ways[] = {"up", "down", "both"};
  switch (random_.below(5)) {
    case 0:
    case 1:
      return add("{} sever {} {}", when, node.host, told[random_.below(5)]);
    case 2:
      return add("{} cut {} {} {} for {}", when, node.host, parent, ways[random_.below(3)],
                 ms(500, 8'000));
    case 3:
      return add("{} lose {} {}", when, node.host, ways[random_.below(2)]);
    default:
      return add("{} block {} {} for {}", when, node.host, parent, ms(500, 8'000));
  }
}

void Generator::host_fault(const std::string& when) {
  const NodeSpec& node = any();
  switch (random_.below(6)) {
    case 0:
    case 1:
      return add("{} crash {} for {}", when, node.host, ms(50, 5'000));
    case 2:
      return add("{} host-crash {} for {}", when, node.host, ms(1'000, 5'000));
    case 3:
      return add("{} stop {} for {}", when, node.host, ms(50, 3'000));
    default:
      return add("{} freeze {} for {}", when, node.host, ms(200, 12'000));
  }
}

void Generator::rare_fault(const std::string& when) {
  const NodeSpec& leaf = any_leaf();
  const std::string& parent = leaf.parents[random_.below(leaf.parents.size())];
  switch (random_.below(8)) {
    case 0:
      return add("{} jump {} {}{}s", when, any().host, random_.chance(0.7) ? "-" : "",
                 random_.below(100));
    case 1:
    case 2:
      return add("{} move {} {} {}", when, leaf.host, parent, random_.chance(0.5) ? "silent" : "");
    case 3:
      return add("{} double {} impostor-of-{} {}", when, leaf.host, leaf.host, parent);
    case 4:
      return add("{} fork-fails {} for {}", when, leaf.host, ms(500, 4'000));
    case 5:
      return add("{} disk-full {} for {}", when, leaf.host, ms(500, 4'000));
    case 6:
      return add("{} join late-{} leaf {}", when, random_.below(3), parent);
    default:
      return add("{} die {}", when, leaf.host);
  }
}

void Generator::fault() {
  const std::string at = when();
  const auto kind = random_.below(10);
  if (kind < 5) return link_fault(at);
  if (kind < 8) return host_fault(at);
  rare_fault(at);
}

}  // namespace

std::string generate(std::uint64_t seed, const Mix& mix) { return Generator(seed, mix).text(); }

}  // namespace banyan::sim
