// Rolling commands over the Api: batch after batch, and one outcome for every target whatever
// happens.

#include <gmock/gmock.h>

#include "tests/unit/view/view_world.h"

namespace banyan::view {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class CommandRolloutsTest : public ::testing::Test {
 protected:
  boost::json::value post(const std::string& more) {
    asked_.ask("POST", "/api/v1/commands",
               R"({"verb":"restart","select":"**","ttl_ms":10000)" + more + "}");
    take();
    auto body = boost::json::parse(asked_.answer().body);
    if (const auto* id = body.as_object().if_contains("id")) id_ = id->as_string();
    return body;
  }
  void take() {
    for (const auto& request : asked_.effects.requests) batches_.push_back(request);
    asked_.effects.requests.clear();
  }
  // The targets of the newest batch have this outcome; those that are done run anew.
  void answer(v1::OutcomeKind kind, v1::TargetState state = v1::TARGET_STATE_RUNNING) {
    const v1::Request batch = batches_.back();
    v1::Outcomes told;
    told.set_id(batch.command().id());
    for (const auto& target : batch.targets()) {
      auto& outcome = *told.add_outcomes();
      outcome.set_path(target.path());
      outcome.set_target(target.target());
      outcome.set_kind(kind);
      outcome.set_generation(target.generation() + 1);
      run(target.path() + "/" + target.target(), state, target.generation() + 1);
    }
    asked_.effects = {};
    asked_.api.on_outcomes(told, asked_.now, asked_.effects);
    take();
  }
  void run(const std::string& path, v1::TargetState state, std::uint64_t generation) {
    ToldTarget told;
    told.state = state;
    told.generation = generation;
    asked_.tree.target(path, told);
    asked_.effects = {};
    asked_.api.on_changes(std::exchange(asked_.tree.changes, {}), asked_.now, asked_.effects);
    take();
  }
  void pass(Duration time) {
    asked_.now.time += time;
    asked_.effects = {};
    asked_.api.on_time(asked_.now, asked_.effects);
    take();
  }
  // The node stands below another relay from now on; its old place is lost.
  void move_cache() {
    auto& tree = asked_.tree;
    tree.link("dc2/cache-1", v1::LINK_STATE_LOST);
    tree.node("dc1/cache-1");
    v1::LinkFact link;
    link.set_state(v1::LINK_STATE_UP);
    link.set_instance(ToldTree::instance("dc2/cache-1"));
    link.set_attach(9);
    link.mutable_boot()->set_random(77);
    ASSERT_TRUE(tree.mirror.set({"dc1", v1::FACT_KIND_LINK, "cache-1"}, ToldTree::instance("dc1"),
                                tree::fact_bytes(link), tree.changes));
    run("dc1/cache-1/redis.1", v1::TARGET_STATE_RUNNING, 5);
    run("dc1/cache-1/redis.2", v1::TARGET_STATE_RUNNING, 6);
  }
  std::vector<std::string> newest() const {
    std::vector<std::string> paths;
    for (const auto& target : batches_.back().targets()) {
      paths.push_back(target.path() + "/" + target.target());
    }
    return paths;
  }
  boost::json::value command() { return asked_.json("/api/v1/commands/" + id_); }
  std::int64_t count(const char* kind) { return command().at("counts").at(kind).as_int64(); }
  std::string reason_of_last() {
    const auto body = command();
    return std::string(body.at("results").as_array().back().at("reason").as_string());
  }

