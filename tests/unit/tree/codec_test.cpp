// Every cell of {kind x receiver x in a session}, the limits, and what a hostile peer may send.

#include "common/tree/codec.h"

#include <gtest/gtest.h>

#include "common/base/random.h"
#include "tests/unit/tree/link_pair.h"

namespace banyan::tree {
namespace {

using Kind = v1::Frame::KindCase;

struct Row {
  Kind kind;
  const char* name;
  bool parent_before, parent_within, child_before, child_within;
};

// Written out by hand from the protocol, not from the code.
constexpr Row expected[] = {
    {Kind::kHello, "hello", true, false, false, false},
    {Kind::kWelcome, "welcome", false, false, true, false},
    {Kind::kRefused, "refused", false, false, true, false},
    {Kind::kWhoAreYou, "who_are_you", false, false, true, true},
    {Kind::kGoodbye, "goodbye", false, true, false, false},
    {Kind::kBeat, "beat", false, true, false, false},
    {Kind::kUpdate, "update", false, true, false, false},
    {Kind::kEventBatch, "event_batch", false, true, false, false},
    {Kind::kOutcomes, "outcomes", false, true, false, false},
    {Kind::kStreamData, "stream_data", false, true, false, false},
    {Kind::kBeatAck, "beat_ack", false, false, false, true},
    {Kind::kUpdateAck, "update_ack", false, false, false, true},
    {Kind::kEventAck, "event_ack", false, false, false, true},
    {Kind::kRewind, "rewind", false, false, false, true},
    {Kind::kRequest, "request", false, false, false, true},
    {Kind::kStreamOpen, "stream_open", false, false, false, true},
    {Kind::kStreamCredit, "stream_credit", false, false, false, true},
    {Kind::kTransferAsk, "transfer_ask", false, false, false, true},
    {Kind::kContest, "contest", false, false, false, true},
    {Kind::kGaugeAsk, "gauge_ask", false, false, false, true},
    {Kind::kGaugeAnswer, "gauge_answer", false, true, false, false},
    {Kind::kQuestion, "question", false, false, false, true},
    {Kind::kAnswer, "answer", false, true, false, false},
    {Kind::kPing, "ping", false, false, false, true},
    {Kind::kPong, "pong", false, true, false, false},
    {Kind::kOutcomeAsk, "outcome_ask", false, false, false, true},
    {Kind::kEventCredit, "event_credit", false, false, false, true},
    {Kind::kInventory, "inventory", false, false, false, true},
    {Kind::kStreamClose, "stream_close", false, true, false, true},
    {Kind::KIND_NOT_SET, "unknown", false, false, false, false},
};

TEST(Codec, EveryCellOfKindReceiverAndSessionIsAsTheProtocolSays) {
  for (const Row& row : expected) {
    EXPECT_EQ(may_receive(row.kind, Receiver::parent, false), row.parent_before) << row.name;
    EXPECT_EQ(may_receive(row.kind, Receiver::parent, true), row.parent_within) << row.name;
    EXPECT_EQ(may_receive(row.kind, Receiver::child, false), row.child_before) << row.name;
    EXPECT_EQ(may_receive(row.kind, Receiver::child, true), row.child_within) << row.name;
    EXPECT_EQ(kind_name(row.kind), row.name);
  }
}

TEST(Codec, TheTableCoversEveryKindOfTheSchema) {
  const int fields = v1::Frame::descriptor()->FindOneofByName("kind")->field_count();
  EXPECT_EQ(std::size(expected), static_cast<std::size_t>(fields) + 1);
}

TEST(Codec, ADecodedFrameIsTheEncodedOne) {
  v1::Frame frame;
  frame.set_session(7);
  frame.set_sequence(9);
  frame.mutable_goodbye()->set_reason("stopped");
  const auto decoded = decode(encode(frame));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(decoded->SerializeAsString(), frame.SerializeAsString());
}

TEST(Codec, RefusesAFrameWithoutAKindAndWhatIsNone) {
  EXPECT_FALSE(decode(""));
  v1::Frame frame;
  frame.set_session(7);
  EXPECT_FALSE(decode(encode(frame)));
  EXPECT_FALSE(decode("\xff\xff\xff"));
  v1::Frame text;
  text.mutable_goodbye()->set_reason("ok");
  std::string bytes = encode(text);
  bytes[bytes.size() - 1] = '\xff';
  EXPECT_FALSE(decode(bytes)) << "text that is not UTF-8";
}

TEST(Codec, RefusesAFrameBeyond256Kib) {
  v1::Frame frame;
  frame.mutable_goodbye()->set_reason(std::string(max_frame_bytes - 16, 'x'));
  EXPECT_TRUE(decode(encode(frame)));
  frame.mutable_goodbye()->set_reason(std::string(max_frame_bytes, 'x'));
  const auto refused = decode(encode(frame));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().why.find("262144"), std::string::npos);
}

template <class Add>
void expect_limit(int limit, Add add) {
  v1::Frame frame;
  for (int i = 0; i < limit; ++i) add(frame);
  EXPECT_TRUE(decode(encode(frame)));
  add(frame);
  const auto refused = decode(encode(frame));
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().why.find(std::to_string(limit)), std::string::npos);
}

TEST(Codec, RefusesMoreRepeatedPartsThanAllowed) {
  expect_limit(max_events_per_batch,
               [](v1::Frame& frame) { frame.mutable_event_batch()->add_events(); });
  expect_limit(max_targets_per_request,
               [](v1::Frame& frame) { frame.mutable_request()->add_targets(); });
  expect_limit(max_targets_per_request,
               [](v1::Frame& frame) { frame.mutable_outcomes()->add_outcomes(); });
  expect_limit(max_records_per_frame,
               [](v1::Frame& frame) { frame.mutable_stream_data()->add_records(); });
  expect_limit(max_facts_per_update, [](v1::Frame& frame) {
    auto& update = *frame.mutable_update();
    (update.nodes_size() == 0 ? update.add_nodes() : update.mutable_nodes(0))->add_facts();
  });
  expect_limit(max_facts_per_update, [](v1::Frame& frame) { frame.mutable_update()->add_nodes(); });
  expect_limit(max_facts_per_update,
               [](v1::Frame& frame) { frame.mutable_answer()->add_children(); });
  expect_limit(max_facts_per_update, [](v1::Frame& frame) { frame.mutable_answer()->add_nodes(); });
  expect_limit(max_facts_per_update,
               [](v1::Frame& frame) { frame.mutable_answer()->add_buckets(); });
  expect_limit(max_targets_per_request,
               [](v1::Frame& frame) { frame.mutable_outcome_ask()->add_targets(); });
  expect_limit(max_hops, [](v1::Frame& frame) { frame.mutable_pong()->add_hops(); });
  expect_limit(max_ancestors,
               [](v1::Frame& frame) { frame.mutable_welcome()->add_ancestors("x"); });
}

TEST(Codec, CountsTheFactsOfAllNodesTogether) {
  v1::Frame frame;
  for (int node = 0; node < 2; ++node) {
    auto& facts = *frame.mutable_update()->add_nodes();
    for (int i = 0; i < max_facts_per_update / 2 + node; ++i) facts.add_facts();
  }
  EXPECT_FALSE(decode(encode(frame)));
}

}  // namespace
}  // namespace banyan::tree
