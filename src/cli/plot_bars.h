// Win rates as bars with intervals.
#pragma once

#include <string>
#include <vector>

#include "base/files.h"

namespace parley::cli {

struct Bar {
  std::string label;
  double value, low, high;              // 0 to 1: win rate of the first and its 95 % interval
  double other, other_low, other_high;  // length-controlled
};

struct BarChart {
  std::string title;
  std::vector<Bar> bars;
};

// Reads the report.json of `parley eval winrate`. Error when it is none.
BarChart read_winrate_bars(const base::fs::path& file);

// SVG or PNG by extension.
void draw_bars(const base::fs::path& file, const BarChart& chart);

// The same for the terminal.
std::string text_bars(const BarChart& chart, int columns, bool colors);

}  // namespace parley::cli
