#include "root/cli/render_tree.h"

#include <algorithm>

#include <fmt/format.h>

#include "root/cli/table.h"

namespace banyan::cli {

namespace {

std::string lines_before(const std::vector<bool>& lasts, bool ascii) {
  std::string out;
  for (std::size_t i = 0; i < lasts.size(); ++i) {
    if (i + 1 < lasts.size()) {
      out += lasts[i] ? "   " : (ascii ? "|  " : "│  ");
    } else if (ascii) {
      out += "+- ";
    } else {
      out += lasts[i] ? "└─ " : "├─ ";
    }
  }
  return out;
}

void add_names(const json::value& node, std::string& out) {
  const std::string path = text_at(node, "path");
  if (!path.empty() && path != "/") out += path + "\n";
  for (const json::value& target : array_at(node, "targets")) out += text_at(target, "path") + "\n";
  for (const json::value& child : array_at(node, "children")) add_names(child, out);
}

}  // namespace

std::string render_tree(const json::value& top, const TreeOptions& options, const View& view) {
  const auto rows = tree_rows(top, options, view);
  const bool timed = std::any_of(rows.begin(), rows.end(),
                                 [](const TreeRow& row) { return !row.round_trip.empty(); });
  std::vector<Column> columns{{"", false, 0}, {"", false, 0}, {"", true, 0}};
  if (timed) columns.push_back({"", true, 1});
  columns.push_back({"", true, 0});
  columns.push_back({"", false, 0});
  Table table(std::move(columns));
  for (const TreeRow& row : rows) {
    const std::string note = row.note.empty() ? "" : "  " + row.note;
    std::vector<Cell> cells{
        {lines_before(row.lasts, view.style.ascii) + row.name + note, Colour::none, false},
        {fmt::format("{} {}", row.mark.text(view.style), row.word), row.mark.colour, row.mark.bold},
        {row.age, Colour::none, false}};
    if (timed) cells.push_back({row.round_trip, Colour::none, false});
    cells.push_back({row.wanted, Colour::none, false});
    cells.push_back({row.reason, row.mark.colour, false});
    table.add(std::move(cells));
  }
  return table.render(view.style);
}

std::string tree_names(const json::value& top) {
  std::string out;
  add_names(top, out);
  return out;
}

}  // namespace banyan::cli
