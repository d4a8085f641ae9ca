// Logs: reading the question, and handing what rises to the answers that wait for it.

#include <algorithm>
#include <array>

#include <re2/re2.h>

#include "common/base/text.h"
#include "common/view/api.h"
#include "common/view/suggest.h"

namespace banyan::view {
namespace {

// As StreamOpen counts them, from 1 on.
constexpr std::array<std::string_view, 6> level_words{"trace",   "debug", "info",
                                                      "warning", "error", "critical"};
constexpr std::int64_t max_tail = INT64_MAX / 2;

tl::unexpected<Problem> bad_parameter(std::string what, std::string where, std::string hint = {}) {
  return bad_request({std::move(what), std::move(where), {}, std::move(hint)});
}

std::optional<Problem> read_words(const Query& query, LogAsk& ask) {
  const auto format = query.text("format");
  if (!format.empty() && format != "text" && format != "ndjson") {
    return bad_parameter("unknown format", "format=" + visible(format), "text or ndjson").value();
  }
  ask.ndjson = format == "ndjson";
  const auto stream = query.text("stream");
  if (!stream.empty() && stream != "stdout" && stream != "stderr") {
    return bad_parameter("unknown stream", "stream=" + visible(stream), "stdout or stderr").value();
  }
  if (!stream.empty()) ask.like.set_channel(stream == "stdout" ? channel_out : channel_err);
  const auto grep = query.text("grep");
  const re2::RE2 pattern(grep, re2::RE2::Quiet);
  if (!pattern.ok()) {
    return bad_parameter("bad pattern", "grep=" + visible(grep), pattern.error()).value();
  }
  ask.like.set_grep(grep);
  const auto level = query.text("level");
  if (!level.empty()) {
    const auto known = std::find(level_words.begin(), level_words.end(), level);
    if (known == level_words.end()) {
      return bad_parameter("unknown level", "level=" + visible(level),
                           "trace, debug, info, warning, error or critical")
          .value();
    }
    ask.like.set_level(static_cast<std::uint32_t>(known - level_words.begin()) + 1);
  }
  return std::nullopt;
}

std::optional<Problem> read_range(const Query& query, WallTime now, LogAsk& ask) {
  const auto follow = query.flag("follow");
  if (!follow) return bad_request(follow.error()).value();
  const auto since = query.time("since", now);
  if (!since) return bad_request(since.error()).value();
  const auto until = query.time("until", now);
  if (!until) return bad_request(until.error()).value();
  const auto offset = query.integer("offset", {0, INT64_MAX});
  if (!offset) return bad_request(offset.error()).value();
  if (*offset && ask.like.channel() == 0) {
    return bad_parameter("an offset is of one stream", "offset", "add stream=stdout").value();
  }
  const auto previous = query.flag("previous");
  if (!previous) return bad_request(previous.error()).value();
  if (*previous && *follow) {
    return bad_parameter("the run before this one is over", "follow", "leave out one of the two")
        .value();
  }
  ask.like.set_previous(*previous);
  ask.like.set_follow(*follow);
  ask.like.set_since_ms(*since ? std::max<std::int64_t>(wall_ms(**since), 0) : -1);
  ask.like.set_until_ms(*until ? std::max<std::int64_t>(wall_ms(**until), 0) : -1);
  ask.like.set_offset(offset->value_or(-1));
  return std::nullopt;
}

// -1 = all; nothing given: the target's own default, unless the range is narrowed otherwise.
tl::expected<std::optional<std::int64_t>, Problem> read_tail(const Query& query) {
  const auto text = query.text("tail");
  if (text == "all" || text == "-1") return -1;
  const auto tail = query.integer("tail", {0, max_tail});
  if (!tail) {
    Error error = tail.error();
    error.hint = "a number of lines, or all";
    return bad_request(std::move(error));
  }
  if (*tail) return *tail;
  const bool narrowed = query.find("since") != nullptr || query.find("until") != nullptr ||
                        query.find("offset") != nullptr;
  return narrowed ? std::optional<std::int64_t>(-1) : std::nullopt;
}

LogAsk::Target read_target(const tree::TargetRef& ref, std::optional<std::int64_t> tail) {
  LogAsk::Target target{ref.node->path(), ref.name, -1, {}};
  const auto bufsize = ref.fact().bufsize();
  if (bufsize > 0) target.tail = bufsize;
  if (tail) target.tail = *tail;
  if (const auto* broken = tree::break_above(*ref.node)) {
    target.unreachable = broken->path() + " is " + tree::name_of(tree::state_of(*broken));
  }
  return target;
}

}  // namespace

tl::expected<LogAsk, Problem> Api::read_log_ask(const Call& call) const {
  LogAsk ask;
  ask.exchange = call.request.exchange;
  if (auto problem = read_words(call.query, ask)) return tl::unexpected<Problem>(*problem);
  if (auto problem = read_range(call.query, call.now.wall, ask)) {
    return tl::unexpected<Problem>(*problem);
  }
  const auto tail = read_tail(call.query);
  if (!tail) return tl::unexpected<Problem>(tail.error());
  const auto selection = select(call);
  if (!selection) return tl::unexpected<Problem>(selection.error());
  if (selection->targets.empty()) {
    return nothing_matches(mirror_, "no target matches", call.query.text("select"));
  }
  if (selection->targets.size() > max_log_targets) {
    const auto count = std::to_string(selection->targets.size());
    return bad_parameter("too many targets", "select", count + " match, at most 1000 at once");
  }
  if (ask.like.offset() >= 0 && selection->targets.size() > 1) {
    return bad_parameter("an offset is of one target", "offset", "select one target");
  }
  for (const auto& ref : selection->targets) ask.targets.push_back(read_target(ref, *tail));
  return ask;
}

Reply Api::get_logs(Call& call) {
  auto ask = read_log_ask(call);
  if (!ask) return tl::unexpected<Problem>(ask.error());
  if (logs_.size() >= max_log_answers) {
    return refuse(503, {"too many logs are being read", {}, "at most 64 at once", "try again"});
  }
  const auto [it, fresh] =
      logs_.try_emplace(call.request.exchange, std::move(*ask), mirror_, numbers_);
  if (fresh) it->second.start(call.now, call.effects);
  drop_done_logs();
  return std::nullopt;
}

void Api::on_stream_data(const v1::StreamData& data, Now now, ApiEffects& effects) {
  const auto owner = numbers_.owner(data.stream());
  const auto it = owner ? logs_.find(*owner) : logs_.end();
  if (it == logs_.end()) {  // nobody reads it any more: the source is told to stop
    effects.closes.emplace_back().set_stream(data.stream());
    return;
  }
  it->second.on_data(data, now, effects);
  drop_done_logs();
}

void Api::on_stream_close(const v1::StreamClose& close, Now now, ApiEffects& effects) {
  const auto owner = numbers_.owner(close.stream());
  const auto it = owner ? logs_.find(*owner) : logs_.end();
  if (it == logs_.end()) return;
  it->second.on_close(close, now, effects);
  drop_done_logs();
}

void Api::drop_done_logs() {
  std::erase_if(logs_, [](const auto& entry) { return entry.second.done(); });
}

}  // namespace banyan::view
