#pragma once
// One answer with gauges=1: what the mirror says, and beside it what the nodes say of themselves at
// this moment. It waits until all who were asked have answered; who did not answer in time has null
// for its gauges and the reason in `gauges_missing`. The ETag is that of the facts alone.
//
//   gathering --(the last question is answered)--> done
//
// Every question is answered by the tree within its wait (GaugeTable). Pure; single threaded.
// Bounds: the items of one page; questions of GaugeTable::paths_per_ask nodes each.

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include <boost/json.hpp>

#include "banyan/v1/link.pb.h"
#include "common/view/answer.h"
#include "common/view/page.h"

namespace banyan::view {

class GaugeAnswer {
 public:
  static constexpr Duration wait = seconds{2};

  struct Item {
    boost::json::object json;
    std::string node;
    std::string target;  // "" = the node itself
    bool ask = true;     // false: it has no gauges now, and needs no reason
    std::string token;   // of the page
  };

  // `single`: the answer is the one item, not a list.
  GaugeAnswer(Page page, bool single) : page_(std::move(page)), single_(single) {}

  bool has_room() const { return items_.size() < static_cast<std::size_t>(page_.limit); }
  void add(Item item);
  void set_more() { more_ = true; }

  // The questions, numbered from `last_number` + 1, which is moved on.
  std::vector<v1::GaugeAsk> asks(std::uint64_t& last_number);
  void on_gauges(const v1::GaugeAnswer& answer);
  bool done() const { return open_.empty(); }
  const std::set<std::uint64_t>& open() const { return open_; }  // questions without an answer

  std::string body();

 private:
  void fill(Item& item) const;
  void fill_node(boost::json::object& json, const v1::NodeGauges* gauges) const;
  void fill_target(boost::json::object& json, const v1::TargetGauges* gauges) const;

  Page page_;
  bool single_;
  bool more_ = false;
  bool targets_ = false;
  std::vector<Item> items_;
  std::set<std::uint64_t> open_;
  std::map<std::string, v1::NodeGauges> nodes_;
  std::map<std::pair<std::string, std::string>, v1::TargetGauges> of_targets_;
  std::map<std::string, std::string> missing_;
};

}  // namespace banyan::view
