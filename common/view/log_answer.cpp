#include "common/view/log_answer.h"

#include <algorithm>
#include <utility>

#include "common/base/name.h"
#include "common/base/text.h"
#include "common/view/answer.h"

namespace banyan::view {
namespace {

constexpr Duration begin_delay = milliseconds{300};
constexpr Duration retry_delay = milliseconds{200};
constexpr std::uint64_t least_window = 32U << 10U;

std::string_view code_of(std::string_view reason) {
  return reason.substr(0, std::min(reason.find(':'), reason.size()));
}

bool is_break(std::string_view reason) {
  const auto code = code_of(reason);
  return code == "broken" || code == "closed" || code == "in_doubt" || code == "stopping";
}

std::size_t place_of(std::uint32_t channel) { return channel == channel_err ? 1 : 0; }

}  // namespace

int status_of_close(std::string_view reason) {
  const auto code = code_of(reason);
  if (code == "not_found" || code == "gone" || code == "moved") return 404;
  if (code == "bad_request") return 400;
  if (is_break(reason) || code == "unreachable" || code == "refused") return 503;
  return 409;
}

std::uint64_t StreamNumbers::open(tree::ExchangeId owner) {
  owners_[++last_] = owner;
  return last_;
}

std::optional<tree::ExchangeId> StreamNumbers::owner(std::uint64_t stream) const {
  const auto it = owners_.find(stream);
  return it == owners_.end() ? std::nullopt : std::optional(it->second);
}

std::string LogAnswer::Source::path() const { return join_path(open.path(), open.target()); }

LogAnswer::LogAnswer(LogAsk ask, const tree::Mirror& mirror, StreamNumbers& numbers)
    : ask_(std::move(ask)),
      mirror_(mirror),
      numbers_(numbers),
      merge_(ask_.like.follow() ? std::optional<Duration>(merge_window) : std::nullopt) {
  const auto count = std::max<std::uint64_t>(ask_.targets.size(), 1);
  window_ = std::clamp(window_of_all / count, least_window, window);
  widest_ = std::clamp(window_of_all / count, window_, widest_window);
}

std::size_t LogAnswer::add_source(Source source) {
  sources_.push_back(std::move(source));
  return merge_.add_source();
}

void LogAnswer::start(Now now, ApiEffects& effects) {
  const bool alone = ask_.targets.size() == 1;
  if (ask_.ndjson || !alone) {
    begin(effects);
  } else {
    begin_at_ = after(now.time, begin_delay);
  }
  for (const auto& target : ask_.targets) {
    Source source{CreditWindow(window_, widest_)};
    source.open = ask_.like;
    source.open.set_path(target.node);
    source.open.set_target(target.name);
    source.open.set_tail(target.tail);
    source.joiner.set_raw(alone && !ask_.ndjson);
    add_source(std::move(source));
  }
  for (std::size_t i = 0; i < sources_.size() && !done_; ++i) {
    if (ask_.targets[i].unreachable.empty()) {
      open(sources_[i], now, effects);
    } else {
      fail(i, "unreachable: " + ask_.targets[i].unreachable, effects);
    }
  }
  pump(now, effects);
}

void LogAnswer::open(Source& source, Now now, ApiEffects& effects) const {
  source.state = State::reading;
  source.stream = numbers_.open(ask_.exchange);
  source.open.set_stream(source.stream);
  source.open.set_credit(window_ > source.held ? window_ - source.held : 0);
  source.credit.opened(source.open.credit(), now.time);
  effects.opens.push_back(source.open);
}

// A reader that holds less than half of the window keeps up.
void LogAnswer::give(Source& source, std::uint64_t bytes, Now now, ApiEffects& effects) {
  if (bytes == 0 || source.state != State::reading) return;
  const bool keeps_up = 2 * source.held < source.credit.window();
  auto& credit = effects.credits.emplace_back();
  credit.set_stream(source.stream);
  credit.set_bytes(source.credit.give(bytes, keeps_up, now.time));
}

LogAnswer::Source* LogAnswer::find(std::uint64_t stream) {
  const auto it = std::find_if(sources_.begin(), sources_.end(), [stream](const Source& source) {
    return source.state == State::reading && source.stream == stream;
  });
  return it == sources_.end() ? nullptr : &*it;
}

void LogAnswer::on_data(const v1::StreamData& data, Now now, ApiEffects& effects) {
  Source* source = find(data.stream());
  if (source == nullptr || done_) return;
  const auto index = static_cast<std::size_t>(source - sources_.data());
  std::uint64_t give_back = 0;
  for (const auto& record : data.records()) {
    source->credit.received(record.data().size(), now.time);
    take(index, record, now, give_back);
  }
  source->give_up_at = never;
  give(*source, give_back, now, effects);
  pump(now, effects);
}

void LogAnswer::take(std::size_t index, const v1::LogRecord& record, Now now,
                     std::uint64_t& give_back) {
  Source& source = sources_[index];
  auto& next = source.next[place_of(record.channel())];
  if (next && record.gap_bytes() == 0 && record.offset() < *next) {  // told before a break
    const auto known = std::min<std::uint64_t>(*next - record.offset(), record.data().size());
    give_back += known;
    if (known == record.data().size()) return;
    v1::LogRecord rest = record;
    rest.mutable_data()->erase(0, known);
    rest.set_offset(record.offset() + known);
    return take(index, rest, now, give_back);
  }
  const std::uint64_t length = record.gap_bytes() > 0 ? record.gap_bytes() : record.data().size();
  next = record.offset() + length;
  source.last_ns = record.time_ns();
  std::vector<LogPiece> pieces;
  const std::uint64_t kept = source.joiner.take(record, pieces);
  give_back += kept;
  source.held += record.data().size() - kept;
  for (auto& piece : pieces) merge_.add(index, std::move(piece), now.time);
}

void LogAnswer::on_close(const v1::StreamClose& close, Now now, ApiEffects& effects) {
  Source* source = find(close.stream());
  numbers_.forget(close.stream());
  if (source == nullptr || done_) return;
  const auto index = static_cast<std::size_t>(source - sources_.data());
  const bool again = source->broke && code_of(close.reason()) == "unreachable";
  if (close.reason().empty()) {
    finish(index, now);
  } else if (is_break(close.reason()) || again) {
    wait(*source, now);
  } else {
    fail(index, close.reason(), effects);
  }
  pump(now, effects);
}

void LogAnswer::wait(Source& source, Now now) {
  source.state = State::waiting;
  source.broke = true;
  source.stream = 0;
  source.retry_at = after(now.time, retry_delay);
  const bool patient = ask_.like.follow() || source.give_up_at != never;
  if (!patient) source.give_up_at = after(now.time, give_up_after);
}

bool LogAnswer::reachable(const Source& source) const {
  const auto* node = mirror_.find(source.open.path());
  return node != nullptr && tree::break_above(*node) == nullptr &&
         node->has_target(source.open.target());
}

// Opens the source where it was left; one of both channels becomes two.
void LogAnswer::reopen(std::size_t index, Now now, ApiEffects& effects) {
  const bool nothing_yet = sources_[index].last_ns == 0;
  if (nothing_yet) return open(sources_[index], now, effects);
  if (sources_[index].open.channel() == 0) {
    sources_[index].joiner.set_raw(false);
    Source other{sources_[index].credit};
    other.open = sources_[index].open;
    other.open.set_channel(channel_err);
    other.joiner = sources_[index].joiner.split_off(channel_err);
    other.next[1] = std::exchange(sources_[index].next[1], std::nullopt);
    other.last_ns = sources_[index].last_ns;
    other.broke = true;
    other.give_up_at = sources_[index].give_up_at;
    sources_[index].open.set_channel(channel_out);
    const auto added = add_source(std::move(other));
    reopen(added, now, effects);
  }
  Source& source = sources_[index];
  const auto& next = source.next[place_of(source.open.channel())];
  source.open.set_tail(-1);
  source.open.set_since_ms(next ? -1 : source.last_ns / 1'000'000);
  source.open.set_offset(next ? static_cast<std::int64_t>(*next) : -1);
  open(source, now, effects);
}

void LogAnswer::finish(std::size_t index, Now now) {
  Source& source = sources_[index];
  std::vector<LogPiece> pieces;
  source.joiner.flush(pieces);
  for (auto& piece : pieces) merge_.add(index, std::move(piece), now.time);
  merge_.close(index);
  source.state = State::over;
  source.stream = 0;
}

void LogAnswer::fail(std::size_t index, const std::string& reason, ApiEffects& effects) {
  if (!begun_ && sources_.size() == 1 && out_.empty() && merge_.empty()) {
    const std::string path = sources_[index].path();
    const bool unreachable = status_of_close(reason) == 503;
    const Error error{visible(reason),
                      path,
                      {},
                      "banyan " + (unreachable ? "get nodes" : "describe " + path) + " shows why"};
    Answer answer = problem_answer(Problem{status_of_close(reason), error, {}, {}});
    effects.answer(tree::HttpRespond{ask_.exchange, answer.status, std::move(answer.headers),
                                     std::move(answer.body)});
    done_ = true;
    return;
  }
  if (ask_.ndjson) out_ += ndjson_error(sources_[index].path(), reason);
  finish(index, {});
}

void LogAnswer::begin(ApiEffects& effects) {
  if (begun_) return;
  begun_ = true;
  begin_at_ = never;
  tree::HttpHeaders headers = {
      {"content-type", ask_.ndjson ? "application/x-ndjson" : "text/plain; charset=utf-8"},
      {"cache-control", "no-store"}};
  effects.answer(tree::HttpBegin{ask_.exchange, 200, std::move(headers)});
}

void LogAnswer::pump(Now now, ApiEffects& effects) {
  if (done_ || full_) return;
  while (out_.size() < most_at_once) {
    const auto next = merge_.take(now.time);
    if (!next) break;
    write(next->first, next->second);
  }
  full_ = out_.size() >= most_at_once;
  if (!out_.empty()) {
    begin(effects);
    effects.answer(tree::HttpChunk{ask_.exchange, std::exchange(out_, std::string())});
  }
  if (full_) return;
  const bool over = std::all_of(sources_.begin(), sources_.end(),
                                [](const Source& source) { return source.state == State::over; });
  if (!over || !merge_.empty()) return;
  begin(effects);
  effects.answer(tree::HttpEnd{ask_.exchange});
  done_ = true;
}

void LogAnswer::write(std::size_t index, const LogPiece& piece) {
  sources_[index].owed += piece.credit;
  if (ask_.ndjson) {
    out_ += ndjson_line(sources_[index].path(), piece);
    return;
  }
  if (piece.bytes.empty()) return;
  if (line_is_open_ && last_source_ != index) out_ += '\n';
  out_ += piece.bytes;
  line_is_open_ = piece.bytes.back() != '\n';
  last_source_ = index;
}

void LogAnswer::on_drained(Now now, ApiEffects& effects) {
  for (auto& source : sources_) {
    const auto owed = std::exchange(source.owed, 0);
    source.held -= std::min(owed, source.held);
    give(source, owed, now, effects);
  }
  full_ = false;
  pump(now, effects);
}

void LogAnswer::on_client_gone(ApiEffects& effects) {
  done_ = true;
  for (auto& source : sources_) {
    if (source.state != State::reading || source.stream == 0) continue;
    numbers_.forget(source.stream);
    effects.closes.emplace_back().set_stream(source.stream);
  }
}

void LogAnswer::on_time(Now now, ApiEffects& effects) {
  if (!begun_ && begin_at_ <= now.time) begin(effects);
  const std::size_t count = sources_.size();  // those that are added on the way are open
  for (std::size_t i = 0; i < count && !done_; ++i) {
    if (sources_[i].state != State::waiting) continue;
    if (sources_[i].give_up_at <= now.time) {
      fail(i, "broken: the way to it is cut", effects);
    } else if (sources_[i].retry_at <= now.time) {
      sources_[i].retry_at = after(now.time, retry_delay);
      if (reachable(sources_[i])) reopen(i, now, effects);
    }
  }
  pump(now, effects);
}

Time LogAnswer::next_deadline() const {
  if (done_) return never;
  Time next = std::min(begin_at_, full_ ? never : merge_.next_deadline());
  for (const auto& source : sources_) {
    if (source.state == State::waiting) next = std::min({next, source.retry_at, source.give_up_at});
  }
  return next;
}

}  // namespace banyan::view
