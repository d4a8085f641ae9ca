#pragma once
// What every verb is given: its arguments, the terminal and the API. `Api` turns answers and the
// lack of them into JSON or a Failure with its exit code.

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "root/cli/arguments.h"
#include "root/cli/io/http_client.h"
#include "root/cli/io/terminal.h"
#include "root/cli/json_view.h"
#include "root/cli/problem.h"

namespace banyan::cli {

class Api {
 public:
  // `may_fall_back`: nobody chose the address, so the local socket is tried when no root answers.
  Api(HttpClient client, Asked asked, bool may_fall_back)
      : client_(std::move(client)), asked_(std::move(asked)), may_fall_back_(may_fall_back) {}

  void set_timeout(Duration timeout) { timeout_ = timeout; }
  // Called once when the local socket is asked instead of the root: it sees less of the tree.
  void on_fall_back(std::function<void(const std::string&)> told) { told_ = std::move(told); }
  Duration timeout() const { return timeout_; }

  Outcome<json::value> get(std::string_view path, const Query& query);
  // All pages of a list; `most` 0 = everything.
  Outcome<json::array> list(std::string_view path, Query query, std::size_t most = 0);
  HttpAnswer send(HttpRequest request);
  HttpAnswer stream(const HttpRequest& request, const StreamHandlers& handlers);

  Failure failure_of(const HttpAnswer& answer) const;
  // The selection was answered with an empty list: what is near, if anything (asks the API).
  Failure why_nothing();
  // The same for a list of targets that was refused: a node may have the name.
  Failure why_no_targets(const Failure& refused);
  const Asked& asked() const { return asked_; }
  const std::string& shown_url() const { return client_.address().shown; }

 private:
  bool fall_back();

  HttpClient client_;
  Asked asked_;
  bool may_fall_back_;
  Duration timeout_ = seconds{10};
  std::function<void(const std::string&)> told_;
};

struct Session {
  const Arguments& arguments;
  Terminal& terminal;
  Api& api;
  std::string select;
};

// The nodes and targets of the selection. Exit 4 when there are neither.
struct Selected {
  json::array nodes;
  json::array targets;
};
Outcome<Selected> select_both(Session& session, const std::string& select, bool gauges = false);

// --since and --until as the API wants them: a duration becomes a time before now.
Outcome<std::string> time_parameter(const std::string& text, const char* option);

// -n and --limit: a number, or nothing when it is not given.
Outcome<std::optional<std::size_t>> count_parameter(const std::string& text, const char* option);

// `-o json` (pretty on a terminal) and `-o ndjson`.
std::string as_json(const json::value& value, const View& view);
std::string as_ndjson(const json::array& items);

}  // namespace banyan::cli
