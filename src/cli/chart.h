// Line charts: to SVG and PNG through cairo, and to the terminal in braille dots.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"

namespace parley::cli {

struct Line {
  std::string name;          // in the legend; empty: not listed there
  std::vector<double> x, y;  // x ascending
  int color = 0;             // lines of one colour belong together
  double alpha = 1, width = 2;
  bool points = false;  // a dot at each value
  bool joined = true;   // a line through the values
  bool dashed = false;
};

struct Panel {
  std::string title, x_label;
  std::vector<Line> lines;
  double height = 1;  // relative to the other panels
  bool half = false;  // of the width, beside a neighbour that is too (and as high)
};

// Ticks 1, 2 or 5 · 10^k apart, about `count` of them, within [low, high].
std::vector<double> nice_ticks(double low, double high, int count);

// A moving average that follows the curve: exponential, over about `span` values, bias corrected.
std::vector<double> smooth(const std::vector<double>& values, double span);

// Draws the panels one below the other. The kind of file follows its extension: .svg or
// .png. Error for another extension, or when the file cannot be written.
void draw_chart(const base::fs::path& file, std::string_view title,
                const std::vector<Panel>& panels);

// One panel as text of `columns` × `rows` characters, with axes and legend; in colours
// if wanted.
std::string text_chart(const Panel& panel, int columns, int rows, bool colors);

}  // namespace parley::cli
