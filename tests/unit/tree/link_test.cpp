// A real child below a real parent, and both against a hostile peer.

#include <gtest/gtest.h>

#include "common/base/random.h"
#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using State = Liveness::State;
using testing::at;
using testing::ChildSide;
using testing::Kind;
using testing::LinkPair;
using testing::ParentSide;
using testing::ScriptedChild;

TEST(Link, JoinsTransfersAndIsUp) {
  LinkPair link;
  link.take(link.child.start(at({})));
  link.deliver(at({}));
  EXPECT_TRUE(link.child.uplink.connected());
  EXPECT_EQ(link.parent.state("leaf"), State::up);
  EXPECT_TRUE(link.same_picture());
  EXPECT_EQ(link.parent.downlink.counters().transfers_asked, 0u);
}

TEST(Link, StaysUpForAnHourWithoutARepair) {
  LinkPair link;
  link.take(link.child.start(at({})));
  Random random(31);
  for (int second = 0; second < 3600; ++second) {
    const auto state = static_cast<v1::TargetState>(1 + random.below(8));
    link.take(
        link.child.set_target("t" + std::to_string(random.below(9)), state, at(seconds{second})));
    if (link.child.uplink.next_deadline() <= at(seconds{second}).time) {
      link.take(link.child.time(at(seconds{second})));
    }
    link.deliver(at(seconds{second}));
    if (link.parent.downlink.next_deadline() <= at(seconds{second}).time) {
      link.take(link.parent.time(at(seconds{second})));
    }
    ASSERT_EQ(link.parent.state("leaf"), State::up) << second;
  }
  EXPECT_TRUE(link.same_picture());
  EXPECT_EQ(link.parent.downlink.counters().repairs, 0u);
  EXPECT_EQ(link.parent.downlink.counters().frame_gaps, 0u);
}

TEST(Link, FramesInFlightCauseNoSpuriousRepair) {
  LinkPair link;
  link.take(link.child.start(at({})));
  link.deliver(at({}));
  Random random(32);
  Duration now{0};
  for (int step = 0; step < 5000; ++step) {
    now += milliseconds{1};
    const auto state = static_cast<v1::TargetState>(1 + random.below(3));
    if (random.chance(0.3)) {
      link.take(link.child.set_target("t" + std::to_string(random.below(5)), state, at(now)));
    }
    if (link.child.uplink.next_deadline() <= at(now).time) link.take(link.child.time(at(now)));
    if (random.chance(0.3)) link.deliver_up(at(now));
    if (random.chance(0.3)) link.deliver_down(at(now));
  }
  link.run(now, now + seconds{1});
  EXPECT_EQ(link.parent.downlink.counters().repairs, 0u);
  EXPECT_EQ(link.parent.downlink.counters().frame_gaps, 0u);
  EXPECT_TRUE(link.same_picture());
}

TEST(Link, ALostFrameIsFoundAndHealed) {
  for (int frames_before = 1; frames_before < 4; ++frames_before) {
    LinkPair link;
    link.take(link.child.start(at({})));
    link.deliver(at({}));
    link.run({}, seconds{1});
    for (int i = 0; i < frames_before; ++i) {
      const auto state = static_cast<v1::TargetState>(1 + i);
      link.take(link.child.set_target("t" + std::to_string(i), state, at(seconds{1})));
    }
    ASSERT_GT(link.waiting_up(), 0u);
    link.lose_one_up();
    link.run(seconds{1} + milliseconds{5}, seconds{4});
    EXPECT_EQ(link.parent.downlink.counters().frame_gaps, 1u);
    EXPECT_EQ(link.parent.state("leaf"), State::up);
    EXPECT_TRUE(link.same_picture());
  }
}

TEST(Link, AWrongFactAtTheParentIsFoundByTheNextBeat) {
  LinkPair link;
  link.take(link.child.start(at({})));
  link.deliver(at({}));
  link.run({}, seconds{1});
  Changes changes;
  ASSERT_TRUE(link.parent.mirror.set({"leaf", v1::FACT_KIND_TARGET, "ghost"},
                                     testing::instance_of('a'),
                                     testing::target_bytes(v1::TARGET_STATE_RUNNING), changes));
  ASSERT_FALSE(link.same_picture());
  link.run(seconds{1}, seconds{3});
  EXPECT_TRUE(link.same_picture());
  EXPECT_EQ(link.parent.downlink.counters().repairs, 1u);
  EXPECT_EQ(link.parent.downlink.counters().transfers_asked, 0u);
}

TEST(Link, GoodbyeIsSeenAsLeftWithTheLastFacts) {
  LinkPair link;
  link.take(link.child.start(at({})));
  link.deliver(at({}));
  link.take(link.child.set_target("t", v1::TARGET_STATE_STOPPED, at(seconds{1})));
  link.take(link.child.turn(at(seconds{1}),
                            [&](Turn& turn) { link.child.uplink.leave("stopped", turn); }));
  link.deliver(at(seconds{1}));
  EXPECT_EQ(link.parent.state("leaf"), State::left);
  EXPECT_TRUE(link.same_picture());
}

