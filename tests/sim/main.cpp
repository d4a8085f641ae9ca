// sim: plays seeds and scenarios, and says what was found.
//
//   sim --seed 1042                 one seed; --print shows its scenario
//   sim --first 5000 --count 1000   many; the bad ones are told with their own line
//   sim --scenario NAME [--off WHAT] [--seed N]
//   sim --stdin [--seed N]          a scenario that was printed, and perhaps made shorter
//   --log                           the warnings of all nodes
//   --all                           what breaks rules that are not built yet, too
//   --faults N --nodes N --seconds N --calm     the mix of a seed

#include <charconv>
#include <cstdio>
#include <map>
#include <string_view>

#include <fmt/format.h>

#include "tests/sim/play.h"
#include "tests/sim/verdict.h"

namespace banyan::sim {
namespace {

constexpr unsigned least_nodes = 4;
constexpr unsigned least_seconds = 4;

struct Options {
  std::uint64_t seed = 1;
  std::uint64_t first = 0;
  std::uint64_t count = 0;
  Mix mix;
  std::string scenario;
  std::string off;
  bool print = false;
  bool log = false;
  bool all = false;
  bool from_stdin = false;
};

int tell(const Verdict& verdict, const Options& options) {
  for (const std::string& line : verdict.log) {
    if (options.log) fmt::print("  {}\n", line);
  }
  if (options.all) fmt::print("{}", verdict.missing.text());
  fmt::print("{}{}: {} frames, {} findings of rules not built yet\n", verdict.text,
             verdict.good() ? "good" : "bad", verdict.frames, verdict.missing.size());
  return verdict.good() ? 0 : 1;
}

int play_named(const Options& options) {
  for (const NamedText& named : scenario_texts()) {
    if (named.name != options.scenario) continue;
    const auto scenario = parse_scenario(named.text);
    if (!scenario) {
      fmt::print("{}\n", scenario.error().text());
      return 2;
    }
    return tell(judge(*scenario, options.seed, options.off), options);
  }
  fmt::print("no scenario {}\n", options.scenario);
  return 2;
}

std::string text_of_stdin() {
  std::string text;
  for (int byte = std::getchar(); byte != EOF; byte = std::getchar()) {
    text += static_cast<char>(byte);
  }
  return text;
}

int play_one(const Options& options) {
  const std::string text =
      options.from_stdin ? text_of_stdin() : generate(options.seed, options.mix);
  if (options.print) fmt::print("{}", text);
  const auto scenario = parse_scenario(text);
  if (!scenario) {
    fmt::print("{}\n", scenario.error().text());
    return 2;
  }
  return tell(judge(*scenario, options.seed, options.off), options);
}

int play_many(const Options& options) {
  std::uint64_t bad = 0;
  std::uint64_t missing = 0;
  for (std::uint64_t seed = options.first; seed < options.first + options.count; ++seed) {
    const Verdict verdict = judge_seed(seed, options.mix);
    missing += !verdict.missing.empty();
    if (verdict.good()) continue;
    ++bad;
    fmt::print("seed {}\n{}", seed, verdict.text);
  }
  fmt::print("{} seeds: {} bad, {} touched by rules not built yet\n", options.count, bad, missing);
  return bad == 0 ? 0 : 1;
}

// False: there is no such word, or its number is none.
bool read_word(std::string_view word, std::string_view value, Options& options) {
  const std::map<std::string_view, std::string*> texts{{"--scenario", &options.scenario},
                                                       {"--off", &options.off}};
  const std::map<std::string_view, std::uint64_t*> large{
      {"--seed", &options.seed}, {"--first", &options.first}, {"--count", &options.count}};
  const std::map<std::string_view, unsigned*> small{{"--faults", &options.mix.faults},
                                                    {"--nodes", &options.mix.nodes},
                                                    {"--seconds", &options.mix.seconds}};
  if (const auto text = texts.find(word); text != texts.end()) {
    *text->second = value;
    return true;
  }
  std::uint64_t number = 0;
  const auto read = std::from_chars(value.data(), value.data() + value.size(), number);
  if (value.empty() || read.ec != std::errc() || read.ptr != value.data() + value.size()) {
    return false;
  }
  if (const auto place = large.find(word); place != large.end()) *place->second = number;
  if (const auto place = small.find(word); place != small.end()) {
    *place->second = static_cast<unsigned>(number);
  }
  return large.contains(word) || small.contains(word);
}

bool read_words(const std::vector<std::string_view>& words, Options& options) {
  const std::map<std::string_view, bool*> flags{{"--calm", &options.mix.quiet_links},
                                                {"--print", &options.print},
                                                {"--log", &options.log},
                                                {"--all", &options.all},
                                                {"--stdin", &options.from_stdin}};
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (const auto flag = flags.find(words[i]); flag != flags.end()) {
      *flag->second = true;
      continue;
    }
    const std::string_view value = i + 1 < words.size() ? words[i + 1] : "";
    if (!read_word(words[i], value, options)) {
      fmt::print("not understood: {} {}\n", words[i], value);
      return false;
    }
    ++i;
  }
  return options.mix.nodes >= least_nodes && options.mix.seconds >= least_seconds;
}

int run(const std::vector<std::string_view>& words) {
  Options options;
  if (!read_words(words, options)) return 2;
  if (!options.scenario.empty()) return play_named(options);
  return options.count > 0 ? play_many(options) : play_one(options);
}

}  // namespace
}  // namespace banyan::sim

int main(int argc, char** argv) { return banyan::sim::run({argv + 1, argv + argc}); }
