#pragma once
// What the API asks for. Performed in this order by the role that contains it: answers to the HTTP
// server, the rest into the tree. Paths are from the node that serves ("" = that node itself).
// With a store (Api::resume) a request waits until the audit row of its command is stored.

#include <vector>

#include "banyan/v1/link.pb.h"
#include "common/tree/http_event.h"
#include "common/view/history.h"

namespace banyan::view {

struct ApiEffects {
  std::vector<tree::HttpEffect> http;
  std::vector<v1::Request> requests;
  std::vector<v1::OutcomeAsk> asks;
  std::vector<v1::Ping> pings;
  std::vector<v1::StreamOpen> opens;
  std::vector<v1::StreamCredit> credits;
  std::vector<v1::StreamClose> closes;
  std::vector<v1::GaugeAsk> gauges;
  std::vector<CommandRow> commands;  // with a store only
  std::vector<HistoryAsk> history;   // likewise

  template <class Effect>
  void answer(Effect effect) {
    http.emplace_back(std::in_place_type<Effect>, std::move(effect));
  }
};

}  // namespace banyan::view
