#pragma once
// What real leaves and their parents tell, for thousands that are only simulated: names of 12
// bytes, one target each.

#include <fmt/format.h>

#include "common/base/check.h"
#include "common/tree/turn.h"

namespace banyan::bench {

inline std::string instance_of(std::uint64_t number) {
  return fmt::format("{:016x}{:016x}", number * 0xd1342543de82ef95U + 1,
                     (number + 1) * 0x9e3779b97f4a7c15U);
}

inline std::string leaf_name(std::uint64_t number) { return fmt::format("web-{:08}", number); }

inline tree::Identity identity_of(const std::string& role, const std::string& name,
                                  std::uint64_t number) {
  tree::Identity identity;
  identity.role = role;
  identity.name = name;
  identity.instance = instance_of(number);
  identity.version = "0.1.0";
  identity.host = name + ".example";
  identity.boot.set_start_ms(1'700'000'000'000 + static_cast<std::int64_t>(number) * 17);
  identity.boot.set_random(number * 0x9e3779b97f4a7c15U);
  return identity;
}

inline v1::LinkFact link_fact_of(const tree::Identity& child) {
  const std::int64_t at = child.boot.start_ms() + 500;
  v1::LinkFact fact;
  fact.set_state(v1::LINK_STATE_UP);
  fact.set_since_ms(at);
  const auto line = [at](const char* text) {
    return fmt::format("2023-11-14T22:{:02}:{:02}.{:03}Z {}", at / 60'000 % 60, at / 1000 % 60,
                       at % 1000, text);
  };
  fact.add_evidence(line("syncing: a new session"));
  fact.add_evidence(line("up: digest equal"));
  fact.set_instance(child.instance);
  *fact.mutable_boot() = child.boot;
  fact.set_attach(static_cast<std::uint64_t>(at) - 499);
  fact.set_peer_version(child.version);
  return fact;
}

inline v1::TargetFact target_fact_of(std::uint64_t number, std::uint64_t restarts) {
  v1::TargetFact fact;
  fact.set_state(v1::TARGET_STATE_RUNNING);
  fact.set_since_ms(1'700'000'000'700 + static_cast<std::int64_t>(number) * 17);
  fact.set_generation(restarts + 1);
  fact.set_pid(static_cast<int>(1000 + number % 30'000));
  fact.set_command("/usr/bin/serve --port 8080");
  fact.set_wanted(true);
  return fact;
}

// The facts of one child: a leaf, or a relay with so many leaves below it.
class LeafFacts {
 public:
  LeafFacts(tree::Mirror& mirror, std::uint64_t number, std::uint64_t below)
      : mirror_(mirror), number_(number), below_(below) {
    const bool leaf = below == 0;
    const std::string name = leaf ? leaf_name(number) : fmt::format("relay-{:02}", number);
    identity_ = identity_of(leaf ? "leaf" : "relay", name, number + (leaf ? 0U : 1U << 30U));
    tree::Changes ignored;
    tell({"", v1::FACT_KIND_NODE, ""}, identity_, node_bytes(identity_), ignored);
    if (leaf) tell_target("", number, 0, ignored);
    for (std::uint64_t i = 0; i < below; ++i) add_leaf(number * below + i);
  }
  const tree::Identity& identity() const { return identity_; }

  // Another generation of one target.
  void change(std::uint64_t which, tree::Changes& changes) {
    const std::uint64_t leaf = below_ == 0 ? number_ : number_ * below_ + which % below_;
    tell_target(below_ == 0 ? "" : leaf_name(leaf), leaf, ++changes_, changes);
  }

 private:
  static std::string node_bytes(const tree::Identity& identity) {
    return tree::fact_bytes(tree::node_fact(identity, {}));
  }
  void tell(const tree::FactKey& key, const tree::Identity& by, std::string bytes,
            tree::Changes& changes) {
    CHECK(mirror_.set(key, by.instance, std::move(bytes), changes));
  }
  void tell_target(const std::string& path, std::uint64_t number, std::uint64_t restarts,
                   tree::Changes& changes) {
    const auto fact = target_fact_of(number, restarts);
    CHECK(mirror_.set({path, v1::FACT_KIND_TARGET, "api"},
                      path.empty() ? identity_.instance : instance_of(number),
                      tree::fact_bytes(fact), changes));
  }
  void add_leaf(std::uint64_t number) {
    const auto leaf = identity_of("leaf", leaf_name(number), number);
    tree::Changes ignored;
    tell({"", v1::FACT_KIND_LINK, leaf.name}, identity_, tree::fact_bytes(link_fact_of(leaf)),
         ignored);
    tell({leaf.name, v1::FACT_KIND_NODE, ""}, leaf, node_bytes(leaf), ignored);
    tell_target(leaf.name, number, 0, ignored);
  }

  tree::Mirror& mirror_;
  std::uint64_t number_;
  std::uint64_t below_;
  std::uint64_t changes_ = 0;
  tree::Identity identity_;
};

}  // namespace banyan::bench
