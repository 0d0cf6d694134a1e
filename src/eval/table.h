// Tables of text, for terminals and for Markdown.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "base/measure.h"

namespace parley::eval {

using Rows = std::vector<std::vector<std::string>>;  // the first row has the columns' names

// Terminal columns: East Asian characters take two.
size_t columns_of(const std::string& text);

// Rows of cells with aligned columns, the first to the left, the others to the right.
std::string aligned(const Rows& rows);
// A Markdown table, its first `left` columns to the left; with `padded`, aligned as plain text too.
std::string markdown_rows(const Rows& rows, bool padded = false, size_t left = 1);

// "12.3 %", "10.1 to 14.7"
std::string percent(double share);
std::string percent(const base::Interval& interval);

}  // namespace parley::eval
