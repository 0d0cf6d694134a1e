#include "eval/table.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>

namespace parley::eval {
namespace {

std::string padded_cell(const std::string& text, size_t columns, bool right) {
  std::string cell = text;
  const size_t have = columns_of(text);
  if (have < columns) cell.insert(right ? 0 : cell.size(), columns - have, ' ');
  return cell;
}

std::vector<size_t> widths_of(const Rows& rows) {
  std::vector<size_t> widths(rows[0].size());
  for (const auto& row : rows)
    for (size_t c = 0; c < row.size(); ++c) widths[c] = std::max(widths[c], columns_of(row[c]));
  return widths;
}

}  // namespace

size_t columns_of(const std::string& text) {
  size_t columns = 0;
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    columns += byte >= 0xE3 ? 2 : (byte & 0xC0) != 0x80;
  }
  return columns;
}

std::string aligned(const Rows& rows) {
  const std::vector<size_t> widths = widths_of(rows);
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t c = 0; c < row.size(); ++c)
      line += (c ? "  " : "") + padded_cell(row[c], widths[c], c > 0);
    line.erase(line.find_last_not_of(' ') + 1);
    text += line + "\n";
  }
  return text;
}

std::string markdown_rows(const Rows& rows, bool padded, size_t left) {
  std::vector<size_t> widths(rows[0].size());
  if (padded) widths = widths_of(rows);
  for (size_t& width : widths) width = padded ? std::max<size_t>(width, 2) : 0;
  std::string text;
  for (size_t r = 0; r < rows.size(); ++r) {
    for (size_t c = 0; c < rows[r].size(); ++c)
      text.append("| ").append(padded_cell(rows[r][c], widths[c], c >= left)).append(" ");
    text += "|\n";
    if (r > 0) continue;
    for (size_t c = 0; c < rows[r].size(); ++c) {
      text.append("|").append(std::max<size_t>(3, widths[c] + (c < left ? 2 : 1)), '-');
      if (c >= left) text += ':';
    }
    text += "|\n";
  }
  return text;
}

std::string percent(double share) { return fmt::format("{:.1f} %", 100 * share); }

std::string percent(const base::Interval& interval) {
  return fmt::format("{:.1f} to {:.1f}", 100 * interval.low, 100 * interval.high);
}

}  // namespace parley::eval
