#include "common/tree/gauge_table.h"

#include <algorithm>

#include "common/base/name.h"

namespace banyan::tree {
namespace {

constexpr std::size_t max_part_bytes = 64 * 1024;

void name_missing(v1::GaugeAnswer& answer, const std::string& path, const std::string& reason) {
  v1::GaugeGap& gap = *answer.add_missing();
  gap.set_path(path);
  gap.set_reason(reason);
}

std::string why_not(const Child* child, const std::string& name) {
  if (child == nullptr) return name + " is not known here";
  if (!child->in_session()) return name + " is not connected: " + child->liveness.why();
  if (!child->gauges) return name + " runs a version without gauges";
  return {};
}

double milliseconds_of(Duration time) {
  return std::chrono::duration<double, std::milli>(time).count();
}

// Cuts an answer into frames.
class Frames {
 public:
  explicit Frames(std::uint64_t ask) : ask_(ask) { begin(); }

  void add(v1::NodeGauges node) {
    google::protobuf::RepeatedPtrField<v1::TargetGauges> targets;
    targets.Swap(node.mutable_targets());
    v1::NodeGauges* open = add_node(node);
    for (v1::TargetGauges& target : targets) {
      const std::size_t size = target.ByteSizeLong();
      if (bytes_ + size > max_part_bytes) {
        begin();
        open = add_node(node);
      }
      *open->add_targets() = std::move(target);
      bytes_ += size;
    }
  }
  void add(v1::GaugeGap gap) {
    const std::size_t size = gap.ByteSizeLong();
    if (bytes_ + size > max_part_bytes) begin();
    *frames_.back().add_missing() = std::move(gap);
    bytes_ += size;
  }
  std::vector<v1::GaugeAnswer> take() {
    frames_.back().set_more(false);
    return std::move(frames_);
  }

 private:
  v1::NodeGauges* add_node(const v1::NodeGauges& head) {
    const std::size_t size = head.ByteSizeLong();
    const bool many = frames_.back().nodes_size() >= static_cast<int>(GaugeTable::paths_per_ask);
    if (many || bytes_ + size > max_part_bytes) begin();
    bytes_ += size;
    v1::NodeGauges& node = *frames_.back().add_nodes();
    node = head;
    return &node;
  }
  void begin() {
    frames_.emplace_back().set_ask(ask_);
    frames_.back().set_more(true);
    bytes_ = 0;
  }

