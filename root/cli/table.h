#pragma once
// Columns for people: capitals as heads, two spaces between, no lines. On a terminal columns leave
// in the order of their `leaves` number and the last one is cut; elsewhere nothing is cut. Pure.

#include <string>
#include <vector>

#include "root/cli/marks.h"

namespace banyan::cli {

struct Column {
  std::string head;
  bool right = false;
  int leaves = 0;  // 0 = never; 1 goes first
};

struct Cell {
  std::string text;
  Colour colour = Colour::none;
  bool bold = false;
};

class Table {
 public:
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // As many cells as columns.
  void add(std::vector<Cell> row);
  // Every line ends with a newline and has no blanks before it.
  std::string render(const Style& style) const;

 private:
  std::vector<std::size_t> widths(const std::vector<bool>& kept) const;
  std::vector<bool> columns_that_fit(std::size_t width) const;
  std::string line(const std::vector<Cell>& row, const std::vector<std::size_t>& widths,
                   const Style& style) const;

  std::vector<Column> columns_;
  std::vector<std::vector<Cell>> rows_;
};

}  // namespace banyan::cli
