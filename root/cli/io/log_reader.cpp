#include "root/cli/io/log_reader.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/units.h"
#include "root/cli/io/interrupt.h"
#include "root/cli/words.h"

namespace banyan::cli {

namespace {

constexpr Duration retry_min = milliseconds{250};
constexpr Duration retry_max = seconds{5};
constexpr Duration idle_limit = seconds{60};

void replace(Query& query, const std::string& key, const std::string& value) {
  for (auto& [known, held] : query) {
    if (known == key) held = value;
  }
}

// The length without a character of UTF-8 whose last bytes have not arrived yet.
std::size_t without_unfinished(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, text.size()); ++back) {
    const auto byte = static_cast<unsigned char>(text[text.size() - back]);
    if (byte < 0x80) return text.size();
    if (byte < 0xC0) continue;
    const std::size_t length = byte < 0xE0 ? 2 : (byte < 0xF0 ? 3 : 4);
    return length > back ? text.size() - back : text.size();
  }
  return text.size();
}

// Control bytes of log text for a terminal; newlines stay, also over the borders of pieces.
class VisibleText {
 public:
  std::string feed(std::string_view bytes) {
    std::string text = std::exchange(held_, {}) + std::string(bytes);
    const std::size_t whole = without_unfinished(text);
    held_ = text.substr(whole);
    text.resize(whole);
    std::string out;
    std::size_t begin = 0;
    for (std::size_t end = text.find('\n'); end != std::string::npos;
         end = text.find('\n', begin)) {
      out += visible(std::string_view(text).substr(begin, end - begin)) + "\n";
      begin = end + 1;
    }
    return out + visible(std::string_view(text).substr(begin));
  }

 private:
  std::string held_;
};

}  // namespace

LogReader::LogReader(Session& session, Query query, std::vector<std::string> paths)
    : session_(session),
      log_(session.arguments.log),
      query_(std::move(query)),
      paths_(std::move(paths)),
      plain_(paths_.size() == 1),
      ndjson_(session.arguments.output == Output::ndjson ||
              session.arguments.output == Output::json),
      view_(session.terminal.view()),
      painter_(paths_, log_.wrap || session.arguments.raw, view_),
      retry_in_(retry_min) {
  if (session.arguments.raw) view_.style.terminal = false;
}

HttpRequest LogReader::request_for(const char* format) const {
  Query query = query_;
  query.emplace_back("format", format);
  query.emplace_back("follow", log_.follow ? "1" : "");
  HttpRequest request;
  request.path = with_query("/api/v1/logs", query);
  if (!log_.follow) request.idle_limit = session_.arguments.timeout.value_or(idle_limit);
  return request;
}

void LogReader::connected() {
  retry_in_ = retry_min;
  if (std::exchange(lost_, false)) session_.terminal.say("banyan: connected again\n");
}

// A root that was just started does not know its tree yet.
bool LogReader::may_come_back(const HttpAnswer& answer) const {
  return log_.follow && resumed_ && answer.status == 404;
}

Outcome<int> LogReader::copy_bytes() {
  VisibleText visible_text;
  for (;;) {
    StreamHandlers handlers;
    handlers.on_bytes = [&](std::string_view bytes) {
      connected();
      if (!view_.style.terminal) return session_.terminal.write(bytes);
      return session_.terminal.write(visible_text.feed(bytes));
    };
    const HttpAnswer answer = session_.api.stream(request_for("text"), handlers);
    if (answer.trouble == Trouble::interrupted) return exit_interrupted;
    if (session_.terminal.closed()) return exit_ok;
    if (!log_.follow) {
      if (answer.ok()) return exit_ok;
      return tl::unexpected(session_.api.failure_of(answer));
    }
    const bool refused = answer.trouble == Trouble::none && !answer.ok();
    if (refused && !may_come_back(answer)) {
      return tl::unexpected(session_.api.failure_of(answer));
    }
    // Plain bytes carry no offsets: it goes on from now, and that is said.
    replace(query_, "tail", "");
    replace(query_, "since", rfc3339(wall_time()));
    if (!lost_) session_.terminal.say("banyan: raw bytes cannot be resumed; some may be missing\n");
    if (!reconnect(answer)) return exit_interrupted;
  }
}

