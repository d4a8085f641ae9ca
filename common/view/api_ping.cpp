// Round trips: a ping to one node, answered with what every hop on the way took.

#include <boost/json.hpp>

#include "common/base/text.h"
#include "common/view/api.h"
#include "common/view/suggest.h"

namespace banyan::view {
namespace {

using boost::json::array;
using boost::json::object;

constexpr Duration ping_patience = seconds{11};  // the hops give up after 10

object pong_json(const std::string& path, const v1::Pong& pong) {
  std::uint64_t sum = 0;
  array hops;
  for (const v1::Hop& hop : pong.hops()) {
    sum += hop.round_trip_us();
    hops.push_back(object{{"path", hop.path()}, {"round_trip_us", hop.round_trip_us()}});
  }
  return object{{"path", path},
                {"round_trip_us", sum},
                {"hops", std::move(hops)},
                {"broken", visible(pong.broken())}};
}

}  // namespace

Reply Api::get_ping(Call& call) {
  const auto* node = mirror_.find(call.rest);
  if (node == nullptr || node->parent() == nullptr) {
    return nothing_matches(mirror_, "no such node", call.rest);
  }
  if (pings_.size() >= max_waiting)
    return refuse(503, {"too many pings are under way", {}, {}, {}});
  v1::Ping ping;
  ping.set_number(++last_ping_);
  ping.set_path(call.rest);
  pings_[last_ping_] = {call.request.exchange, call.rest, after(call.now.time, ping_patience)};
  call.effects.pings.push_back(std::move(ping));
  return std::nullopt;
}

void Api::on_pong(const v1::Pong& pong, ApiEffects& effects) {
  const auto it = pings_.find(pong.number());
  if (it == pings_.end()) return;
  Answer answer = json_answer(boost::json::serialize(pong_json(it->second.path, pong)));
  effects.answer(tree::HttpRespond{it->second.exchange, answer.status, std::move(answer.headers),
                                   std::move(answer.body)});
  pings_.erase(it);
}

void Api::expire_pings(Now now, ApiEffects& effects) {
  while (!pings_.empty() && pings_.begin()->second.until <= now.time) {
    v1::Pong none;
    none.set_number(pings_.begin()->first);
    none.set_broken("no answer");
    on_pong(none, effects);
  }
}

}  // namespace banyan::view
