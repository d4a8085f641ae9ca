// How much memory a mirror takes for each leaf, and how long it takes to fill and to change: a tree
// of 100 relays, names of 12 bytes, one target each, with the facts that real leaves tell.
//
//   mirror_bench [LEAVES]     one line: leaves, bytes per leaf, bytes of it told, fill, change

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <fstream>

#include "common/tree/mirror.h"

namespace banyan::tree {
namespace {

using Clock = std::chrono::steady_clock;

std::size_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

std::string instance_of(std::size_t number) { return fmt::format("{:032x}", number); }

v1::NodeFact node_fact_of(std::size_t number, const std::string& name) {
  v1::NodeFact fact;
  fact.set_role("leaf");
  fact.set_name(name);
  fact.set_instance(instance_of(number));
  fact.mutable_boot()->set_start_ms(1'700'000'000'000);
  fact.mutable_boot()->set_random(number * 0x9e3779b97f4a7c15U);
  fact.set_version("0.1.0");
  fact.set_host(name + ".example");
  fact.set_started_ms(1'700'000'000'000);
  return fact;
}

v1::LinkFact link_fact_of(const v1::NodeFact& node) {
  v1::LinkFact fact;
  fact.set_state(v1::LINK_STATE_UP);
  fact.set_since_ms(1'700'000'000'500);
  fact.add_evidence("2023-11-14T22:13:20.400Z syncing: a new session");
  fact.add_evidence("2023-11-14T22:13:20.500Z up: digest equal");
  fact.set_instance(node.instance());
  *fact.mutable_boot() = node.boot();
  fact.set_attach(1'700'000'000'001);
  fact.set_peer_version("0.1.0");
  return fact;
}

v1::TargetFact target_fact_of(int restarts) {
  v1::TargetFact fact;
  fact.set_state(v1::TARGET_STATE_RUNNING);
  fact.set_since_ms(1'700'000'000'700);
  fact.set_generation(static_cast<std::uint64_t>(restarts) + 1);
  fact.set_pid(4242);
  fact.set_command("/usr/bin/serve --port 8080");
  fact.set_wanted(true);
  return fact;
}

class Filler {
 public:
  void set(const FactKey& key, std::size_t number, std::string bytes) {
    told_ += bytes.size() + key.id.size() + 16;
    changes_.clear();
    if (!mirror_.set(key, instance_of(number), std::move(bytes), changes_)) std::abort();
  }
  void leaf(std::size_t number) {
    const std::string name = fmt::format("web-{:08}", number);
    const std::string relay = fmt::format("relay-{:02}", number % 100);
    const v1::NodeFact node = node_fact_of(number, name);
    set({relay, v1::FACT_KIND_LINK, name}, number % 100, fact_bytes(link_fact_of(node)));
    set({relay + "/" + name, v1::FACT_KIND_NODE, ""}, number, fact_bytes(node));
    target(number, 0);
  }
  void target(std::size_t number, int restarts) {
    const std::string path = fmt::format("relay-{:02}/web-{:08}", number % 100, number);
    set({path, v1::FACT_KIND_TARGET, "api"}, number, fact_bytes(target_fact_of(restarts)));
  }
  std::size_t told() const { return told_; }

 private:
  Mirror mirror_;
  Changes changes_;
  std::size_t told_ = 0;
};

void run(std::size_t leaves) {
  const std::size_t before = resident_bytes();
  const auto begun = Clock::now();
  Filler filler;
  for (std::size_t i = 0; i < leaves; ++i) filler.leaf(i);
  const auto filled = Clock::now();
  const std::size_t held = resident_bytes() - before;
  const std::size_t told = filler.told();
  for (std::size_t i = 0; i < leaves; i += 7) filler.target(i, 1);
  const auto changed = Clock::now();
  const auto micro = [](auto from, auto to, std::size_t count) {
    const std::chrono::duration<double, std::micro> took = to - from;
    return took.count() / static_cast<double>(count);
  };
  fmt::print("leaves={} bytes_per_leaf={} told_per_leaf={} fill_us={:.2f} change_us={:.2f}\n",
             leaves, held / leaves, told / leaves, micro(begun, filled, leaves * 3),
             micro(filled, changed, leaves / 7 + 1));
}

}  // namespace
}  // namespace banyan::tree

int main(int argc, char** argv) {
  banyan::tree::run(argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 100'000);
}
