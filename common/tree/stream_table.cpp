#include "common/tree/stream_table.h"

#include "common/base/name.h"

namespace banyan::tree {
namespace {

RisingStream closed(std::uint64_t stream, std::string reason) {
  v1::StreamClose close;
  close.set_stream(stream);
  close.set_reason(std::move(reason));
  return RisingStream(std::in_place_type<v1::StreamClose>, std::move(close));
}

}  // namespace

void StreamTable::on_open(const v1::StreamOpen& open, Turn& turn,
                          std::vector<RisingStream>& rising) {
  const auto [child, rest] = split_first(open.path());
  const Child* held = downlink_.find(std::string(child));
  if (child.empty()) {
    return rising.push_back(closed(open.stream(), "not_found: this node runs no targets"));
  }
  if (held == nullptr || !held->in_session()) {
    const std::string why = held == nullptr ? "is not known here" : held->liveness.why();
    return rising.push_back(
        closed(open.stream(), "unreachable: " + std::string(child) + " " + why));
  }
  if (below_.size() >= max_streams || above_.contains(open.stream())) {
    return rising.push_back(closed(open.stream(), "refused: too many streams are open"));
  }
  const std::uint64_t number = ++last_;
  below_[number] = {std::string(child), open.stream()};
  above_[open.stream()] = number;
  v1::Frame frame;
  *frame.mutable_stream_open() = open;
  frame.mutable_stream_open()->set_stream(number);
  frame.mutable_stream_open()->set_path(std::string(rest));
  downlink_.send(std::string(child), std::move(frame), turn);
}

void StreamTable::on_credit(const v1::StreamCredit& credit, Turn& turn) {
  const auto it = above_.find(credit.stream());
  if (it == above_.end()) return;  // closed meanwhile
  v1::Frame frame;
  frame.mutable_stream_credit()->set_stream(it->second);
  frame.mutable_stream_credit()->set_bytes(credit.bytes());
  downlink_.send(below_.at(it->second).child, std::move(frame), turn);
}

void StreamTable::close_below(const std::string& child, std::uint64_t stream, Turn& turn) {
  v1::Frame frame;
  frame.mutable_stream_close()->set_stream(stream);
  downlink_.send(child, std::move(frame), turn);
}

void StreamTable::on_close(const v1::StreamClose& close, Turn& turn) {
  const auto it = above_.find(close.stream());
  if (it == above_.end()) return;
  close_below(below_.at(it->second).child, it->second, turn);
  below_.erase(it->second);
  above_.erase(it);
}

void StreamTable::on_parent_gone(Turn& turn) {
  for (auto it = below_.begin(); it != below_.end();) {
    if ((it->second.above & local_stream) != 0) {
      ++it;
      continue;
    }
    close_below(it->second.child, it->first, turn);
    above_.erase(it->second.above);
    it = below_.erase(it);
  }
}

void StreamTable::on_data(const std::string& child, v1::StreamData data, Turn& turn,
                          std::vector<RisingStream>& rising) {
  const auto it = below_.find(data.stream());
  if (it == below_.end() || it->second.child != child) {
    return close_below(child, data.stream(), turn);
  }
  data.set_stream(it->second.above);
  rising.emplace_back(std::in_place_type<v1::StreamData>, std::move(data));
}

void StreamTable::on_child_close(const std::string& child, const v1::StreamClose& close,
                                 std::vector<RisingStream>& rising) {
  const auto it = below_.find(close.stream());
  if (it == below_.end() || it->second.child != child) return;
  rising.push_back(closed(it->second.above, close.reason()));
  above_.erase(it->second.above);
  below_.erase(it);
}

void StreamTable::on_child_gone(const std::string& child, std::vector<RisingStream>& rising) {
  for (auto it = below_.begin(); it != below_.end();) {
    if (it->second.child != child) {
      ++it;
      continue;
    }
    rising.push_back(closed(it->second.above, "broken: the link to " + child + " broke"));
    above_.erase(it->second.above);
    it = below_.erase(it);
  }
}

}  // namespace banyan::tree
