#include "tests/sim/scenario.h"

#include <charconv>
#include <map>

#include "common/base/units.h"

namespace banyan::sim {
namespace {

// Reads one line after the other into a scenario.
class Reader {
 public:
  Status read(const Words& words);
  Scenario take() { return std::move(scenario_); }

 private:
  Status read_action(const Words& words);
  Status read_topology(const Words& words);
  Status read_node(const Words& words);
  Status read_expectation(const Words& words);
  Status read_targets(const Words& words);
  Status read_option(const Words& words);

  Scenario scenario_;
};

std::string rest_of(const Words& words, std::size_t from) {
  std::string text;
  for (std::size_t i = from; i < words.size(); ++i) text += (text.empty() ? "" : " ") + words[i];
  return text;
}

Result<std::int64_t> number_of(const std::string& word) {
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), number);
  if (error != std::errc() || end != word.data() + word.size()) {
    return failure("not a number", word);
  }
  return number;
}

Status need(const Words& words, std::size_t count) {
  if (words.size() >= count) return {};
  return failure("too few words", rest_of(words, 0));
}

Status Reader::read_topology(const Words& words) {
  if (auto enough = need(words, 2); !enough) return enough;
  if (words[1] == "method") {
    scenario_.topology = method_topology();
    return {};
  }
  if (auto enough = need(words, words[1] == "tree" ? 4 : 3); !enough) return enough;
  const auto first = number_of(words[2]);
  if (!first) return tl::unexpected(first.error());
  const auto count = static_cast<unsigned>(*first);
  if (words[1] == "deep") {
    scenario_.topology = deep_topology(count);
  } else if (words[1] == "flat") {
    scenario_.topology = flat_topology(count);
  } else {
    const auto nodes = number_of(words[3]);
    if (!nodes) return tl::unexpected(nodes.error());
    scenario_.topology = tree_topology(count, static_cast<unsigned>(*nodes));
  }
  return {};
}

Status Reader::read_targets(const Words& words) {
  if (auto enough = need(words, 2); !enough) return enough;
  const auto count = number_of(words[1]);
  if (!count) return tl::unexpected(count.error());
  for (NodeSpec& spec : scenario_.topology) {
    if (spec.role != "leaf") continue;
    spec.targets.clear();
    for (std::int64_t i = 0; i < *count; ++i) spec.targets.push_back("t" + std::to_string(i));
  }
  return {};
}

Status Reader::read_node(const Words& words) {
  if (auto enough = need(words, 4); !enough) return enough;
  NodeSpec spec;
  spec.host = spec.name = words[1];
  spec.role = words[2];
  std::string parents = words[3];
  for (std::size_t comma = 0; comma != std::string::npos && parents != "-";) {
    comma = parents.find(',');
    spec.parents.push_back(parents.substr(0, comma));
    parents = comma == std::string::npos ? "" : parents.substr(comma + 1);
  }
  for (std::size_t i = 4; i < words.size(); ++i) {
    if (words[i] == "no-disk") {
      spec.disk = false;
    } else {
      spec.targets.push_back(words[i]);
    }
  }
  scenario_.topology.push_back(std::move(spec));
  return {};
}

Status Reader::read_expectation(const Words& words) {
  if (auto enough = need(words, 4); !enough) return enough;
  const auto number = number_of(words.back());
  if (!number) return tl::unexpected(number.error());
  Expectation expectation;
  expectation.number = *number;
  expectation.comparison = words[words.size() - 2];
  expectation.subject.assign(words.begin() + 1, words.end() - 2);
  scenario_.expectations.push_back(std::move(expectation));
  return {};
}

Status Reader::read_action(const Words& words) {
  if (auto enough = need(words, 3); !enough) return enough;
  Action action;
  const auto first = parse_duration(words[1]);
  if (!first) return tl::unexpected(first.error());
  std::size_t next = 2;
  if (words[0] == "at") action.at = *first;
  if (words[0] == "every") action.every = action.at = *first;
  while (words.size() > next + 1 && (words[next] == "from" || words[next] == "to")) {
    const auto time = parse_duration(words[next + 1]);
    if (!time) return tl::unexpected(time.error());
    (words[next] == "from" ? action.at : action.to) = *time;
    next += 2;
  }
  action.words.assign(words.begin() + static_cast<long>(next), words.end());
  scenario_.actions.push_back(std::move(action));
  return {};
}

// Everything that is one or two durations, or a number.
Status Reader::read_option(const Words& words) {
  if (auto enough = need(words, 2); !enough) return enough;
  const auto value = parse_duration(words[1]);
  if (!value) return tl::unexpected(value.error());
  WorldOptions& options = scenario_.options;
  if (words[0] == "delay") {
    const auto max = parse_duration(words.back());
    if (!max) return tl::unexpected(max.error());
    options.delay = {*value, *max};
  } else if (words[0] == "drift") {
    options.drift = static_cast<long>(*value / seconds{1});
  } else if (words[0] == "offset") {
    options.offset = std::chrono::duration_cast<milliseconds>(*value);
  } else {
    const std::map<std::string, Duration*> places{{"hb", &options.hb_interval},
                                                  {"timeout", &options.timeout},
                                                  {"for", &scenario_.length},
                                                  {"quiet", &scenario_.quiet}};
    const auto place = places.find(words[0]);
    if (place == places.end()) return failure("no such statement", words[0]);
    *place->second = *value;
  }
  return {};
}

Status Reader::read(const Words& words) {
  const std::string& first = words[0];
  if (first == "at" || first == "every") return read_action(words);
  if (first == "expect") return read_expectation(words);
  if (first == "topology") return read_topology(words);
  if (first == "targets") return read_targets(words);
  if (first == "node") return read_node(words);
  if (first == "rule" && words.size() > 1) {
    scenario_.rule = words[1];
    scenario_.title = rest_of(words, 2);
  } else if (first == "missing") {
    scenario_.missing = rest_of(words, 1);
  } else if (first == "tamper") {
    scenario_.tampers.insert(scenario_.tampers.end(), words.begin() + 1, words.end());
  } else if (first == "without") {
    scenario_.without.insert(scenario_.without.end(), words.begin() + 1, words.end());
  } else {
    return read_option(words);
  }
  return {};
}

}  // namespace

Words split_words(std::string_view line) {
  Words words;
  while (!line.empty()) {
    const auto begin = line.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos || line[begin] == '#') break;
    line.remove_prefix(begin);
    const auto end = std::min(line.find_first_of(" \t\r"), line.size());
    words.emplace_back(line.substr(0, end));
    line.remove_prefix(end);
  }
  return words;
}

Result<Scenario> parse_scenario(std::string_view text) {
  Reader reader;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    const Words words = split_words(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
    if (words.empty()) continue;
    if (auto status = reader.read(words); !status) {
      Error error = status.error();
      error.where = "line " + std::to_string(number) + ", " + error.where;
      return tl::unexpected(error);
    }
  }
  return reader.take();
}

}  // namespace banyan::sim
