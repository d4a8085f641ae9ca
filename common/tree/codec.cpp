#include "common/tree/codec.h"

#include <algorithm>

#include "common/base/check.h"
#include "common/base/time.h"

namespace banyan::tree {
namespace {

using Kind = v1::Frame::KindCase;

struct Rule {
  Kind kind;
  Receiver receiver;
  bool in_session;
};

// What is not listed is refused.
constexpr Rule rules[] = {
    {Kind::kHello, Receiver::parent, false},      {Kind::kGoodbye, Receiver::parent, true},
    {Kind::kBeat, Receiver::parent, true},        {Kind::kUpdate, Receiver::parent, true},
    {Kind::kEventBatch, Receiver::parent, true},  {Kind::kOutcomes, Receiver::parent, true},
    {Kind::kStreamData, Receiver::parent, true},  {Kind::kStreamClose, Receiver::parent, true},
    {Kind::kWelcome, Receiver::child, false},     {Kind::kRefused, Receiver::child, false},
    {Kind::kWhoAreYou, Receiver::child, false},   {Kind::kWhoAreYou, Receiver::child, true},
    {Kind::kBeatAck, Receiver::child, true},      {Kind::kUpdateAck, Receiver::child, true},
    {Kind::kEventAck, Receiver::child, true},     {Kind::kRewind, Receiver::child, true},
    {Kind::kRequest, Receiver::child, true},      {Kind::kStreamOpen, Receiver::child, true},
    {Kind::kStreamCredit, Receiver::child, true}, {Kind::kStreamClose, Receiver::child, true},
    {Kind::kTransferAsk, Receiver::child, true},  {Kind::kContest, Receiver::child, true},
    {Kind::kGaugeAsk, Receiver::child, true},     {Kind::kGaugeAnswer, Receiver::parent, true},
    {Kind::kQuestion, Receiver::child, true},     {Kind::kAnswer, Receiver::parent, true},
    {Kind::kPing, Receiver::child, true},         {Kind::kPong, Receiver::parent, true},
    {Kind::kOutcomeAsk, Receiver::child, true},   {Kind::kEventCredit, Receiver::child, true},
    {Kind::kInventory, Receiver::child, true},
};

int gauges_in(const v1::GaugeAnswer& answer) {
  int count = answer.nodes_size() + answer.missing_size();
  for (const auto& node : answer.nodes()) count += node.targets_size();
  return count;
}

Status check_counts(const v1::Frame& frame) {
  int count = 0;
  int limit = 0;
  if (frame.has_update()) {
    limit = max_facts_per_update;
    for (const auto& node : frame.update().nodes()) count += node.facts_size();
    count = std::max({count, frame.update().nodes_size(), frame.update().prunes_size()});
  } else if (frame.has_answer()) {
    limit = max_facts_per_update;
    for (const auto& node : frame.answer().nodes()) count += node.facts_size();
    count = std::max({count, frame.answer().nodes_size(), frame.answer().children_size(),
                      frame.answer().buckets_size()});
  } else if (frame.has_inventory()) {
    limit = max_facts_per_update;
    for (const auto& node : frame.inventory().nodes()) count += node.facts_size();
    count = std::max(count, frame.inventory().nodes_size());
  } else if (frame.has_event_batch()) {
    limit = max_events_per_batch;
    count = frame.event_batch().events_size();
  } else if (frame.has_request()) {
    limit = max_targets_per_request;
    count = frame.request().targets_size();
  } else if (frame.has_outcome_ask()) {
    limit = max_targets_per_request;
    count = frame.outcome_ask().targets_size();
  } else if (frame.has_pong()) {
    limit = max_hops;
    count = frame.pong().hops_size();
  } else if (frame.has_outcomes()) {
    limit = max_targets_per_request;
    count = frame.outcomes().outcomes_size();
  } else if (frame.has_welcome()) {
    limit = max_ancestors;
    count = frame.welcome().ancestors_size();
  } else if (frame.has_stream_data()) {
    limit = max_records_per_frame;
    count = frame.stream_data().records_size();
  } else if (frame.has_gauge_ask()) {
    limit = max_targets_per_request;
    count = frame.gauge_ask().paths_size();
  } else if (frame.has_gauge_answer()) {
    limit = max_gauges_per_frame;
    count = gauges_in(frame.gauge_answer());
  }
  if (count <= limit) return {};
  return failure("frame refused", kind_name(frame.kind_case()),
                 std::to_string(count) + " parts, at most " + std::to_string(limit));
}

}  // namespace

Result<v1::Frame> decode(std::string_view bytes) {
  if (bytes.size() > max_frame_bytes) {
    return failure("frame refused", "",
                   std::to_string(bytes.size()) + " bytes, at most 262144 are allowed");
  }
  v1::Frame frame;
  if (!frame.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return failure("frame refused", "", "not a banyan frame");
  }
  if (frame.kind_case() == Kind::KIND_NOT_SET) {
    return failure("frame refused", "", "it has no kind that this version knows");
  }
  if (auto status = check_counts(frame); !status) return tl::unexpected(status.error());
  return frame;
}

std::string encode(const v1::Frame& frame) {
  std::string bytes;
  CHECK(frame.SerializeToString(&bytes));
  return bytes;
}

bool may_receive(Kind kind, Receiver receiver, bool in_session) {
  for (const Rule& rule : rules) {
    if (rule.kind == kind && rule.receiver == receiver && rule.in_session == in_session)
      return true;
  }
  return false;
}

std::string kind_name(Kind kind) {
  const auto* field = v1::Frame::descriptor()->FindFieldByNumber(static_cast<int>(kind));
  return field == nullptr ? "unknown" : field->name();
}

}  // namespace banyan::tree
