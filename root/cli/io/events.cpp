// events: the list, oldest first, and with -f what comes, over broken connections without doubles
// and holes (Last-Event-ID and the events' own numbers).

#include <algorithm>

#include <fmt/format.h>

#include "root/cli/io/interrupt.h"
#include "root/cli/io/verbs.h"
#include "root/cli/render_events.h"
#include "root/cli/sse.h"

namespace banyan::cli {

namespace {

constexpr Duration retry_min = milliseconds{250};
constexpr Duration retry_max = seconds{5};
// The API sends a comment every 15 s.
constexpr Duration idle_limit = seconds{40};

class EventReader {
 public:
  explicit EventReader(Session& session) : session_(session), retry_in_(retry_min) {}

  Outcome<int> list(const std::string& since);
  Outcome<int> follow();

 private:
  bool print(const json::value& event);
  bool take(const ServerEvent& event);
  // A root that was started again counts its events from 1.
  void note_root();
  // What happened between the list and the stream, or in a gap.
  bool catch_up();
  bool reconnect(const HttpAnswer& answer);
  HttpRequest request() const;

  Session& session_;
  SseParser parser_;
  EventWidths widths_;
  std::int64_t last_seq_ = 0;
  std::string run_;  // of the root: its instance and the time of its start
  bool caught_up_ = false;
  bool lost_ = false;
  Duration retry_in_;
};

Outcome<int> EventReader::list(const std::string& since) {
  const LogArguments& log = session_.arguments.log;
  const auto wanted = count_parameter(log.tail, "-n");
  if (!wanted) return tl::unexpected(wanted.error());
  const std::size_t most =
      *wanted ? std::max<std::size_t>(1, **wanted) : (since.empty() ? 1000 : 0);
  if (log.follow) note_root();
  auto items = session_.api.list(
      "/api/v1/events", {{"select", session_.select}, {"since", since}, {"kind", log.kind}}, most);
  if (!items) return tl::unexpected(items.error());
  for (const json::value& event : *items) last_seq_ = std::max(last_seq_, integer_at(event, "seq"));
  if (wanted->value_or(1) == 0) items->clear();
  const View view = session_.terminal.view();
  const Output output = session_.arguments.output;
  if (output == Output::json && !log.follow) {
    session_.terminal.write(as_json(json::object{{"items", *items}, {"continue", nullptr}}, view));
  } else if (output == Output::table || output == Output::wide) {
    const bool fold = view.style.terminal && !log.no_fold;
    session_.terminal.write(log.follow ? render_events(*items, fold, widths_, view)
                                       : render_events(*items, fold, view));
  } else {
    std::reverse(items->begin(), items->end());
    session_.terminal.write(as_ndjson(*items));
  }
  return exit_ok;
}

bool EventReader::print(const json::value& event) {
  const std::int64_t seq = integer_at(event, "seq");
  if (seq != 0 && seq <= last_seq_) return true;
  last_seq_ = std::max(last_seq_, seq);
  const std::string& kind = session_.arguments.log.kind;
  if (!kind.empty() && text_at(event, "kind") != kind) return true;
  const Output output = session_.arguments.output;
  if (output == Output::table || output == Output::wide) {
    return session_.terminal.write(render_event(event, widths_, session_.terminal.view()));
  }
  return session_.terminal.write(json::serialize(event) + "\n");
}

void EventReader::note_root() {
  const auto top = session_.api.get("/api/v1/nodes/%2F", {});
  if (!top) return;
  const std::string run = text_at(*top, "instance_id") + text_at(*top, "since");
  if (!run_.empty() && run != run_) last_seq_ = 0;
  run_ = run;
}

bool EventReader::catch_up() {
  caught_up_ = true;
  note_root();
  auto items = session_.api.list(
      "/api/v1/events", {{"select", session_.select}, {"after", std::to_string(last_seq_)}});
  if (!items) return true;
  for (std::size_t i = items->size(); i > 0; --i) {
    if (!print((*items)[i - 1])) return false;
  }
  return true;
}

bool EventReader::take(const ServerEvent& event) {
  if (std::exchange(lost_, false)) session_.terminal.say("banyan: connected again\n");
  retry_in_ = retry_min;
  if (event.topic == "gap") return catch_up();
  if (event.topic != "events") return true;
  const auto value = parse_json(event.data);
  return !value || print(*value);
}

HttpRequest EventReader::request() const {
  HttpRequest request;
  request.path = with_query("/api/v1/stream", {{"topics", "events"}, {"select", session_.select}});
  request.headers = {"Accept: text/event-stream"};
  if (!parser_.last_id().empty()) request.headers.push_back("Last-Event-ID: " + parser_.last_id());
  request.idle_limit = idle_limit;
  return request;
}

bool EventReader::reconnect(const HttpAnswer& answer) {
  if (!std::exchange(lost_, true)) {
    session_.terminal.say(fmt::format("banyan: the event stream ended{}{}; trying again\n",
                                      answer.why.empty() ? "" : ": ", answer.why));
  }
  const bool goes_on = pause_for(retry_in_);
  retry_in_ = std::min(retry_max, retry_in_ * 2);
  return goes_on;
}

Outcome<int> EventReader::follow() {
  for (;;) {
    bool open = true;
    StreamHandlers handlers;
    handlers.on_idle = [&] { return caught_up_ || catch_up(); };
    handlers.on_bytes = [&](std::string_view bytes) {
      if (!caught_up_) open = catch_up();
      parser_.feed(bytes, [&](const ServerEvent& event) { open = open && take(event); });
      return open && !parser_.overflowed();
    };
    caught_up_ = false;
    parser_.reset();
    const HttpAnswer answer = session_.api.stream(request(), handlers);
    if (answer.trouble == Trouble::interrupted) return exit_interrupted;
    if (session_.terminal.closed()) return exit_ok;
    const bool refused = answer.trouble == Trouble::none && !answer.ok();
    if (refused) return tl::unexpected(session_.api.failure_of(answer));
    if (!reconnect(answer)) return exit_interrupted;
  }
}

}  // namespace

Outcome<int> run_events(Session& session) {
  const auto since = time_parameter(session.arguments.log.since, "--since");
  if (!since) return tl::unexpected(since.error());
  EventReader reader(session);
  auto listed = reader.list(*since);
  if (!listed || !session.arguments.log.follow || session.terminal.closed()) return listed;
  return reader.follow();
}

}  // namespace banyan::cli
