// Questions for gauges: split per child, gathered, answered once, and who is missing is named.

#include "common/tree/gauge_table.h"

#include <gmock/gmock.h>

#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using testing::at;
using ::testing::HasSubstr;
using testing::Kind;
using testing::ParentSide;
using testing::Said;
using testing::ScriptedChild;

class GaugeTableTest : public ::testing::Test {
 protected:
  GaugeTableTest() {
    a_.role = "relay";
    join(a_, true);
    join(b_, true);
  }
  void join(ScriptedChild& child, bool speaks_gauges) {
    v1::Frame hello = child.hello();
    if (speaks_gauges) hello.mutable_hello()->add_features(feature_gauges);
    const Said said = parent_.frame(child.conn, hello, at({}));
    child.session = said.frames(Kind::kWelcome).at(0).session();
    child.sequence = 0;
  }
  static v1::GaugeAsk question(const std::vector<std::string>& paths, std::uint64_t number = 9) {
    v1::GaugeAsk ask;
    ask.set_ask(number);
    ask.set_wait_ms(2000);
    ask.set_targets(true);
    for (const std::string& path : paths) ask.add_paths(path);
    return ask;
  }
  std::vector<v1::GaugeAsk> ask(const v1::GaugeAsk& asked) {
    const Said said = testing::in_turn(at({}), [&](Turn& turn) { table_.on_ask(asked, turn); });
    std::vector<v1::GaugeAsk> parts;
    for (const auto& frame : said.frames(Kind::kGaugeAsk)) parts.push_back(frame.gauge_ask());
    return parts;
  }
  static v1::GaugeAnswer answer(std::uint64_t number, const std::vector<std::string>& paths) {
    v1::GaugeAnswer answer;
    answer.set_ask(number);
    for (const std::string& path : paths) {
      v1::NodeGauges& node = *answer.add_nodes();
      node.set_path(path);
      node.add_targets()->set_name("t");
    }
    return answer;
  }
  // "a/x" for gauges, "b: reason" for a gap.
  std::vector<std::string> told() {
    std::vector<std::string> lines;
    for (const auto& part : table_.take_answers()) {
      EXPECT_EQ(part.ask(), 9u);
      for (const auto& node : part.nodes()) lines.push_back(node.path());
      for (const auto& gap : part.missing()) lines.push_back(gap.path() + ": " + gap.reason());
    }
    return lines;
  }

  ParentSide parent_;
  ScriptedChild a_{"a", 'a', 1};
  ScriptedChild b_{"b", 'b', 2};
  GaugeTable table_{parent_.downlink};
};

TEST_F(GaugeTableTest, SplitsPerChildCutsThePathAndTheTime) {
  const auto parts = ask(question({"a/x/y", "a", "b"}));
  ASSERT_EQ(parts.size(), 2u);
  ASSERT_EQ(parts[0].paths_size(), 2);
  EXPECT_EQ(parts[0].paths(0), "");
  EXPECT_EQ(parts[0].paths(1), "x/y");
  EXPECT_EQ(parts[0].wait_ms(), 1750u);
  EXPECT_TRUE(parts[0].targets());
}

TEST_F(GaugeTableTest, AnswersOnceWhenAllHaveAnswered) {
  const auto parts = ask(question({"a/x", "b"}));
  table_.on_answer("a", answer(parts[0].ask(), {"a/x"}));
  EXPECT_TRUE(told().empty());
  table_.on_answer("b", answer(parts[1].ask(), {"b"}));
  EXPECT_EQ(told(), (std::vector<std::string>{"a/x", "b"}));
  EXPECT_EQ(table_.next_deadline(), never);
}

TEST_F(GaugeTableTest, NamesWhoDidNotAnswerInTime) {
  const auto parts = ask(question({"a/x", "b"}));
  table_.on_answer("b", answer(parts[1].ask(), {"b"}));
  table_.on_time(at(milliseconds{1999}).time);
  EXPECT_TRUE(told().empty());
  EXPECT_EQ(table_.next_deadline(), at(seconds{2}).time);
  table_.on_time(at(seconds{2}).time);
  EXPECT_EQ(told(), (std::vector<std::string>{"b", "a/x: no answer from a in time"}));
}

TEST_F(GaugeTableTest, WaitsForTheLastFrameOfAChild) {
  const auto parts = ask(question({"a/x", "a/y"}));
  auto first = answer(parts[0].ask(), {"a/x"});
  first.set_more(true);
  table_.on_answer("a", first);
  EXPECT_TRUE(told().empty());
  table_.on_answer("a", answer(parts[0].ask(), {"a/y"}));
  EXPECT_EQ(told(), (std::vector<std::string>{"a/x", "a/y"}));
}