  std::uint64_t ask_;
  std::vector<v1::GaugeAnswer> frames_;
  std::size_t bytes_ = 0;
};

}  // namespace

v1::NodeGauges node_gauges(const HostLoad& load, Duration rtt) {
  v1::NodeGauges node;
  node.set_load_1m(load.load_1m);
  node.set_load_5m(load.load_5m);
  node.set_load_15m(load.load_15m);
  node.set_cpus(load.cpus);
  node.set_rtt_ms(milliseconds_of(rtt));
  return node;
}

std::vector<v1::GaugeAnswer> split_gauge_answer(v1::GaugeAnswer answer) {
  Frames frames(answer.ask());
  for (v1::NodeGauges& node : *answer.mutable_nodes()) frames.add(std::move(node));
  for (v1::GaugeGap& gap : *answer.mutable_missing()) frames.add(std::move(gap));
  return frames.take();
}

void GaugeTable::on_ask(const v1::GaugeAsk& ask, Turn& turn) {
  const std::uint64_t number = ++last_;
  const auto [it, fresh] = entries_.try_emplace(number);
  Entry& entry = it->second;
  entry.above = ask.ask();
  entry.gathered.set_ask(ask.ask());
  if (entries_.size() > max_asks) {
    for (const std::string& path : ask.paths()) {
      name_missing(entry.gathered, path, "too many questions for gauges are under way");
    }
    finish(it);
    return;
  }
  const Duration wait = std::min<Duration>(milliseconds{ask.wait_ms()}, wait_max);
  entry.until = after(turn.now.time, wait);
  split(ask, entry);
  host_wish_ = host_wish_ || entry.own;
  hand_down(number, ask, turn);
  finish_when_whole(it);
}

void GaugeTable::split(const v1::GaugeAsk& ask, Entry& entry) const {
  for (const std::string& path : ask.paths()) {
    const std::string child(split_first(path).first);
    if (child.empty()) {
      entry.own = true;
      continue;
    }
    const std::string why = why_not(downlink_.find(child), child);
    if (why.empty()) {
      entry.open[child].insert(path);
    } else {
      name_missing(entry.gathered, path, why);
    }
  }
}

void GaugeTable::hand_down(std::uint64_t number, const v1::GaugeAsk& ask, Turn& turn) {
  for (const auto& [child, paths] : entries_.at(number).open) {
    v1::Frame frame;
    v1::GaugeAsk& part = *frame.mutable_gauge_ask();
    part.set_ask(number);
    part.set_targets(ask.targets());
    part.set_wait_ms(static_cast<std::uint32_t>(
        std::min<Duration>(milliseconds{ask.wait_ms()}, wait_max) * 7 / 8 / milliseconds{1}));
    for (const std::string& path : paths) part.add_paths(std::string(split_first(path).second));
    downlink_.send(child, std::move(frame), turn);
  }
}

void GaugeTable::on_answer(const std::string& child, const v1::GaugeAnswer& answer) {
  const auto it = entries_.find(answer.ask());
  if (it == entries_.end()) return;  // late
  Entry& entry = it->second;
  const auto open = entry.open.find(child);
  if (open == entry.open.end()) return;
  const std::size_t bytes = answer.ByteSizeLong();
  if (held_bytes_ + bytes > max_held_bytes) {
    give_up(entry, child, "too many gauges are under way");
    finish_when_whole(it);
    return;
  }
  entry.bytes += bytes;
  held_bytes_ += bytes;
  for (const v1::NodeGauges& node : answer.nodes()) {
    if (!open->second.contains(node.path())) continue;  // nobody asked
    entry.answered.insert(node.path());
    *entry.gathered.add_nodes() = node;
  }
  for (const v1::GaugeGap& gap : answer.missing()) {
    const bool asked = open->second.contains(gap.path());
    if (!asked || !entry.answered.insert(gap.path()).second) continue;
    *entry.gathered.add_missing() = gap;
  }
  if (answer.more()) return;
  give_up(entry, child, "its parent did not speak of it");
  finish_when_whole(it);
}

// What this child has not said is missing for this reason.
void GaugeTable::give_up(Entry& entry, const std::string& child, const std::string& why) {
  const auto open = entry.open.find(child);
  for (const std::string& path : open->second) {
    if (!entry.answered.contains(path)) name_missing(entry.gathered, path, why);
  }
  entry.open.erase(open);
}

void GaugeTable::on_child_gone(const std::string& child) {
  for (auto it = entries_.begin(); it != entries_.end();) {
    const auto next = std::next(it);
    if (it->second.open.contains(child)) {
      give_up(it->second, child, "the link to " + child + " broke");
      finish_when_whole(it);
    }
    it = next;
  }
}

void GaugeTable::on_parent_gone() {
  for (auto it = entries_.begin(); it != entries_.end();) {
    if ((it->second.above & local_ask) != 0) {
      ++it;
      continue;
    }
    held_bytes_ -= it->second.bytes;
    it = entries_.erase(it);
  }
}

void GaugeTable::on_host(const HostLoad& load, Duration rtt) {
  for (auto it = entries_.begin(); it != entries_.end();) {
    const auto next = std::next(it);
    if (std::exchange(it->second.own, false)) {
      *it->second.gathered.add_nodes() = node_gauges(load, rtt);
      finish_when_whole(it);
    }
    it = next;
  }
}

void GaugeTable::on_time(Time now) {
  for (auto it = entries_.begin(); it != entries_.end();) {
    Entry& entry = it->second;
    if (now < entry.until) {
      ++it;
      continue;
    }
    if (entry.own) name_missing(entry.gathered, "", "its own load was not read in time");
    while (!entry.open.empty()) {
      const std::string child = entry.open.begin()->first;
      give_up(entry, child, "no answer from " + child + " in time");
    }
    it = finish(it);
  }
}

Time GaugeTable::next_deadline() const {
  Time next = never;
  for (const auto& [number, entry] : entries_) next = std::min(next, entry.until);
  return next;
}

void GaugeTable::finish_when_whole(Entries::iterator it) {
  if (!it->second.own && it->second.open.empty()) finish(it);
}

GaugeTable::Entries::iterator GaugeTable::finish(Entries::iterator it) {
  for (v1::GaugeAnswer& part : split_gauge_answer(std::move(it->second.gathered))) {
    answers_.push_back(std::move(part));
  }
  held_bytes_ -= it->second.bytes;
  return entries_.erase(it);
}

}  // namespace banyan::tree
