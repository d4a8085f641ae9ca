// Lists and single objects with gauges: asked for in the tree, answered when they have come.

#include "common/view/api.h"

namespace banyan::view {

Reply Api::gather(GaugeAnswer answer, Call& call) {
  if (gathering_.size() >= max_gauge_answers) {
    return refuse(503, {"too many questions for gauges", {}, "64 are under way", "ask again"});
  }
  if (call.request.method == "HEAD") return facts_answer({});
  auto asks = answer.asks(last_gauge_ask_);
  if (answer.done()) return facts_answer(answer.body());
  for (v1::GaugeAsk& ask : asks) {
    gauge_asks_[ask.ask()] = call.request.exchange;
    call.effects.gauges.push_back(std::move(ask));
  }
  gathering_.emplace(call.request.exchange, std::move(answer));
  return std::nullopt;
}

void Api::on_gauges(const v1::GaugeAnswer& gauges, ApiEffects& effects) {
  const auto asked = gauge_asks_.find(gauges.ask());
  if (asked == gauge_asks_.end()) return;  // its client has gone
  const auto it = gathering_.find(asked->second);
  if (!gauges.more()) gauge_asks_.erase(asked);
  it->second.on_gauges(gauges);
  if (!it->second.done()) return;
  Answer answer = json_answer(it->second.body());
  answer.headers.emplace_back("etag", etag());
  effects.answer(tree::HttpRespond{it->first, answer.status, std::move(answer.headers),
                                   std::move(answer.body)});
  gathering_.erase(it);
}

void Api::drop_gathering(tree::ExchangeId exchange) {
  const auto it = gathering_.find(exchange);
  if (it == gathering_.end()) return;
  for (const std::uint64_t ask : it->second.open()) gauge_asks_.erase(ask);
  gathering_.erase(it);
}

}  // namespace banyan::view
