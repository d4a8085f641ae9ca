#include "root/cli/table.h"

#include <algorithm>
#include <numeric>

#include "common/base/check.h"
#include "root/cli/words.h"

namespace banyan::cli {

void Table::add(std::vector<Cell> row) {
  CHECK(row.size() == columns_.size());
  rows_.push_back(std::move(row));
}

// 0 = the column is left out.
std::vector<std::size_t> Table::widths(const std::vector<bool>& kept) const {
  std::vector<std::size_t> widths(columns_.size(), 0);
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (!kept[i]) continue;
    widths[i] = std::max<std::size_t>(1, width_of(columns_[i].head));
    for (const auto& row : rows_) widths[i] = std::max(widths[i], width_of(row[i].text));
  }
  return widths;
}

std::vector<bool> Table::columns_that_fit(std::size_t width) const {
  std::vector<bool> kept(columns_.size(), true);
  int last = 0;
  for (const Column& column : columns_) last = std::max(last, column.leaves);
  for (int leaving = 1; width > 0 && leaving <= last; ++leaving) {
    const auto now = widths(kept);
    const auto shown = static_cast<std::size_t>(std::count(kept.begin(), kept.end(), true));
    if (std::accumulate(now.begin(), now.end(), 2 * (shown - 1)) <= width) break;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
      if (columns_[i].leaves == leaving) kept[i] = false;
    }
  }
  return kept;
}

std::string Table::line(const std::vector<Cell>& row, const std::vector<std::size_t>& widths,
                        const Style& style) const {
  std::string out;
  std::size_t used = 0, pending = 0;  // blanks are written before the next text only
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (widths[i] == 0) continue;
    const std::size_t room = style.width == 0 ? 0 : style.width - std::min(style.width, used);
    const bool over = style.width != 0 && used + width_of(row[i].text) > style.width;
    const std::string text = over ? cut(row[i].text, std::max<std::size_t>(1, room)) : row[i].text;
    const std::size_t have = width_of(text);
    const std::size_t blanks = have < widths[i] ? widths[i] - have : 0;
    if (!text.empty()) {
      out += std::string(pending + (columns_[i].right ? blanks : 0), ' ');
      out += paint(text, row[i].colour, row[i].bold, style);
      pending = columns_[i].right ? 2 : blanks + 2;
    } else {
      pending += widths[i] + 2;
    }
    used += widths[i] + 2;
  }
  return out + "\n";
}

std::string Table::render(const Style& style) const {
  const auto kept = widths(columns_that_fit(style.width));
  std::vector<Cell> heads;
  bool any_head = false;
  for (const Column& column : columns_) {
    heads.push_back({column.head, Colour::none, false});
    any_head = any_head || !column.head.empty();
  }
  std::string out = any_head ? line(heads, kept, style) : "";
  for (const auto& row : rows_) out += line(row, kept, style);
  return out;
}

}  // namespace banyan::cli