TEST_F(GaugeTableTest, NamesAtOnceWhoHasNoSessionOrIsTooOld) {
  ScriptedChild old{"old", 'c', 3};
  join(old, false);
  parent_.closed(b_.conn, at({}));
  EXPECT_TRUE(ask(question({"b", "nobody/x", "old"})).empty());
  const auto lines = told();
  ASSERT_EQ(lines.size(), 3u);
  EXPECT_THAT(lines[0], HasSubstr("b: b is not connected"));
  EXPECT_EQ(lines[1], "nobody/x: nobody is not known here");
  EXPECT_EQ(lines[2], "old: old runs a version without gauges");
}

TEST_F(GaugeTableTest, AnEndedSessionIsAnAnswer) {
  ask(question({"a/x", "a/y"}));
  table_.on_child_gone("a");
  EXPECT_EQ(told(),
            (std::vector<std::string>{"a/x: the link to a broke", "a/y: the link to a broke"}));
}

TEST_F(GaugeTableTest, PassesOnWhatAChildMissesAndTakesNothingUnasked) {
  const auto parts = ask(question({"a/x", "a/y"}));
  auto told_by_a = answer(parts[0].ask(), {"a/z"});
  told_by_a.add_missing()->set_path("a/x");
  told_by_a.mutable_missing(0)->set_reason("frozen");
  table_.on_answer("b", answer(parts[0].ask(), {"b"}));  // was not asked
  table_.on_answer("a", told_by_a);
  EXPECT_EQ(told(),
            (std::vector<std::string>{"a/x: frozen", "a/y: its parent did not speak of it"}));
  table_.on_answer("a", told_by_a);  // late: nobody waits
  EXPECT_TRUE(told().empty());
}

TEST_F(GaugeTableTest, ItsOwnLoadIsReadOnceForAllWhoAsk) {
  ask(question({""}));
  ask(question({""}));
  EXPECT_TRUE(table_.take_host_wish());
  EXPECT_FALSE(table_.take_host_wish());
  table_.on_host({1.5, 1, 0.5, 4}, milliseconds{3});
  const auto answers = table_.take_answers();
  ASSERT_EQ(answers.size(), 2u);
  EXPECT_EQ(answers[0].nodes(0).path(), "");
  EXPECT_DOUBLE_EQ(answers[0].nodes(0).load_1m(), 1.5);
  EXPECT_DOUBLE_EQ(answers[0].nodes(0).rtt_ms(), 3);
}

TEST_F(GaugeTableTest, NobodyAboveIsAnsweredWhenTheSessionAboveHasEnded) {
  const auto parts = ask(question({"b"}));
  const auto local = ask(question({"b"}, GaugeTable::local_ask | 9));
  table_.on_parent_gone();
  table_.on_answer("b", answer(parts[0].ask(), {"b"}));
  EXPECT_TRUE(told().empty());
  table_.on_answer("b", answer(local[0].ask(), {"b"}));
  EXPECT_EQ(table_.take_answers().size(), 1u) << "who asked at this node still waits";
}

TEST_F(GaugeTableTest, MoreQuestionsThanItHoldsAreAnsweredAtOnce) {
  for (std::size_t i = 0; i < GaugeTable::max_asks; ++i) ask(question({"b"}));
  EXPECT_TRUE(told().empty());
  EXPECT_TRUE(ask(question({"b"})).empty());
  EXPECT_EQ(told(), (std::vector<std::string>{"b: too many questions for gauges are under way"}));
}

TEST(GaugeFrames, FitAndSpreadTheTargetsOfOneNode) {
  v1::GaugeAnswer answer;
  answer.set_ask(9);
  v1::NodeGauges& node = *answer.add_nodes();
  node.set_path("a");
  for (int i = 0; i < 10'000; ++i) {
    node.add_targets()->set_name("target-" + std::to_string(i) + std::string(50, 'x'));
  }
  answer.add_missing()->set_path("b");
  const auto frames = split_gauge_answer(answer);
  ASSERT_GT(frames.size(), 5u);
  int targets = 0;
  for (const auto& frame : frames) {
    v1::Frame whole;
    *whole.mutable_gauge_answer() = frame;
    EXPECT_TRUE(decode(encode(whole)).has_value());
    EXPECT_EQ(frame.more(), &frame != &frames.back());
    for (const auto& part : frame.nodes()) {
      EXPECT_EQ(part.path(), "a");
      targets += part.targets_size();
    }
  }
  EXPECT_EQ(targets, 10'000);
  EXPECT_EQ(frames.back().missing_size(), 1);
}

}  // namespace
}  // namespace banyan::tree