void LogReader::take_error(const LogLine& line, std::string_view text) {
  ++failed_;
  session_.terminal.say(fmt::format("banyan: {}: {}\n", visible(line.path), visible(line.error)));
  if (ndjson_) out_.append(text).append("\n");
}

void LogReader::take_line(std::string_view text) {
  if (text.empty()) return;
  // Lines that go through as they are need not be understood, unless they have to be resumed.
  if (ndjson_ && !log_.follow && text.find("\"error\":") == std::string_view::npos) {
    out_.append(text).append("\n");
    return;
  }
  const auto line = parse_log_line(text);
  if (!line) {
    ++unreadable_;
    return;
  }
  if (!line->error.empty()) {
    take_error(*line, text);
    return;
  }
  if (!position_.take(*line)) return;
  ++shown_;
  if (ndjson_) {
    out_.append(text).append("\n");
  } else if (plain_) {
    print_plain(*line);
  } else {
    out_ += painter_.draw(*line);
  }
}

void LogReader::print_plain(const LogLine& line) {
  if (line.gap_bytes == 0) {
    out_ += view_.style.terminal ? visible(line.line) : line.line;
    if (!line.partial) out_ += '\n';
    return;
  }
  push();
  session_.terminal.say(fmt::format("── {} rotated away here ──\n",
                                    format_size(static_cast<std::uint64_t>(line.gap_bytes))));
}

bool LogReader::push() { return session_.terminal.write(std::exchange(out_, {})); }

bool LogReader::reconnect(const HttpAnswer& answer) {
  if (!std::exchange(lost_, true)) {
    session_.terminal.say(fmt::format("banyan: the log stream ended{}{}; trying again\n",
                                      answer.why.empty() ? "" : ": ", answer.why));
  }
  resumed_ = true;
  const bool goes_on = pause_for(retry_in_);
  retry_in_ = std::min(retry_max, retry_in_ * 2);
  return goes_on;
}

void LogReader::say_sum() {
  if (unreadable_ > 0) {
    session_.terminal.say(fmt::format("banyan: {} could not be read\n",
                                      count_of(static_cast<std::int64_t>(unreadable_), "line")));
  }
  if (plain_ || ndjson_ || !session_.terminal.shows_progress()) return;
  session_.terminal.say(fmt::format("{} of {}\n",
                                    count_of(static_cast<std::int64_t>(shown_), "line"),
                                    count_of(static_cast<std::int64_t>(paths_.size()), "target")));
}

Outcome<int> LogReader::read_lines() {
  for (;;) {
    StreamHandlers handlers;
    handlers.on_bytes = [&](std::string_view bytes) {
      connected();
      lines_.feed(bytes, [&](std::string_view line) { take_line(line); });
      return push();
    };
    lines_.reset();
    const HttpAnswer answer = session_.api.stream(request_for("ndjson"), handlers);
    if (answer.trouble == Trouble::interrupted) {
      say_sum();
      return exit_interrupted;
    }
    if (session_.terminal.closed()) return exit_ok;
    const bool refused = answer.trouble == Trouble::none && !answer.ok();
    const bool never_began = answer.trouble == Trouble::unreachable && !resumed_;
    if ((refused && !may_come_back(answer)) || never_began || (!log_.follow && !answer.ok())) {
      return tl::unexpected(session_.api.failure_of(answer));
    }
    if (!log_.follow) {
      say_sum();
      return failed_ > 0 ? exit_failed : exit_ok;
    }
    // The last line comes again and is recognised by its offset.
    const bool one_stream = plain_ && !log_.stream.empty();
    if (!position_.since().empty()) replace(query_, "tail", "");
    if (one_stream && !position_.offset().empty()) {
      replace(query_, "offset", position_.offset());
    } else if (!position_.since().empty()) {
      replace(query_, "since", position_.since());
    }
    if (!reconnect(answer)) return exit_interrupted;
  }
}

}  // namespace banyan::cli