// ---- hostile peers

std::vector<v1::Frame> some_frames() {
  std::vector<v1::Frame> frames;
  const auto* kinds = v1::Frame::descriptor()->FindOneofByName("kind");
  for (int i = 0; i < kinds->field_count(); ++i) {
    v1::Frame frame;
    frame.GetReflection()->MutableMessage(&frame, kinds->field(i));
    frames.push_back(frame);
  }
  v1::Frame update;
  auto& node = *update.mutable_update()->add_nodes();
  node.set_path("x/y");
  for (int kind = 1; kind < 5; ++kind) {
    v1::Fact& fact = *node.add_facts();
    fact.set_kind(static_cast<v1::FactKind>(kind));
    fact.set_id("t");
    fact.set_value(testing::target_bytes(v1::TARGET_STATE_RUNNING));
  }
  update.mutable_update()->set_transfer_begin(true);
  frames.push_back(update);
  v1::Frame batch;
  batch.mutable_event_batch()->set_instance(testing::instance_of('a'));
  batch.mutable_event_batch()->add_events()->set_text("text");
  frames.push_back(batch);
  v1::Frame welcome;
  welcome.set_sequence(1);
  welcome.mutable_welcome()->set_transfer(true);
  frames.push_back(welcome);
  return frames;
}

std::string mutated(std::string bytes, Random& random) {
  for (std::uint64_t left = random.below(4); left > 0 && !bytes.empty(); --left) {
    const std::size_t place = random.below(bytes.size());
    if (random.chance(0.5)) bytes[place] = static_cast<char>(random.below(256));
    if (random.chance(0.1)) bytes.resize(place);
    if (random.chance(0.1)) bytes.insert(place, 1, static_cast<char>(random.below(256)));
  }
  return bytes;
}

std::string random_bytes(Random& random) {
  std::string bytes(random.below(60), '\0');
  for (char& c : bytes) c = static_cast<char>(random.below(256));
  return bytes;
}

// One hostile relay beside an honest leaf; the hostile one comes back after each break.
void bombard_parent(std::uint64_t seed) {
  Random random(seed);
  ParentSide parent;
  ScriptedChild honest("honest", 'a', 1'000'000);
  honest.join(parent, at({}));
  const auto frames = some_frames();
  ScriptedChild hostile("hostile", 'b', 1);
  hostile.role = "relay";
  for (int i = 0; i < 2'000; ++i) {
    const Now now = at(milliseconds{i});
    const Child* held = parent.downlink.find("hostile");
    if (held == nullptr || !held->in_session()) {
      ++hostile.conn;
      ++hostile.attach;
      hostile.join(parent, now);
    }
    const v1::Frame frame = hostile.numbered(frames[random.below(frames.size())]);
    const bool noise = random.chance(0.2);
    parent.bytes(hostile.conn, noise ? random_bytes(random) : mutated(encode(frame), random), now);
    if (i % 500 == 0) honest.beat(parent, {}, now);
    if (parent.downlink.next_deadline() <= now.time) parent.time(now);
  }
  ASSERT_TRUE(parent.downlink.find("honest")->in_session());
  ASSERT_EQ(parent.state("honest"), State::up);
  ASSERT_EQ(parent.downlink.children().size(), 2u);
}

TEST(HostilePeer, RandomFramesNeverHarmAParent) {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    ASSERT_NO_FATAL_FAILURE(bombard_parent(seed)) << "seed " << seed;
  }
}

TEST(HostilePeer, RandomFramesNeverHarmAChild) {
  Random random(42);
  ChildSide child;
  child.start(at({}));
  const auto frames = some_frames();
  int sessions = 0;
  for (int i = 0; i < 100'000; ++i) {
    const Now now = at(milliseconds{i});
    if (child.uplink.next_deadline() <= now.time) child.time(now);
    if (child.uplink.state() == Uplink::State::dialing && random.chance(0.3)) {
      child.welcome(now);
      ++sessions;
      continue;
    }
    v1::Frame frame = frames[random.below(frames.size())];
    frame.set_session(child.session);
    frame.set_sequence(child.sequence + 1);
    const bool noise = random.chance(0.2);
    child.bytes(noise ? random_bytes(random) : mutated(encode(frame), random), now);
    if (child.uplink.connected()) ++child.sequence;
  }
  EXPECT_GT(sessions, 10);
  EXPECT_NE(child.uplink.next_deadline(), never) << "it never gives up";
}

TEST(HostilePeer, RandomBytesNeverHarmTheDecoder) {
  Random random(43);
  const auto frames = some_frames();
  int good = 0;
  for (int i = 0; i < 100'000; ++i) {
    const bool noise = random.chance(0.5);
    const auto frame = decode(noise ? random_bytes(random)
                                    : mutated(encode(frames[random.below(frames.size())]), random));
    if (!frame) continue;
    ++good;
    EXPECT_NE(frame->kind_case(), Kind::KIND_NOT_SET);
  }
  EXPECT_GT(good, 1000);
}

}  // namespace
}  // namespace banyan::tree
