#pragma once
// The REST face of one node: a pure function of its mirror, of the events and outcomes that it is
// told, and of the time. Whoever contains it hands in HTTP events and what rises from the tree, and
// performs the effects.
//
// Invariants
//  1. A request is answered exactly once, now or later, unless its client goes first.
//  2. Nothing happens on GET.
//  3. What a subscriber of the event stream is to see is in the effects of the call that told it.
// The mirror outlives it and must not change during a call. Single threaded.
// Bounds: those of EventLog, CommandBook, StreamHub, LogAnswer; max_waiting, max_log_answers.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "common/tree/command_key.h"
#include "common/tree/mirror.h"
#include "common/tree/turn.h"
#include "common/view/answer.h"
#include "common/view/api_effects.h"
#include "common/view/command_book.h"
#include "common/view/event_filter.h"
#include "common/view/event_log.h"
#include "common/view/fact_json.h"
#include "common/view/gauge_answer.h"
#include "common/view/health.h"
#include "common/view/log_answer.h"
#include "common/view/outages.h"
#include "common/view/page.h"
#include "common/view/query.h"
#include "common/view/stream_hub.h"

namespace banyan::view {

struct StaticFile {
  std::string path;  // "/index.html"; also answers "/"
  std::string type;
  std::string bytes;
};

struct ApiOptions {
  TopInfo top;              // started_ms: revisions and stream ids rise from it, over restarts too
  std::uint64_t seed = 1;   // for command ids
  std::uint64_t epoch = 0;  // of commands; rises with every start, whatever the clock says
  std::vector<StaticFile> files;
  EventLimits events;
};

// The options of a node's Api, from who it is.
ApiOptions api_options(const std::string& name, const tree::Identity& identity,
                       std::vector<StaticFile> files);

class Api {
 public:
  static constexpr std::size_t max_waiting = 1'000;  // answers that wait for a command
  static constexpr std::size_t max_log_answers = 64;
  static constexpr std::size_t max_gauge_answers = 64;
  static constexpr std::size_t max_reads = 64;                 // answers out of the store
  static constexpr std::size_t max_log_targets = 1'000;        // of one answer
  static constexpr std::size_t max_told_at_once = 2'000;       // items of the stream by one change
  static constexpr Duration settle_delay = milliseconds{100};  // sums and outages in the stream

  Api(const tree::Mirror& mirror, ApiOptions options);
  // Commands given here carry this signature from now on.
  void sign_with(tree::CommandSigner signer) { signer_ = std::move(signer); }

  // At most once, before anything else: there is a store, and this is what it holds.
  void resume(const History& history, Now now);
  void keep_unstored(std::size_t events, std::size_t bytes) {
    events_.keep_unstored(events, bytes);
  }
  std::vector<EventRow> take_rows() { return events_.take_rows(); }
  void on_history(HistoryAnswer answer, ApiEffects& effects);
  void set_store_counters(const StoreCounters& counters) { store_ = counters; }
  void set_events_deferred(std::uint64_t batches) { events_deferred_ = batches; }

  void handle(const tree::HttpEvent& event, Now now, ApiEffects& effects);

  // The mirror has changed so.
  void on_changes(const tree::Changes& changes, Now now, ApiEffects& effects);
  // Paths from the top. The answer goes to the origin of the batch.
  v1::EventAck on_events(const v1::EventBatch& batch, Now now, ApiEffects& effects);
  void add_event(OwnEvent event, Now now, ApiEffects& effects);
  void on_outcomes(const v1::Outcomes& outcomes, Now now, ApiEffects& effects);
  void on_stream_data(const v1::StreamData& data, Now now, ApiEffects& effects);
  void on_stream_close(const v1::StreamClose& close, Now now, ApiEffects& effects);
  void on_gauges(const v1::GaugeAnswer& gauges, ApiEffects& effects);
  void on_pong(const v1::Pong& pong, ApiEffects& effects);
  void on_time(Now now, ApiEffects& effects);
  Time next_deadline() const;

  const EventLog& events() const { return events_; }
  const CommandBook& commands() const { return commands_; }

  struct Call {
    const tree::HttpRequest& request;
    Query query;
    std::string rest;  // what a route's {..} stands for
    Now now;
    ApiEffects& effects;
  };
  struct Route {
    std::string_view method;
    std::string_view pattern;  // a last {name} takes one name, {path} all that is left
    std::string_view parameters;
    Reply (Api::*handler)(Call&);
    std::string_view summary;
  };
  static const std::vector<Route>& routes();

