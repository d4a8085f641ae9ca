// A root with a store behind it.

#include <gmock/gmock.h>

#include "root/root.h"

namespace banyan {
namespace {

class RootWithStore : public testing::Test {
 protected:
  RootWithStore() : root_(config(), identity(), 1, {}) {
    root_.restore(picture());
    root_.resume({}, now_);
  }

  static tree::NodeConfig config() {
    tree::NodeConfig config;
    config.name = "root";
    return config;
  }
  static tree::Identity identity() {
    tree::Identity identity;
    identity.role = "root";
    identity.name = "root";
    identity.instance = std::string(32, 'a');
    identity.version = "1.0";
    return identity;
  }
  template <class Fact>
  static void add(v1::NodeFacts& node, v1::FactKind kind, const std::string& id, const Fact& fact) {
    auto& added = *node.add_facts();
    added.set_kind(kind);
    added.set_id(id);
    added.set_value(tree::fact_bytes(fact));
  }
  // A leaf with two targets.
  static v1::Update picture() {
    v1::Update update;
    v1::LinkFact link;
    link.set_state(v1::LINK_STATE_UP);
    link.set_instance(std::string(32, 'b'));
    auto& top = *update.add_nodes();
    top.set_instance(std::string(32, 'a'));
    add(top, v1::FACT_KIND_LINK, "web-1", link);
    v1::NodeFact fact;
    fact.set_role("leaf");
    fact.set_name("web-1");
    fact.set_instance(link.instance());
    auto& leaf = *update.add_nodes();
    leaf.set_path("web-1");
    leaf.set_instance(link.instance());
    add(leaf, v1::FACT_KIND_NODE, "", fact);
    v1::TargetFact target;
    target.set_state(v1::TARGET_STATE_RUNNING);
    for (const char* name : {"api", "db"}) add(leaf, v1::FACT_KIND_TARGET, name, target);
    return update;
  }

  Now now_{Time{seconds{100}}, WallTime{seconds{1'700'000'000}}};
  Root root_;
};

TEST_F(RootWithStore, WhatTheStoreDoesNotHaveYetIsInMemory) {
  RootEffects effects;
  for (std::size_t i = 0; i < StoreDesk::max_rows; ++i) {
    root_.note({"upgraded", "", "text", "{}"}, now_, effects);
  }
  EXPECT_EQ(root_.desk().counters().waiting, StoreDesk::max_rows);
  EXPECT_EQ(root_.api().events().events().front().seq, 1u);
  EXPECT_EQ(root_.api().events().dropped(), 0u);
}

TEST_F(RootWithStore, ARollingCommandIsNoCalmMoment) {
  EXPECT_TRUE(root_.settled());
  const std::string ask = R"({"verb":"stop","select":"**","max_parallel":1,"ttl_ms":100})";
  RootEffects effects;
  root_.handle(
      tree::HttpEvent(tree::HttpRequest{1, "POST", "/api/v1/commands", {}, ask, "127.0.0.1:5"}),
      now_, effects);
  ASSERT_EQ(effects.store.size(), 1u);
  now_.time += milliseconds{500};  // too late for the request: nobody will answer it
  root_.handle(StoreEvent(StoreDone{effects.store[0].ticket}), now_, effects);
  ASSERT_FALSE(root_.desk().waits());
  EXPECT_FALSE(root_.settled());
}

TEST_F(RootWithStore, AnOldTicketIsNoRecovery) {
  RootEffects effects;
  root_.note({"upgraded", "", "text", "{}"}, now_, effects);
  root_.handle(StoreEvent(StoreFailed{effects.store.at(0).ticket, "full"}), now_, effects);
  root_.handle(StoreEvent(StoreDone{0}), now_, effects);
  EXPECT_TRUE(root_.desk().failing());
  EXPECT_EQ(root_.api().events().events().back().kind, "store_failed");
  root_.handle(StoreEvent(StoreDone{effects.store.at(0).ticket}), now_, effects);
  EXPECT_EQ(root_.api().events().events().back().kind, "store_recovered");
}

}  // namespace
}  // namespace banyan
