#include "cli/plot_bars.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "cli/chart_canvas.h"

namespace parley::cli {
namespace {

constexpr double kBarsWidth = 960, kBarsRow = 46, kBarsTop = 84, kBarsBottom = 44, kBarsRight = 90;

double read_number(const nlohmann::json& pair, const char* key) {
  const double value = pair.at(key).get<double>();
  return std::isfinite(value) ? value : 0;
}

}  // namespace

BarChart read_winrate_bars(const base::fs::path& file) {
  BarChart chart;
  try {
    const nlohmann::json report = nlohmann::json::parse(base::read_file(file));
    chart.title =
        fmt::format("win rates, {} prompts judged by {}", report.at("prompts").get<int64_t>(),
                    report.at("judge").get<std::string>());
    for (const nlohmann::json& pair : report.at("pairs")) {
      const auto &interval = pair.at("win_rate_interval"),
                 &controlled = pair.at("length_controlled_interval");
      chart.bars.push_back(
          {pair.at("a").get<std::string>() + " against " + pair.at("b").get<std::string>(),
           read_number(pair, "win_rate"), interval.at(0).get<double>(),
           interval.at(1).get<double>(), read_number(pair, "length_controlled"),
           controlled.at(0).get<double>(), controlled.at(1).get<double>()});
    }
  } catch (const nlohmann::json::exception& error) {
    base::fail("{}: not a report of parley eval winrate --out: {}", file.string(), error.what());
  }
  if (chart.bars.empty()) base::fail("{}: a report without pairs", file.string());
  return chart;
}

void draw_bars(const base::fs::path& file, const BarChart& chart) {
  const double height = kBarsTop + kBarsBottom + kBarsRow * static_cast<double>(chart.bars.size());
  draw_picture(file, kBarsWidth, height, [&](Canvas& canvas) {
    canvas.gray(0.2);
    canvas.text(24, 28, chart.title, 17, 0);
    double left = 120;
    for (const Bar& bar : chart.bars) left = std::max(left, canvas.text_width(bar.label, 13) + 40);
    left = std::min(left, kBarsWidth * 0.5);
    const double right = kBarsWidth - kBarsRight, bottom = height - kBarsBottom;
    const auto place = [&](double value) { return left + value * (right - left); };

    const Color &plain = chart_color(0), &controlled = chart_color(1);
    canvas.color(plain);
    canvas.box(left, 46, 18, 10);
    canvas.color(controlled);
    canvas.box(left + 130, 46, 18, 10);
    canvas.gray(0.45);
    canvas.text(left + 26, 56, "win rate", 12, 0);
    canvas.text(left + 156, 56, "at equal lengths (length-controlled); whiskers: 95 %", 12, 0);
    for (int percent = 0; percent <= 100; percent += 25) {
      const double x = place(percent / 100.0);
      canvas.gray(0.5, percent == 50 ? 0.8 : 0.2);
      canvas.segment(x, kBarsTop - 8, x, bottom, percent == 50 ? 1.5 : 1);
      canvas.gray(0.45);
      canvas.text(x, bottom + 18, fmt::format("{} %", percent), 12, 0.5);
    }
    double y = kBarsTop;
    for (const Bar& bar : chart.bars) {
      canvas.gray(0.3);
      canvas.text(left - 12, y + 20, bar.label, 13, 1);
      const auto draw = [&](double at, double thick, const Color& color, double value, double low,
                            double high) {
        canvas.color(color, 0.75);
        canvas.box(left, at, place(value) - left, thick);
        canvas.gray(0.15);
        const double middle = at + thick / 2;
        canvas.segment(place(low), middle, place(high), middle, 1.5);
        canvas.segment(place(low), middle - 3, place(low), middle + 3, 1.5);
        canvas.segment(place(high), middle - 3, place(high), middle + 3, 1.5);
        canvas.gray(0.3);
        canvas.text(right + 12, middle + 4, fmt::format("{:.1f} %", 100 * value), 11, 0);
      };
      draw(y + 2, 16, plain, bar.value, bar.low, bar.high);
      draw(y + 22, 10, controlled, bar.other, bar.other_low, bar.other_high);
      y += kBarsRow;
    }
  });
}

std::string text_bars(const BarChart& chart, int columns, bool colors) {
  size_t label = 0;
  for (const Bar& bar : chart.bars) label = std::max(label, bar.label.size());
  label = std::min<size_t>(label, 48);
  const int width = std::clamp(columns - static_cast<int>(label) - 30, 10, 60);
  std::string text = chart.title + "\n";
  for (const Bar& bar : chart.bars) {
    const int filled = static_cast<int>(std::lround(bar.value * width));
    std::string cells;
    for (int i = 0; i < width; ++i) cells += i < filled ? "█" : i == width / 2 ? "│" : "·";
    text += fmt::format("{:<{}} {}{}{} {:5.1f} %  ({:.1f} to {:.1f})\n", bar.label, label,
                        colors ? fmt::format("\x1b[38;5;{}m", chart_color(0).terminal) : "", cells,
                        colors ? "\x1b[0m" : "", 100 * bar.value, 100 * bar.low, 100 * bar.high);
  }
  return text;
}

}  // namespace parley::cli
