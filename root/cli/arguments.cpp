#include "root/cli/arguments.h"

#include <algorithm>
#include <map>

#include <CLI/CLI.hpp>

#include "common/base/text.h"
#include "common/base/units.h"

namespace banyan::cli {

namespace {

const std::map<std::string, Output> output_names{
    {"table", Output::table},   {"wide", Output::wide}, {"json", Output::json},
    {"ndjson", Output::ndjson}, {"name", Output::name}, {"text", Output::text},
    {"raw", Output::raw}};

const std::map<std::string, ColourChoice> colour_names{{"auto", ColourChoice::automatic},
                                                       {"always", ColourChoice::always},
                                                       {"never", ColourChoice::never}};

constexpr const char* footer =
    "A SELECTOR is a path glob (dc1/**/api), a unique name, @STATE or @down; several are\n"
    "joined. `banyan root|relay|leaf ...` runs the daemon of that name.\n"
    "`banyan VERB --help` has the options of a verb.";

// Options whose texts are turned into values after parsing.
struct Texts {
  std::string output = "table";
  std::string colour = "auto";
  std::string timeout;
};

void add_common(CLI::App& app, Arguments& args, Texts& texts) {
  app.add_option("--url", args.url,
                 "the root's API: http://HOST:PORT or unix:///path ($BANYAN_URL)");
  app.add_option("--token-file", args.token_file, "file with the bearer token ($BANYAN_TOKEN)");
  app.add_option("-o,--output", texts.output, "table, wide, json, ndjson, name; logs: text, raw");
  app.add_option("--color,--colour", texts.colour, "auto, always or never");
  app.add_option("--timeout", texts.timeout, "give up after this time, as 30s");
  app.add_option("-l,--label", args.labels, "only with these labels: key=value,key!=value")
      ->allow_extra_args(false);
  app.add_flag("--ascii", args.ascii, "draw with ASCII only");
  app.add_flag("--raw", args.raw, "do not make control bytes visible");
  app.add_flag("--utc", args.log.utc, "times of day in UTC");
}

CLI::App* add_verb(CLI::App& app, const char* name, const char* what) {
  CLI::App* verb = app.add_subcommand(name, what);
  verb->fallthrough();
  return verb;
}

void add_selectors(CLI::App* verb, Arguments& args) {
  verb->add_option("SELECTOR", args.selectors, "paths, globs, names, @states");
}

void add_look_verbs(CLI::App& app, Arguments& args) {
  CLI::App* status = add_verb(app, "status", "is anything wrong; exit 3 when something is");
  status->add_flag("-w,--watch", args.watch, "draw again every 2 s");
  add_selectors(status, args);
  CLI::App* tree = add_verb(app, "tree", "the tree; branches with something to see are open");
  tree->add_flag("-a,--all", args.all, "open every branch");
  tree->add_option("--depth", args.depth, "levels below the root");
  tree->add_flag("-w,--watch", args.watch, "draw again every 2 s");
  add_selectors(tree, args);
  CLI::App* get = add_verb(app, "get", "lists: nodes, targets, events, commands, outages");
  get->add_option("LIST", args.noun, "which list")->required();
  get->add_option("--state", args.state, "only in this state");
  get->add_option("--since", args.log.since, "events: 10m or RFC 3339");
  get->add_option("--kind", args.log.kind, "events: of this kind");
  get->add_option("-n,--limit", args.log.tail, "at most so many");
  add_selectors(get, args);
  CLI::App* top = add_verb(app, "top", "what targets use now, the greatest first");
  top->add_option("-s,--sort", args.sort, "cpu (default), memory or fds")
      ->check(CLI::IsMember({"cpu", "memory", "fds"}));
  top->add_option("-n,--limit", args.log.tail, "only the first N");
  top->add_flag("--once", args.once, "do not draw again");
  add_selectors(top, args);
  add_selectors(add_verb(app, "describe", "all that is known of a node or target"), args);
}

void add_log_verbs(CLI::App& app, Arguments& args) {
  LogArguments& log = args.log;
  CLI::App* logs = add_verb(app, "logs", "what targets wrote: all that is kept");
  logs->add_flag("-f,--follow", log.follow, "go on with what comes");
  logs->add_option("-n,--tail", log.tail, "only the last N lines");
  logs->add_option("--since", log.since, "10m or RFC 3339");
  logs->add_option("--until", log.until, "10m or RFC 3339");
  logs->add_option("--grep", log.grep, "only lines that match this RE2, searched at the leaf");
  logs->add_option("--level", log.level, "only lines of this level and above");
  logs->add_option("--stream", log.stream, "stdout or stderr");
  logs->add_flag("--previous", log.previous, "the generation before this one");
  logs->add_flag("--wrap", log.wrap, "do not cut long lines on a terminal");
  add_selectors(logs, args);
  CLI::App* events = add_verb(app, "events", "what happened, oldest first");
  events->add_flag("-f,--follow", log.follow, "go on with what comes");
  events->add_option("-n,--tail", log.tail, "only the last N");
  events->add_option("--since", log.since, "10m or RFC 3339");
  events->add_option("--kind", log.kind, "only of this kind");
  events->add_flag("--no-fold", log.no_fold, "do not join alike neighbours");
  add_selectors(events, args);
}

void add_act_options(CLI::App* verb, Arguments& args) {
  verb->add_flag("-y,--yes", args.act.yes, "do not ask");
  verb->add_flag("--dry-run", args.act.dry_run, "only show what would be acted on");
  auto* wait = verb->add_flag_callback(
      "--wait", [] {}, "wait for the outcomes (default)");
  verb->add_flag("--no-wait", args.act.no_wait, "print the command's id at once")->excludes(wait);
}

void add_batch_options(CLI::App* verb, Arguments& args) {
  auto* parallel = verb->add_option("--max-parallel", args.act.parallel,
                                    "N at a time; the next when those run again")
                       ->check(CLI::Range(1, 1'000));
  verb->add_option("--stop-after-failures", args.act.failures,
                   "begin nothing more after N failures")
      ->check(CLI::Range(1, 100'000))
      ->needs(parallel);
}

void add_act_verbs(CLI::App& app, Arguments& args) {
  for (const auto& [name, what] :
       {std::pair{"start", "start targets"}, std::pair{"stop", "stop targets; they stay stopped"},
        std::pair{"restart", "stop and start targets"}}) {
    CLI::App* verb = add_verb(app, name, what);
    add_act_options(verb, args);
    add_batch_options(verb, args);
    add_selectors(verb, args);
  }
  CLI::App* signal = add_verb(app, "signal", "send a signal: signal HUP SELECTOR");
  signal->add_option("SIGNAL", args.act.signal, "HUP, USR1, TERM ...")->required();
  add_act_options(signal, args);
  add_batch_options(signal, args);
  add_selectors(signal, args);
  CLI::App* scale = add_verb(app, "scale", "how many instances of a target run: scale api=3");
  add_act_options(scale, args);
  scale->add_option("SELECTOR=N", args.selectors, "a selector, and how many")->required();
  CLI::App* forget = add_verb(app, "forget", "drop lost and left nodes from the tree");
  add_act_options(forget, args);
  add_selectors(forget, args);
  add_selectors(add_verb(app, "why", "the evidence of every verdict on the way to a node"), args);
  add_selectors(add_verb(app, "ping", "the round trip of every hop to a node"), args);
  CLI::App* wait = add_verb(app, "wait", "wait until all selected are in a state");
  wait->add_option("--for", args.act.wanted, "running, up or another state or health")
      ->default_val("running");
  add_selectors(wait, args);
}

void add_key_verbs(CLI::App& app, Arguments& args) {
  CLI::App* keygen = add_verb(app, "keygen", "make a node's key; prints its public half");
  keygen->add_option("FILE", args.file, "the new file of the secret key (node.key)")
      ->default_str("node.key");
  CLI::App* peers = add_verb(app, "peers", "who may join below a node, and who has");
  peers->add_option("NODE", args.noun, "path of that node; the root when not given");
  peers->add_option("--keys", args.file, "its authorized_keys, when that is on this host");
  CLI::App* enroll =
      add_verb(app, "enroll", "let a new host join below this one: prints the line to type there");
  enroll->add_option("NODE", args.noun, "the name of the new node")->required();
  enroll->add_option("--config", args.file,
                     "the parent's file (/etc/banyan/root.toml, relay.toml)");
  enroll->add_option("--role", args.role, "leaf (default) or relay")->default_str("leaf");
  enroll->add_option("--address", args.enrol.address,
                     "HOST[:PORT] by which the new host reaches the parent");
  CLI::App* join = add_verb(app, "join", "what `enroll` prints: makes this host's key, lists it");
  join->add_option("NODE", args.noun, "the name of this node")->required();
  join->add_option("--parent", args.enrol.address, "HOST:PORT")->required();
  join->add_option("--parent-key", args.enrol.parent_key, "its public key")->required();
  join->add_option("--path", args.enrol.path, "of this node in the tree")->required();
  join->add_option("--role", args.role, "leaf or relay")->default_str("leaf");
  join->add_option("--commands", args.enrol.commands, "KEY[@PATH] whose commands are obeyed");
  join->add_option("--dir", args.enrol.directory, "where key and configuration go (/etc/banyan)");
}

void add_other_verbs(CLI::App& app, Arguments& args) {
  add_verb(app, "version", "versions of this program and of the root");
  CLI::App* explain = add_verb(app, "explain", "what a word means");
  explain->add_option("WORD", args.noun, "a state, outcome or noun");
  CLI::App* config =
      add_verb(app, "config", "check a configuration file; show the settings in use");
  config->add_option("ACTION", args.noun, "check or show")->required();
  config->add_option("FILE", args.file, "the file to check");
  config->add_option("--role", args.role, "root, relay or leaf; guessed from the file's name");
}

Failure usage(std::string message, const std::string& verb = {}) {
  Failure failure{exit_usage, std::move(message), {}};
  failure.steps.emplace_back("see", verb.empty() ? "banyan --help" : "banyan " + verb + " --help");
  return failure;
}

template <class Value>
Outcome<Value> choose(const std::map<std::string, Value>& names, const std::string& text,
                      const char* option) {
  const auto found = names.find(text);
  if (found != names.end()) return found->second;
  std::string known;
  for (const auto& [name, value] : names) known += (known.empty() ? "" : ", ") + name;
  return tl::unexpected(usage(std::string(option) + " \"" + text + "\": expected one of " + known));
}

Failure unknown_word(const CLI::App& app, const std::vector<std::string>& left) {
  const std::string& word = left.front();
  if (word.rfind('-', 0) == 0 && word.size() > 1) {
    const auto chosen = app.get_subcommands();
    return usage("there is no option \"" + word + "\"",
                 chosen.empty() ? "" : chosen.front()->get_name());
  }
  std::vector<std::string> verbs{"root", "relay", "leaf"};
  for (const CLI::App* verb : app.get_subcommands(nullptr)) verbs.push_back(verb->get_name());
  Failure failure = usage("there is no verb \"" + word + "\"");
  const auto near = did_you_mean(word, verbs);
  if (near) failure.steps.insert(failure.steps.begin(), {"did you mean", "banyan " + *near});
  return failure;
}

// "dc1/**/api=3": the number stands behind the last "=".
std::optional<Failure> split_scale(Arguments& args) {
  constexpr unsigned most = 1000;
  std::string& word = args.selectors.front();
  const auto equals = word.rfind('=');
  const std::string number = equals == word.npos ? "" : word.substr(equals + 1);
  const bool digits = !number.empty() && number.size() <= 4 &&
                      number.find_first_not_of("0123456789") == number.npos;
  const bool whole = args.selectors.size() == 1 && digits && equals > 0;
  if (!whole || std::stoul(number) > most) {
    return usage("scale \"" + word + "\": expected SELECTOR=N, N from 0 to 1000", "scale");
  }
  args.act.instances = static_cast<unsigned>(std::stoul(number));
  word.resize(equals);
  return std::nullopt;
}

Outcome<Arguments> finish(Arguments args, const Texts& texts) {
  auto output = choose(output_names, texts.output, "--output");
  if (!output) return tl::unexpected(output.error());
  auto colour = choose(colour_names, texts.colour, "--color");
  if (!colour) return tl::unexpected(colour.error());
  if (args.verb == "scale") {
    if (auto problem = split_scale(args)) return tl::unexpected(*problem);
  }
  args.output = *output;
  args.colour = *colour;
  if (!texts.timeout.empty()) {
    const auto timeout = parse_duration(texts.timeout);
    if (!timeout) {
      return tl::unexpected(
          usage("--timeout \"" + texts.timeout + "\": not a duration; write 30s"));
    }
    args.timeout = *timeout;
  }
  return args;
}

// `banyan help logs` is `banyan logs --help`.
std::vector<std::string> with_help_option(std::vector<std::string> words) {
  if (words.empty() || words.front() != "help") return words;
  words.erase(words.begin());
  words.emplace_back("--help");
  return words;
}

Outcome<std::string> parse_into(CLI::App& app, std::vector<std::string> words) {
  std::reverse(words.begin(), words.end());
  try {
    app.parse(words);
  } catch (const CLI::CallForHelp&) {
    const auto chosen = app.get_subcommands();
    return chosen.empty() ? app.help() : chosen.front()->help("banyan");
  } catch (const CLI::ParseError& error) {
    const auto chosen = app.get_subcommands();
    return tl::unexpected(usage(error.what(), chosen.empty() ? "" : chosen.front()->get_name()));
  }
  return std::string();
}

}  // namespace

Outcome<Arguments> parse_arguments(const std::vector<std::string>& words) {
  Arguments args;
  Texts texts;
  CLI::App app("the banyan tree from a terminal", "banyan");
  app.footer(footer);
  app.allow_extras();
  bool version = false;
  app.add_flag("--version", version, "as the verb version");
  add_common(app, args, texts);
  add_look_verbs(app, args);
  add_log_verbs(app, args);
  add_act_verbs(app, args);
  add_key_verbs(app, args);
  add_other_verbs(app, args);
  auto help = parse_into(app, with_help_option(words));
  if (!help) return tl::unexpected(help.error());
  args.help = *help;
  if (!args.help.empty()) return args;
  const auto left = app.remaining(true);
  if (!left.empty()) return tl::unexpected(unknown_word(app, left));
  const auto chosen = app.get_subcommands();
  if (chosen.empty() && !version) return tl::unexpected(usage("say what to do: banyan VERB"));
  args.verb = chosen.empty() ? "version" : chosen.front()->get_name();
  return finish(std::move(args), texts);
}

}  // namespace banyan::cli
