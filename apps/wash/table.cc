#include "table.h"

#include <algorithm>

namespace trellis::wash {
namespace {

constexpr std::size_t kPadding = 2;  // one blank on either side of a cell's text

std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

std::size_t width_of(const Cell& cell) { return width_of(cell.text) + kPadding; }

// A cell that spans columns asks each for its part, rounded down; when its narrowest form (one
// character, or none) does not divide evenly the last column gets one more.
void ask_for_width(const Cell& cell, std::size_t from, std::vector<std::size_t>& widths) {
  std::size_t narrowest = (cell.text.empty() ? 0 : 1) + kPadding;
  for (std::size_t i = 0; i < cell.span; ++i) {
    std::size_t part = width_of(cell) / cell.span;
    if (narrowest % cell.span != 0 && i + 1 == cell.span) ++part;
    widths[from + i] = std::max(widths[from + i], part);
  }
}

// A centred cell wants an odd width to stand in the middle of, unless it fills it.
void widen_for_centred(const std::vector<Cell>& row, std::vector<std::size_t>& widths) {
  std::size_t column = 0;
  for (const Cell& cell : row) {
    std::size_t total = 0;
    for (std::size_t i = column; i < std::min(column + cell.span, widths.size()); ++i)
      total += widths[i];
    if (cell.align == Align::center && width_of(cell) != total && total % 2 == 0) ++widths[column];
    column += cell.span > 1 ? cell.span - 1 : 1;
  }
}

std::string padded(const Cell& cell, std::size_t columns_wide) {
  std::string text = " " + cell.text + " ";
  std::size_t padding = 0;
  if (columns_wide >= width_of(cell)) padding = columns_wide - width_of(cell) + (cell.span - 1);
  std::size_t before = 0;
  if (cell.align == Align::right) before = padding;
  if (cell.align == Align::center) before = (padding + 1) / 2;
  return std::string(before, ' ') + text + std::string(padding - before, ' ');
}

std::string line_of(const std::vector<Cell>& row, const std::vector<std::size_t>& widths) {
  std::string line;
  std::size_t column = 0;
  for (const Cell& cell : row) {
    std::size_t wide = 0;
    for (std::size_t i = 0; i < cell.span; ++i) wide += widths[column + i];
    line += ' ' + padded(cell, wide);
    column += cell.span;
  }
  for (; column < widths.size(); ++column) line += std::string(widths[column] + 1, ' ');
  return line + " \n";
}

}  // namespace

std::vector<std::size_t> Table::column_widths() const {
  std::size_t columns = 0;
  for (const auto& row : rows_) {
    std::size_t spanned = 0;
    for (const Cell& cell : row) spanned += cell.span;
    columns = std::max(columns, spanned);
  }
  std::vector<std::size_t> widths(columns);
  for (const auto& row : rows_) {
    std::size_t column = 0;
    for (const Cell& cell : row) {
      ask_for_width(cell, column, widths);
      column += cell.span;
    }
  }
  for (const auto& row : rows_) widen_for_centred(row, widths);
  return widths;
}

std::string Table::render() const {
  std::vector<std::size_t> widths = column_widths();
  std::size_t total = widths.size() + 1;
  for (std::size_t width : widths) total += width;
  std::string blank = std::string(total, ' ') + '\n';
  std::string text = blank;
  for (const auto& row : rows_) text += line_of(row, widths);
  return text + blank;
}

}  // namespace trellis::wash