 private:
  struct Waiting {
    std::string command;
    Time until{};
    int status = 202;  // when it is not finished by then
  };

  // probes and files (api_probes.cpp)
  Reply get_livez(Call& call);
  Reply get_version(Call& call);
  Reply get_metrics(Call& call);
  Reply get_openapi(Call& call);
  Reply get_file(Call& call);
  // facts (api_facts.cpp)
  Reply get_status(Call& call);
  Reply get_tree(Call& call);
  Reply get_nodes(Call& call);
  Reply get_node(Call& call);
  Reply get_targets(Call& call);
  Reply get_target(Call& call);
  Reply get_outages(Call& call);
  Reply gather(GaugeAnswer answer, Call& call);  // api_gauges.cpp
  void drop_gathering(tree::ExchangeId exchange);
  // the others, each in the file of its name
  Reply get_ping(Call& call);
  void expire_pings(Now now, ApiEffects& effects);
  Reply get_events(Call& call);
  Reply get_stream(Call& call);
  Reply get_logs(Call& call);
  Reply post_command(Call& call);
  Reply get_commands(Call& call);
  Reply get_command(Call& call);
  Reply delete_command(Call& call);

  // An answer that goes on in the store.
  struct EventRead {
    tree::ExchangeId exchange = 0;
    EventFilter filter;
    PageWriter writer;
    bool head = false;  // only the head was asked for
  };
  void ask_history(std::uint64_t id, const EventFilter& filter, ApiEffects& effects);
  void answer_read(std::uint64_t id, Answer answer, ApiEffects& effects);
  void store_command(const std::string& id, bool audit, ApiEffects& effects);

  Reply dispatch(Call& call, std::string_view path);
  void respond(const tree::HttpRequest& request, Reply reply, ApiEffects& effects);
  void on_closed(tree::ExchangeId exchange, Now now, ApiEffects& effects);

  std::uint64_t revision() const;
  std::string etag() const;
  bool is_unchanged(const Call& call) const;
  Reply facts_answer(std::string body) const;
  tl::expected<tree::Selection, Problem> select(const Call& call) const;

  tl::expected<CommandAsk, Problem> read_command(const Call& call) const;
  Reply answer_command(const std::string& id, Call& call, bool made);
  void finish_commands(const std::vector<std::string>& ids, Now now, ApiEffects& effects);
  void sign(v1::Request& request, Now now);
  void roll_commands(Now now, ApiEffects& effects);

  tl::expected<LogAsk, Problem> read_log_ask(const Call& call) const;
  void drop_done_logs();

  void publish_events(std::uint64_t after_seq, ApiEffects& effects);
  void publish_settled(Now now, ApiEffects& effects);
  void publish_node(const std::string& path, ApiEffects& effects);
  void publish_target(const std::string& node, const std::string& name, ApiEffects& effects);
  void publish_subtree(const tree::Mirror::Node& node, ApiEffects& effects);
  void publish_link(const std::string& parent, const std::string& child, ApiEffects& effects);
  void begin_publishing();
  std::string snapshot(const Subscription& subscription);

  const tree::Mirror& mirror_;
  ApiOptions options_;
  HealthView health_;
  FactJson json_;
  EventLog events_;
  CommandBook commands_;
  std::optional<tree::CommandSigner> signer_;
  std::uint64_t last_signed_ = 0;
  StreamHub hub_;
  StreamNumbers numbers_;
  std::map<tree::ExchangeId, LogAnswer> logs_;
  std::map<tree::ExchangeId, Waiting> waiting_;
  std::map<tree::ExchangeId, GaugeAnswer> gathering_;
  std::map<std::uint64_t, tree::ExchangeId> gauge_asks_;  // not yet answered, by number
  std::uint64_t last_gauge_ask_ = 0;
  struct Pinging {
    tree::ExchangeId exchange{};
    std::string path;
    Time until{};
  };
  std::map<std::uint64_t, Pinging> pings_;  // by number, oldest first
  std::uint64_t last_ping_ = 0;
  bool has_store_ = false;
  StoreCounters store_;
  std::uint64_t events_deferred_ = 0;
  std::map<std::uint64_t, EventRead> reads_;
  std::uint64_t last_read_ = 0;
  std::set<std::string> broken_;           // nodes whose link is not up, as told to the stream
  std::set<std::string> unsettled_;        // nodes whose sums have changed
  std::map<std::string, Outage> outages_;  // as told to the stream, by id
  Time settle_at_ = never;
  std::uint64_t requests_ = 0;
};

}  // namespace banyan::view
