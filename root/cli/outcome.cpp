#include "root/cli/outcome.h"

#include <algorithm>

#include "root/cli/words.h"

namespace banyan::cli {

std::string render_failure(const Failure& failure) {
  std::string out = "banyan: " + visible(failure.message) + "\n";
  std::size_t widest = 0;
  for (const auto& [label, text] : failure.steps) widest = std::max(widest, width_of(label));
  for (const auto& [label, text] : failure.steps) {
    const std::string head = label.empty() ? "" : pad_right(label, widest) + "  ";
    out += "  " + head + visible(text) + "\n";
  }
  return out;
}

}  // namespace banyan::cli
