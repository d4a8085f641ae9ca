// Commands: reading them, sending them into the tree, answering at once or when they are finished.

#include <algorithm>
#include <array>

#include <boost/json.hpp>

#include "common/base/text.h"
#include "common/base/units.h"
#include "common/tree/places.h"
#include "common/view/api.h"
#include "common/view/page.h"
#include "common/view/suggest.h"

namespace banyan::view {
namespace {

using boost::json::object;

constexpr std::int64_t ttl_min_ms = 100;
constexpr std::int64_t ttl_max_ms = 3'600'000;
constexpr std::int64_t instances_max = 1'000;
constexpr std::int64_t parallel_max = 1'000;
constexpr std::int64_t failures_max = 100'000;
constexpr Duration wait_max = std::chrono::hours{1};

const std::vector<std::string>& known_verbs() {
  static const std::vector<std::string> verbs = {"start",  "stop",  "restart",
                                                 "signal", "scale", "forget"};
  return verbs;
}

tl::unexpected<Problem> bad_member(std::string what, std::string where, std::string hint = {}) {
  return bad_request({std::move(what), std::move(where), {}, std::move(hint)});
}

tl::expected<object, Problem> read_object(const std::string& body) {
  boost::json::parse_options options;
  options.max_depth = 16;
  boost::json::stream_parser parser({}, options);
  boost::system::error_code error;
  const auto at = parser.write_some(body.data(), body.size(), error);
  if (!error && at == body.size()) parser.finish(error);
  const std::string example = R"(send {"verb":"restart","select":"dc1/**/api"})";
  if (error || at != body.size()) {
    return bad_member("the body is not JSON", "byte " + std::to_string(at + 1), example);
  }
  auto value = parser.release();
  if (!value.is_object()) return bad_member("the body is not a JSON object", {}, example);
  return std::move(value.as_object());
}

std::optional<Problem> check_members(const object& body, const std::vector<std::string>& known) {
  for (const auto& entry : body) {
    const std::string name(entry.key());
    if (std::find(known.begin(), known.end(), name) != known.end()) continue;
    const auto near = did_you_mean(name, known);
    std::string all;
    for (const auto& word : known) all += (all.empty() ? "known: " : ", ") + word;
    return Problem{
        400,
        {"unknown member", visible(name), {}, near ? "did you mean " + *near + "?" : all},
        {},
        {}};
  }
  return std::nullopt;
}

tl::expected<std::string, Problem> read_text(const object& body, const char* name) {
  const auto* value = body.if_contains(name);
  if (value == nullptr || value->is_null()) return std::string();
  if (!value->is_string()) return bad_member("not a string", name);
  return std::string(value->get_string());
}

// `args`, with no other members than the one that the verb takes.
tl::expected<object, Problem> read_args(const object& body, const std::string& verb) {
  const auto* args = body.if_contains("args");
  if (args == nullptr || args->is_null()) return object();
  if (!args->is_object()) return bad_member("not an object", "args");
  std::vector<std::string> known;
  if (verb == "signal") known = {"signal"};
  if (verb == "scale") known = {"instances"};
  if (auto problem = check_members(args->get_object(), known)) {
    problem->error.where = "args." + problem->error.where;
    return tl::unexpected<Problem>(std::move(*problem));
  }
  return args->get_object();
}

tl::expected<int, Problem> read_signal(const object& args) {
  const auto* value = args.if_contains("signal");
  if (value == nullptr) {
    return bad_member("the signal is missing", "args.signal", R"(send "args":{"signal":"TERM"})");
  }
  std::string text = "?";
  if (value->is_string()) text = std::string(value->get_string());
  if (value->is_int64()) text = std::to_string(value->get_int64());
  const auto signal = parse_signal(text);
  if (!signal)
    return bad_member("not a signal", "args.signal=" + visible(text), signal.error().hint);
  return *signal;
}

tl::expected<std::uint32_t, Problem> read_instances(const object& args) {
  const auto* value = args.if_contains("instances");
  const bool whole = value != nullptr && value->is_int64() && value->get_int64() >= 0 &&
                     value->get_int64() <= instances_max;
  if (whole) return static_cast<std::uint32_t>(value->get_int64());
  return bad_member(value == nullptr ? "the number is missing" : "not a number of instances",
                    "args.instances", R"(send "args":{"instances":3}, 0 to 1000)");
}

std::optional<Problem> read_verb_args(const object& body, CommandAsk& ask) {
  const auto args = read_args(body, ask.verb);
  if (!args) return args.error();
  if (ask.verb == "signal") {
    const auto signal = read_signal(*args);
    if (!signal) return signal.error();
    ask.signal = *signal;
  } else if (ask.verb == "scale") {
    const auto instances = read_instances(*args);
    if (!instances) return instances.error();
    ask.instances = *instances;
  }
  return std::nullopt;
}

tl::expected<std::uint32_t, Problem> read_ttl(const object& body) {
  const auto* value = body.if_contains("ttl_ms");
  if (value == nullptr || value->is_null()) return CommandAsk().ttl_ms;
  const bool number = value->is_int64();
  const std::int64_t ttl = number ? value->get_int64() : 0;
  if (!number || ttl < ttl_min_ms || ttl > ttl_max_ms) {
    return bad_member("not a time to live", "ttl_ms", "milliseconds, 100 to 3600000");
  }
  return static_cast<std::uint32_t>(ttl);
}

// A number of 1 to `most`; 0 when the member is not there.
tl::expected<std::uint32_t, Problem> read_count(const object& body, const char* name,
                                                std::int64_t most) {
  const auto* value = body.if_contains(name);
  if (value == nullptr || value->is_null()) return 0;
  const std::int64_t number = value->is_int64() ? value->get_int64() : 0;
  if (number >= 1 && number <= most) return static_cast<std::uint32_t>(number);
  return bad_member("not a number of targets", name, "1 to " + std::to_string(most));
}

std::optional<Problem> read_rollout(const object& body, CommandAsk& ask) {
  const auto parallel = read_count(body, "max_parallel", parallel_max);
  if (!parallel) return parallel.error();
  const auto failures = read_count(body, "stop_after_failures", failures_max);
  if (!failures) return failures.error();
  ask.rollout = {*parallel, *failures};
  const bool batches = ask.verb != "scale" && ask.verb != "forget";
  if (*parallel > 0 && !batches) {
    return bad_member(ask.verb + " is not carried out in batches", "max_parallel",
                      "start, stop, restart and signal are")
        .value();
  }
  if (*failures == 0 || *parallel > 0) return std::nullopt;
  return bad_member("nothing can be stopped that is sent at once", "stop_after_failures",
                    R"(say how many at a time: "max_parallel":1)")
      .value();
}

bool same_ask(const CommandAsk& left, const CommandAsk& right) {
  return left.verb == right.verb && left.select == right.select && left.signal == right.signal &&
         left.instances == right.instances &&
         left.rollout.max_parallel == right.rollout.max_parallel &&
         left.rollout.stop_after == right.rollout.stop_after;
}

}  // namespace

tl::expected<CommandAsk, Problem> Api::read_command(const Call& call) const {
  const auto body = read_object(call.request.body);
  if (!body) return tl::unexpected<Problem>(body.error());
  if (auto problem = check_members(*body, {"id", "verb", "select", "args", "ttl_ms", "max_parallel",
                                           "stop_after_failures"})) {
    return tl::unexpected<Problem>(std::move(*problem));
  }
  CommandAsk ask;
  for (const auto& [name, place] :
       {std::pair{"id", &ask.id}, {"verb", &ask.verb}, {"select", &ask.select}}) {
    auto text = read_text(*body, name);
    if (!text) return tl::unexpected<Problem>(text.error());
    *place = std::move(*text);
  }
  for (char& c : ask.id) c = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
  if (!ask.id.empty() && !is_command_id(ask.id))
    return bad_member("not an id", "id", "32 hex digits");
  const auto& verbs = known_verbs();
  if (std::find(verbs.begin(), verbs.end(), ask.verb) == verbs.end()) {
    const auto near = did_you_mean(ask.verb, verbs);
    std::string hint = near ? "did you mean " + *near + "? " : "";
    return bad_member(ask.verb.empty() ? "the verb is missing" : "unknown verb",
                      "verb=" + visible(ask.verb),
                      hint + "verbs: start stop restart signal scale forget");
  }
  if (ask.select.find_first_not_of(" \t\r\n") == std::string::npos) {
    return bad_member("the selector is missing", "select", "** selects all targets");
  }
  if (auto problem = read_verb_args(*body, ask)) {
    return tl::unexpected<Problem>(std::move(*problem));
  }
  const auto ttl = read_ttl(*body);
  if (!ttl) return tl::unexpected<Problem>(ttl.error());
  ask.ttl_ms = *ttl;
  if (auto problem = read_rollout(*body, ask)) return tl::unexpected<Problem>(std::move(*problem));
  ask.issuer = "http " + call.request.peer;
  return ask;
}

Reply Api::post_command(Call& call) {
  if (const auto wait = call.query.duration("wait"); !wait) return bad_request(wait.error());
  auto ask = read_command(call);
  if (!ask) return tl::unexpected<Problem>(ask.error());
  if (const auto* known = commands_.find(ask->id)) {
    if (same_ask(known->ask, *ask)) return answer_command(ask->id, call, false);
    return refuse(409, {"the id is taken by another command", ask->id, {}, "leave the id out"});
  }
  const auto selector = tree::Selector::parse(ask->select);
  if (!selector) {
    Error error = selector.error();
    error.where = "select=" + visible(ask->select) + ", " + error.where;
    return bad_request(std::move(error));
  }
  auto selection = selector->select(mirror_);
  if (!selection.candidates.empty()) {
    Error error{"the name is not unique", selection.ambiguous, {}, {}};
    error.hint = "write a whole path: " + selection.candidates.front();
    return refuse(404, std::move(error), std::move(selection.candidates));
  }
  tree::keep_one_place(mirror_, selection);
  const bool forget = ask->verb == "forget";
  if (forget && gone_nodes(selection).empty()) {
    return refuse(404, {"no lost or left node matches",
                        visible(ask->select),
                        {},
                        "only those can be forgotten: GET /api/v1/nodes?state=lost,left"});
  }
  if (!forget && selection.targets.empty()) {
    auto nothing = nothing_matches(mirror_, "no target matches", ask->select);
    if (!selection.nodes.empty()) {
      nothing.value().error.hint = selection.nodes.front()->path() +
                                   " has no targets of its own; /** after it selects those below";
    }
    return nothing;
  }
  const auto command = commands_.create(std::move(*ask), selection, call.now);
  if (!command) return refuse(503, command.error());
  store_command((*command)->ask.id, true, call.effects);
  auto request = commands_.request_for(**command);
  sign(request, call.now);
  if (request.targets_size() > 0) call.effects.requests.push_back(std::move(request));
  const std::string id = (*command)->ask.id;
  if ((*command)->finished()) finish_commands({id}, call.now, call.effects);
  roll_commands(call.now, call.effects);
  return answer_command(id, call, true);
}

Reply Api::answer_command(const std::string& id, Call& call, bool made) {
  const auto wait = call.query.duration("wait");
  const Command& command = *commands_.find(id);
  const bool waits = wait && *wait && !command.finished() && waiting_.size() < max_waiting;
  if (waits) {
    const Time until = after(call.now.time, std::min(**wait, wait_max));
    waiting_[call.request.exchange] = {id, until, made ? 202 : 200};
    return std::nullopt;
  }
  const bool fresh = made && !(wait && *wait);
  Answer answer = json_answer(command_json(command), command.finished() && !fresh ? 200 : 202);
  if (made) answer.headers.emplace_back("location", "/api/v1/commands/" + id);
  return answer;
}

Reply Api::get_command(Call& call) {
  const auto wait = call.query.duration("wait");
  if (!wait) return bad_request(wait.error());
  if (commands_.find(call.rest) == nullptr) {
    return refuse(404, {"no such command", visible(call.rest), {}, "the newest 1000 are kept"});
  }
  auto reply = answer_command(call.rest, call, false);
  if (reply && *reply) (*reply)->status = 200;
  return reply;
}

Reply Api::delete_command(Call& call) {
  const auto* command = commands_.find(call.rest);
  if (command == nullptr) {
    return refuse(404, {"no such command", visible(call.rest), {}, "the newest 1000 are kept"});
  }
  if (commands_.cancel(call.rest, "cancelled before it was tried")) {
    roll_commands(call.now, call.effects);
    return json_answer(command_json(*commands_.find(call.rest)));
  }
  const char* why = command->finished() ? "it is finished" : "all of it has been sent already";
  return refuse(409, {"nothing to cancel", call.rest, why, {}});
}

Reply Api::get_commands(Call& call) {
  const auto page = Page::read(call.query);
  if (!page) return bad_request(page.error());
  const auto from = call.query.integer("continue", {0, INT64_MAX});
  if (!from) return bad_request(from.error());
  const auto list = commands_.newest_first();
  const auto below = static_cast<std::uint64_t>(from->value_or(INT64_MAX));
  auto at = std::find_if(list.begin(), list.end(),
                         [&](const auto* command) { return command->number < below; });
  PageWriter writer(*page);
  for (; at != list.end() && writer.has_room(); ++at) {
    writer.add(command_json(**at), std::to_string((*at)->number));
  }
  return json_answer(writer.finish(at != list.end()));
}

void Api::on_outcomes(const v1::Outcomes& outcomes, Now now, ApiEffects& effects) {
  finish_commands(commands_.on_outcomes(outcomes, now), now, effects);
  const auto improved = commands_.take_improved();
  if (!improved.empty()) store_command(improved, false, effects);
  roll_commands(now, effects);
}

// Each part of a command that goes in steps is a word of its own: later than what was said between.
void Api::sign(v1::Request& request, Now now) {
  request.mutable_command()->set_sequence(++last_signed_);
  request.mutable_command()->set_issued_ms(wall_ms(now.wall));
  if (signer_) signer_->sign(request);
}

void Api::store_command(const std::string& id, bool audit, ApiEffects& effects) {
  if (!has_store_) return;
  CommandRow row = commands_.row_of(*commands_.find(id));
  row.audit = audit;
  effects.commands.push_back(std::move(row));
}

void Api::roll_commands(Now now, ApiEffects& effects) {
  std::vector<std::string> finished;
  for (auto& [id, request] : commands_.roll(mirror_, now, finished)) {
    store_command(id, false, effects);  // what was heard of the batches before
    sign(request, now);
    effects.requests.push_back(std::move(request));
  }
  finish_commands(finished, now, effects);
}

void Api::finish_commands(const std::vector<std::string>& ids, Now now, ApiEffects& effects) {
  for (const auto& id : ids) {
    const Command& command = *commands_.find(id);
    store_command(id, false, effects);
    object data{{"id", id},
                {"verb", command.ask.verb},
                {"select", command.ask.select},
                {"issuer", command.ask.issuer},
                {"targets", command.targets.size()}};
    add_event(
        {"command", "", command.ask.verb + " " + command.ask.select + ": " + counts_text(command),
         boost::json::serialize(data)},
        now, effects);
    for (auto it = waiting_.begin(); it != waiting_.end();) {
      if (it->second.command != id) {
        ++it;
        continue;
      }
      Answer answer = json_answer(command_json(command), 200);
      effects.answer(tree::HttpRespond{it->first, answer.status, std::move(answer.headers),
                                       std::move(answer.body)});
      it = waiting_.erase(it);
    }
  }
}

}  // namespace banyan::view
