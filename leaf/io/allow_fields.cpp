#include "leaf/io/allow_fields.h"

#include <algorithm>

#include <fmt/format.h>

#include "common/base/text.h"
#include "common/base/units.h"

namespace banyan::leaf::io {
namespace {

using banyan::io::ConfigReader;
using banyan::io::TomlKind;

const std::vector<std::string>& known_verbs() {
  static const std::vector<std::string> verbs = {"start", "stop", "restart", "signal", "scale"};
  return verbs;
}

void read_verbs(ConfigReader& table, AllowPolicy& allow) {
  std::vector<std::string> words;
  if (!table.read_strings("verbs", words)) return;
  const auto& known = known_verbs();
  for (const std::string& word : words) {
    if (std::find(known.begin(), known.end(), word) != known.end()) continue;
    const auto near = did_you_mean(word, known);
    table.refuse_key("verbs",
                     fmt::format("allow.verbs: \"{}\" is none of start, stop, restart, signal and "
                                 "scale{}",
                                 visible(word), near ? "; did you mean " + *near + "?" : ""));
  }
  allow.verbs.emplace(words.begin(), words.end());
}

void read_signals(ConfigReader& table, AllowPolicy& allow) {
  std::vector<std::string> words;
  if (!table.read_strings("signals", words)) return;
  allow.signals.emplace();
  for (const std::string& word : words) {
    const auto number = parse_signal(word);
    if (number) {
      allow.signals->insert(*number);
    } else {
      table.refuse_key(
          "signals",
          fmt::format("allow.signals: \"{}\" is no signal; write HUP or TERM", visible(word)));
    }
  }
}

}  // namespace

void read_allow(ConfigReader& top, AllowPolicy& allow) {
  const auto* value = top.take("allow");
  if (value == nullptr) return;
  if (value->kind != TomlKind::table) {
    return top.refuse("allow", *value, "expected a table, like [allow]");
  }
  ConfigReader table = top.below("allow", *value);
  read_verbs(table, allow);
  read_signals(table, allow);
  table.finish({});
}

}  // namespace banyan::leaf::io
