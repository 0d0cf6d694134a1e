#include "cli/chart.h"

#include <cairo.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "cli/chart_canvas.h"

namespace parley::cli {
namespace {

const Color& color_of(const Line& line) { return chart_color(line.color); }

struct Range {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  void add(double v) {
    if (!std::isfinite(v)) return;
    low = std::min(low, v);
    high = std::max(high, v);
  }
  // Room above and below; never empty.
  void widen() {
    if (low > high) low = 0, high = 1;
    // Equal up to rounding: a flat curve, not one of noise.
    const double size = std::max(std::abs(low), std::abs(high));
    if (high - low <= 1e-9 * size || low == high) {
      const double room = size > 0 ? 0.1 * size : 0.5;
      low -= room;
      high += room;
    }
  }
  double place(double v) const { return (v - low) / (high - low); }
};

Range x_range(const Panel& panel) {
  Range range;
  for (const Line& line : panel.lines)
    for (const double x : line.x) range.add(x);
  range.widen();
  return range;
}

// The values between the 1st and the 99.5th percentile, so that a spike at the start
// does not flatten the rest.
Range y_range(const Panel& panel) {
  std::vector<double> values;
  for (const Line& line : panel.lines)
    for (const double y : line.y)
      if (std::isfinite(y)) values.push_back(y);
  Range range;
  if (!values.empty()) {
    std::sort(values.begin(), values.end());
    const auto last = static_cast<double>(values.size() - 1);
    range.add(values[0]);
    range.add(values[static_cast<size_t>(std::ceil(last * 0.995))]);
    const double margin = 0.05 * (range.high - range.low);
    range.low -= margin;
    range.high += margin;
  }
  range.widen();
  return range;
}

std::string tick_label(double v) {
  if (std::abs(v) < 1e-15) return "0";
  if (std::abs(v) >= 1e6) return fmt::format("{:g}M", v / 1e6);
  if (std::abs(v) >= 1e4) return fmt::format("{:g}k", v / 1e3);
  return fmt::format("{:.4g}", v);
}

// ---- cairo ------------------------------------------------------------------

constexpr double kWidth = 960, kPanelHeight = 330, kTitle = 44;
constexpr double kLeft = 70, kRight = 24, kTop = 34, kBottom = 46;

void draw_line(Canvas& canvas, const Line& line, const Range& xs, const Range& ys, double left,
               double top, double width, double height) {
  cairo_t* cr = canvas.raw();
  canvas.color(color_of(line), line.alpha);
  cairo_set_line_width(cr, line.width);
  constexpr double kDash[] = {6, 4};
  cairo_set_dash(cr, kDash, line.dashed ? 2 : 0, 0);
  cairo_set_line_join(cr, CAIRO_LINE_JOIN_ROUND);
  // A curve of very many values is thinned to a few a pixel.
  const size_t stride = std::max<size_t>(1, line.x.size() / 4000);
  bool open = false;
  for (size_t i = 0; line.joined && i < line.x.size(); i += stride) {
    if (!std::isfinite(line.y[i])) {
      open = false;
      continue;
    }
    const double x = left + xs.place(line.x[i]) * width;
    const double y = top + (1 - ys.place(line.y[i])) * height;
    if (open)
      cairo_line_to(cr, x, y);
    else
      cairo_move_to(cr, x, y);
    open = true;
  }
  cairo_stroke(cr);
  cairo_set_dash(cr, kDash, 0, 0);
  if (!line.points) return;
  for (size_t i = 0; i < line.x.size(); i += stride) {
    if (!std::isfinite(line.y[i])) continue;
    canvas.dot(left + xs.place(line.x[i]) * width, top + (1 - ys.place(line.y[i])) * height,
               line.width + 1);
  }
}

// At (x, y), in a column of this width.
void draw_panel(Canvas& canvas, const Panel& panel, double x, double y, double column,
                double panel_height) {
  const Range xs = x_range(panel), ys = y_range(panel);
  const double left = x + kLeft, top = y + kTop, width = column - kLeft - kRight;
  const double height = panel_height - kTop - kBottom;

  canvas.gray(0.45);
  canvas.text(left, y + 18, panel.title, 14, 0);
  canvas.text(left + width, top + height + 38, panel.x_label, 12, 1);
  for (const double tick :
       nice_ticks(ys.low, ys.high, std::max(4, static_cast<int>(height / 40)))) {
    const double ty = top + (1 - ys.place(tick)) * height;
    canvas.gray(0.5, 0.22);
    canvas.segment(left, ty, left + width, ty, 1);
    canvas.gray(0.45);
    canvas.text(left - 8, ty + 4, tick_label(tick), 12, 1);
  }
  for (const double tick : nice_ticks(xs.low, xs.high, static_cast<int>(width / 95))) {
    const double tx = left + xs.place(tick) * width;
    canvas.gray(0.5, 0.12);
    canvas.segment(tx, top, tx, top + height, 1);
    canvas.gray(0.45);
    canvas.text(tx, top + height + 18, tick_label(tick), 12, 0.5);
  }
  canvas.gray(0.5, 0.7);
  canvas.segment(left, top + height, left + width, top + height, 1);

  cairo_t* cr = canvas.raw();
  cairo_save(cr);
  cairo_rectangle(cr, left, top - 2, width + 2, height + 4);
  cairo_clip(cr);
  for (const Line& line : panel.lines) draw_line(canvas, line, xs, ys, left, top, width, height);
  cairo_restore(cr);

  // The legend, right-aligned beside the title; a second row when the first is full.
  const double title_end = left + canvas.text_width(panel.title, 14) + 40;
  double at = left + width, row = y + 18;
  for (auto line = panel.lines.rbegin(); line != panel.lines.rend(); ++line) {
    if (line->name.empty()) continue;
    const double space = canvas.text_width(line->name, 12) + 40;
    if (at - space < title_end && row == y + 18) {
      at = left + width;
      row += 15;
    }
    at -= space - 40;
    canvas.gray(0.45);
    canvas.text(at, row, line->name, 12, 0);
    canvas.color(color_of(*line), line->alpha);
    if (line->joined && line->dashed) {
      canvas.segment(at - 24, row - 4, at - 17, row - 4, line->width + 1);
      canvas.segment(at - 13, row - 4, at - 6, row - 4, line->width + 1);
    } else if (line->joined) {
      canvas.segment(at - 24, row - 4, at - 6, row - 4, line->width + 1);
    }
    if (line->points) canvas.dot(at - 15, row - 4, line->width + 1);
    at -= 40;
  }
}

// ---- terminal -----------------------------------------------------------------

// Dots in a grid of characters: each Braille character is 2 × 4 dots.
class DotGrid {
 public:
  DotGrid(int columns, int rows)
      : columns_(columns), rows_(rows), cells_(static_cast<size_t>(columns * rows)) {}

