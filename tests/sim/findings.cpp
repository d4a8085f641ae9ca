#include "tests/sim/findings.h"

#include <algorithm>
#include <array>

namespace banyan::sim {
namespace {

constexpr std::array<std::string_view, 0> missing_rules{};

}  // namespace

bool is_missing(const std::string& rule) {
  return std::find(missing_rules.begin(), missing_rules.end(), rule) != missing_rules.end();
}

void Findings::add(std::string rule, std::string text) {
  list_.push_back({std::move(rule), std::move(text)});
}

Findings Findings::take_missing(const std::string& but) {
  Findings missing;
  std::erase_if(list_, [&](const Finding& finding) {
    if (finding.rule == but || !is_missing(finding.rule)) return false;
    missing.list_.push_back(finding);
    return true;
  });
  return missing;
}

std::string Findings::text() const {
  std::string text;
  for (std::size_t i = 0; i < std::min(list_.size(), max_shown); ++i) {
    const Finding& finding = list_[i];
    text += (finding.rule.empty() ? "" : finding.rule + ": ") + finding.text + "\n";
  }
  if (list_.size() > max_shown) text += std::to_string(list_.size()) + " in all\n";
  return text;
}

}  // namespace banyan::sim