  AskedApi asked_;
  std::string id_;
  std::vector<v1::Request> batches_;
};

TEST_F(CommandRolloutsTest, ABatchFollowsWhenTheLastOneRunsAgain) {
  post(R"(,"max_parallel":2)");
  ASSERT_EQ(batches_.size(), 1u);
  EXPECT_THAT(newest(), ElementsAre("dc1/web-1/api", "dc1/web-1/db"));
  answer(v1::OUTCOME_KIND_DONE);
  EXPECT_EQ(batches_.size(), 1u);
  pass(milliseconds{999});
  EXPECT_EQ(batches_.size(), 1u);
  pass(milliseconds{1});
  ASSERT_EQ(batches_.size(), 2u);
  EXPECT_THAT(newest(), ElementsAre("dc1/web-2/api", "dc2/cache-1/redis.1"));
  answer(v1::OUTCOME_KIND_DONE);
  pass(seconds{1});
  answer(v1::OUTCOME_KIND_DONE);
  EXPECT_EQ(command().at("state").as_string(), "finished");
  EXPECT_EQ(count("done"), 5);
}

TEST_F(CommandRolloutsTest, WhatWasNotTriedAfterAStopIsRejectedWithTheReason) {
  post(R"(,"max_parallel":2,"stop_after_failures":1)");
  answer(v1::OUTCOME_KIND_FAILED);
  EXPECT_EQ(batches_.size(), 1u);
  EXPECT_EQ(command().at("state").as_string(), "finished");
  EXPECT_EQ(count("failed"), 2);
  EXPECT_EQ(count("rejected"), 3);
  EXPECT_THAT(reason_of_last(), HasSubstr("not tried: 2 failed before it"));
}

TEST_F(CommandRolloutsTest, ATargetThatDoesNotRunAgainIsAFailure) {
  post(R"(,"max_parallel":1,"stop_after_failures":1)");
  answer(v1::OUTCOME_KIND_DONE, v1::TARGET_STATE_BACKING_OFF);
  pass(milliseconds{9'999});
  EXPECT_EQ(command().at("state").as_string(), "running");
  pass(milliseconds{1});
  EXPECT_EQ(command().at("state").as_string(), "finished");
  EXPECT_EQ(count("done"), 1);
  EXPECT_EQ(count("rejected"), 4);
  const auto first = command().at("results").at(0);
  EXPECT_EQ(first.at("reason").as_string(), "not ready again within 10000 ms");
}

TEST_F(CommandRolloutsTest, ABatchWithoutAnAnswerIsUnknownInTimeAndTheNextFollows) {
  post(R"(,"max_parallel":4)");
  pass(seconds{11});
  EXPECT_EQ(count("unknown"), 4);
  ASSERT_EQ(batches_.size(), 2u);
  EXPECT_EQ(newest().size(), 1u);
}

TEST_F(CommandRolloutsTest, AGenerationIsTheOneAtTheTimeOfItsBatch) {
  post(R"(,"max_parallel":4)");
  run("dc2/cache-1/redis.2", v1::TARGET_STATE_RUNNING, 7);
  answer(v1::OUTCOME_KIND_DONE);
  pass(seconds{1});
  ASSERT_EQ(batches_.size(), 2u);
  EXPECT_EQ(batches_.back().targets(0).generation(), 7u);
}

TEST_F(CommandRolloutsTest, ABatchGoesToWhereItsNodesAreByThen) {
  post(R"(,"max_parallel":3)");
  move_cache();
  answer(v1::OUTCOME_KIND_DONE);
  pass(seconds{1});
  ASSERT_EQ(batches_.size(), 2u);
  EXPECT_THAT(newest(), ElementsAre("dc1/cache-1/redis.1", "dc1/cache-1/redis.2"));
  EXPECT_EQ(batches_.back().targets(0).instance(), ToldTree::instance("dc2/cache-1"));
  EXPECT_EQ(batches_.back().targets(1).generation(), 6u);
  const Command& begun = *asked_.api.commands().find(id_);
  EXPECT_EQ(begun.targets.back().boot.random(), 77u) << "who is asked if it stays in doubt";
  answer(v1::OUTCOME_KIND_DONE);
  EXPECT_EQ(command().at("state").as_string(), "finished");
  EXPECT_EQ(count("done"), 5);
  EXPECT_EQ(begun.targets.back().node, "dc1/cache-1");
}

TEST_F(CommandRolloutsTest, ACancelledOneTriesNothingMore) {
  post(R"(,"max_parallel":2)");
  asked_.ask("DELETE", "/api/v1/commands/" + id_);
  EXPECT_EQ(asked_.answer().status, 200);
  EXPECT_EQ(count("rejected"), 3);
  EXPECT_EQ(command().at("state").as_string(), "running") << "what was begun goes on";
  answer(v1::OUTCOME_KIND_DONE);
  EXPECT_EQ(command().at("state").as_string(), "finished");
}

TEST_F(CommandRolloutsTest, OddNumbersAreRefused) {
  for (const char* more : {R"(,"max_parallel":0)", R"(,"max_parallel":"2")",
                           R"(,"stop_after_failures":1)", R"(,"max_parallel":1001)"}) {
    post(more);
    EXPECT_EQ(asked_.answer().status, 400) << more;
  }
  EXPECT_TRUE(batches_.empty());
}

}  // namespace
}  // namespace banyan::view