  // x in [0, 2·columns), y in [0, 4·rows) from the top.
  void set(int x, int y, int color) {
    if (x < 0 || y < 0 || x >= 2 * columns_ || y >= 4 * rows_) return;
    static constexpr int kBits[4][2] = {{0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    Cell& cell = cells_[static_cast<size_t>(y / 4 * columns_ + x / 2)];
    cell.dots |= kBits[y % 4][x % 2];
    cell.color = color;
  }
  void line(double x0, double y0, double x1, double y1, int color) {
    const int steps =
        1 + static_cast<int>(std::min(1e4, std::max(std::abs(x1 - x0), std::abs(y1 - y0))));
    for (int i = 0; i <= steps; ++i) {
      const double t = static_cast<double>(i) / steps;
      set(static_cast<int>(std::lround(x0 + t * (x1 - x0))),
          static_cast<int>(std::lround(y0 + t * (y1 - y0))), color);
    }
  }
  std::string row(int r, bool colors) const {
    std::string out;
    int current = -1;
    for (int c = 0; c < columns_; ++c) {
      const Cell& cell = cells_[static_cast<size_t>(r * columns_ + c)];
      if (colors && cell.dots && cell.color != current) {
        current = cell.color;
        out += fmt::format("\x1b[38;5;{}m", current);
      }
      const int code = 0x2800 + cell.dots;  // U+2800 … U+28FF: three bytes of UTF-8
      if (cell.dots == 0) {
        out += ' ';
      } else {
        out += static_cast<char>(0xE0 | code >> 12);
        out += static_cast<char>(0x80 | (code >> 6 & 0x3F));
        out += static_cast<char>(0x80 | (code & 0x3F));
      }
    }
    if (current >= 0) out += "\x1b[0m";
    return out;
  }

 private:
  struct Cell {
    int dots = 0, color = 0;
  };
  int columns_, rows_;
  std::vector<Cell> cells_;
};

}  // namespace

std::vector<double> nice_ticks(double low, double high, int count) {
  std::vector<double> ticks;
  const double rough = (high - low) / std::max(1, count);
  if (!(rough > 0) || !std::isfinite(rough)) return ticks;
  const double magnitude = std::pow(10, std::floor(std::log10(rough)));
  double step = 10 * magnitude;
  for (const double factor : {1.0, 2.0, 5.0})
    if (factor * magnitude >= rough) {
      step = factor * magnitude;
      break;
    }
  for (double n = std::ceil(low / step); n * step <= high * (1 + 1e-12) && ticks.size() < 100; ++n)
    ticks.push_back(n * step);
  return ticks;
}

std::vector<double> smooth(const std::vector<double>& values, double span) {
  const double keep = span > 1 ? 1 - 1 / span : 0;
  std::vector<double> out;
  double sum = 0, weight = 0;
  for (const double v : values) {
    if (std::isfinite(v)) {
      sum = keep * sum + (1 - keep) * v;
      weight = keep * weight + (1 - keep);
    }
    out.push_back(weight > 0 ? sum / weight : v);
  }
  return out;
}

void draw_chart(const base::fs::path& file, std::string_view title,
                const std::vector<Panel>& panels) {
  // Half panels that follow each other stand side by side.
  struct Place {
    double x, y, width;
  };
  std::vector<Place> places;
  double y = kTitle;
  for (size_t i = 0; i < panels.size(); ++i) {
    const bool pair = panels[i].half && i + 1 < panels.size() && panels[i + 1].half;
    places.push_back({0, y, pair ? kWidth / 2 : kWidth});
    if (pair) places.push_back({kWidth / 2, y, kWidth / 2});
    y += panels[i].height * kPanelHeight;
    if (pair) ++i;
  }
  draw_picture(file, kWidth, y, [&](Canvas& canvas) {
    canvas.gray(0.2);
    canvas.text(kLeft, 28, std::string(title), 17, 0);
    for (size_t i = 0; i < panels.size(); ++i)
      draw_panel(canvas, panels[i], places[i].x, places[i].y, places[i].width,
                 panels[i].height * kPanelHeight);
  });
}

std::string text_chart(const Panel& panel, int columns, int rows, bool colors) {
  constexpr int kLabel = 9;
  const int width = std::max(10, columns - kLabel - 1);
  rows = std::max(3, rows);
  const Range xs = x_range(panel), ys = y_range(panel);
  DotGrid grid(width, rows);
  for (const Line& line : panel.lines) {
    if (line.alpha < 0.6) continue;  // the raw curve behind a smooth one: noise, in dots
    for (size_t i = 0; i < line.x.size(); ++i) {
      const auto at = [&](size_t j) {
        return std::pair(xs.place(line.x[j]) * (2 * width - 1),
                         (1 - ys.place(line.y[j])) * (4 * rows - 1));
      };
      const bool joined = line.joined && i > 0 && std::isfinite(line.y[i - 1]);
      if (!std::isfinite(line.y[i])) continue;
      const auto [x1, y1] = at(i);
      const auto [x0, y0] = at(joined ? i - 1 : i);
      grid.line(x0, y0, x1, y1, color_of(line).terminal);
    }
  }

  std::vector<std::string> labels(static_cast<size_t>(rows));
  for (const double tick : nice_ticks(ys.low, ys.high, rows / 3)) {
    const auto r = static_cast<int64_t>((1 - ys.place(tick)) * rows);
    if (r >= 0 && r < rows) labels[static_cast<size_t>(r)] = tick_label(tick);
  }
  std::string out = fmt::format("{:>{}}", "", kLabel) + panel.title;
  for (const Line& line : panel.lines) {
    if (line.name.empty()) continue;
    out += colors ? fmt::format("  \x1b[38;5;{}m━━\x1b[0m {}", color_of(line).terminal, line.name)
                  : fmt::format("  ━━ {}", line.name);
  }
  out += '\n';
  for (int r = 0; r < rows; ++r) {
    const std::string& label = labels[static_cast<size_t>(r)];
    out += fmt::format("{:>{}}{}{}\n", label, kLabel - 1, label.empty() ? " │" : " ┤",
                       grid.row(r, colors));
  }
  std::string axis, numbers(static_cast<size_t>(width + kLabel + 8), ' ');
  for (int i = 0; i < width; ++i) axis += "─";
  for (const double tick : nice_ticks(xs.low, xs.high, std::max(2, width / 14))) {
    const std::string label = tick_label(tick);
    const auto center = kLabel + 1 + static_cast<int64_t>(xs.place(tick) * (width - 1));
    const int64_t begin = std::max<int64_t>(0, center - static_cast<int64_t>(label.size()) / 2);
    numbers.replace(static_cast<size_t>(begin), label.size(), label);
  }
  numbers.erase(numbers.find_last_not_of(' ') + 1);
  return out + fmt::format("{:>{}}└{}\n{}  {}\n", "", kLabel, axis, numbers, panel.x_label);
}

}  // namespace parley::cli
