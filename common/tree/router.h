#pragma once
// What passes through a node with children: requests, streams and questions for gauges down,
// outcomes, streams, gauges and events up, acknowledgements of events down again. A relay puts its
// Uplink above it, the root its Api. Single threaded.

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/tree/gauge_table.h"
#include "common/tree/ping_table.h"
#include "common/tree/request_table.h"
#include "common/tree/stream_table.h"

namespace banyan::tree {

// What goes on upward, paths from this node.
using Rising = std::variant<RisingEvents, v1::Outcomes, v1::StreamData, v1::StreamClose,
                            v1::GaugeAnswer, v1::Pong>;

class Router {
 public:
  explicit Router(Downlink& downlink)
      : downlink_(downlink),
        requests_(downlink),
        streams_(downlink),
        gauges_(downlink),
        pings_(downlink) {}

  // From above.
  void on_request(const v1::Request& request, Turn& turn);
  void on_stream_open(const v1::StreamOpen& open, Turn& turn);
  void on_stream_credit(const v1::StreamCredit& credit, Turn& turn);
  void on_stream_close(const v1::StreamClose& close, Turn& turn);
  void on_outcome_ask(const v1::OutcomeAsk& ask, Turn& turn);
  void on_ping(const v1::Ping& ping, Turn& turn);
  void on_event_ack(const v1::EventAck& ack, Turn& turn);
  void on_gauge_ask(const v1::GaugeAsk& ask, Turn& turn) { gauges_.on_ask(ask, turn); }
  // A new session above (or a rewind from there): every origin below sends again what was not
  // stored.
  void rewind(Turn& turn);
  void on_parent_gone(Turn& turn);

  // From below.
  void on_child_gone(const std::string& child);
  void on_child(FromChild& notice, Turn& turn);

  void on_time(Time now);
  Time next_deadline() const {
    return std::min({requests_.next_deadline(), gauges_.next_deadline(), pings_.next_deadline()});
  }
  std::size_t requests_under_way() const { return requests_.size(); }
  std::size_t open_streams() const { return streams_.size(); }

  // True once when on_host() is to follow: somebody asks for the load of this very node.
  bool take_host_wish() { return gauges_.take_host_wish(); }
  void on_host(const HostLoad& load, Duration rtt) { gauges_.on_host(load, rtt); }

  // Takes what is to go upward since the last call, in order.
  std::vector<Rising> take_rising();

 private:
  void raise(std::vector<v1::Outcomes>& outcomes);
  void raise(std::vector<RisingStream>& streams);
  void raise(std::vector<v1::Pong>& pongs);

  static constexpr std::size_t max_origins = 200'000;

  Downlink& downlink_;
  RequestTable requests_;
  StreamTable streams_;
  GaugeTable gauges_;
  PingTable pings_;
  std::map<std::string, std::string> event_origins_;  // instance -> child its events came by last
  std::vector<Rising> rising_;
};

}  // namespace banyan::tree
