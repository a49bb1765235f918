// Tables as users' scripts know them: no lines, columns apart by blanks, cells that may span
// columns. The widths follow the rules of the table printer of 2022, oddities included, so that
// output is the same byte for byte. Pure.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace trellis::wash {

enum class Align { left, right, center };

struct Cell {
  std::string text;
  std::size_t span = 1;
  Align align = Align::left;
};

class Table {
 public:
  void row(std::vector<Cell> cells) { rows_.push_back(std::move(cells)); }
  // A line of blanks, the rows, a line of blanks; each ends with a line feed.
  std::string render() const;

 private:
  std::vector<std::size_t> column_widths() const;

  std::vector<std::vector<Cell>> rows_;
};

}  // namespace trellis::wash
