// parley plot: the curves of training runs, as a picture and in the terminal.
#include <sys/ioctl.h>
#include <unistd.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"
#include "cli/chart.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "data/json_lines.h"

namespace parley::cli {
namespace {

constexpr const char* kExamples = R"(Examples:
  parley plot runs/mini                            draws in the terminal, writes runs/mini/curves.svg
  parley plot runs/mini --out curves.png
  parley plot runs/adamw runs/muon --out compare.svg   several runs in one picture
)";

struct Options {
  std::vector<base::fs::path> runs;
  base::fs::path out;
  std::string x = "step";
  double smoothing = 0;
};

// The metrics of one run: each a column, NaN where a line has it not.
struct Metrics {
  std::string name;
  std::vector<double> x, loss, lr, speed;
  std::vector<double> val_x, val_loss, val_bpb;
  double last_loss = NAN;
};

double number(const simdjson::dom::element& record, const char* key) {
  double value = NAN;
  return record[key].get(value) == simdjson::SUCCESS ? value : NAN;
}

// Lines that are not whole (the last one of a run that is being written or was
// killed) are passed over.
Metrics read_metrics(const base::fs::path& run, const std::string& x_key) {
  const base::fs::path file = base::fs::is_directory(run) ? run / "metrics.jsonl" : run;
  if (!base::fs::exists(file))
    base::fail("{}: no such file; name the directory of a run that has begun", file.string());
  Metrics metrics;
  metrics.name = base::fs::absolute(run).lexically_normal().filename().string();
  if (metrics.name.empty())
    metrics.name = base::fs::absolute(run).lexically_normal().parent_path().filename().string();
  data::JsonLines lines(file);
  simdjson::dom::element record;
  std::string problem;
  int64_t bad = 0;
  for (auto status = lines.next(record, problem); status != data::JsonLines::Status::kEnd;
       status = lines.next(record, problem)) {
    double x = NAN;
    if (status == data::JsonLines::Status::kRecord && record.is_object())
      x = number(record, x_key.c_str());
    if (!std::isfinite(x)) {
      ++bad;
      continue;
    }
    metrics.x.push_back(x);
    metrics.loss.push_back(number(record, "loss"));
    metrics.lr.push_back(number(record, "lr"));
    metrics.speed.push_back(number(record, "tokens_per_s"));
    if (const double loss = number(record, "val_loss"); std::isfinite(loss)) {
      metrics.val_x.push_back(x);
      metrics.val_loss.push_back(loss);
      metrics.val_bpb.push_back(number(record, "val_bpb"));
    }
  }
  if (bad > 1) spdlog::warn("{}: {} lines without \"{}\" passed over", file.string(), bad, x_key);
  if (metrics.x.empty()) base::fail("{}: no metrics yet; wait for the first step", file.string());
  return metrics;
}

std::vector<Panel> make_panels(const std::vector<Metrics>& runs, const Options& options) {
  Panel loss{"loss (nats per token)", options.x, {}, 1.3};
  Panel bpb{"validation, bits per byte", options.x, {}, 0.8};
  Panel lr{"learning rate", options.x, {}, 0.6};
  Panel speed{"tokens per second", options.x, {}, 0.6};
  const bool several = runs.size() > 1;
  for (size_t i = 0; i < runs.size(); ++i) {
    const Metrics& run = runs[i];
    // One run: a colour for each curve. Several: a colour for each run.
    const int color = static_cast<int>(i), val_color = several ? color : 1;
    const std::string prefix = several ? run.name + " " : "";
    const double span = options.smoothing > 0
                            ? options.smoothing
                            : std::max(1.0, static_cast<double>(run.loss.size()) / 50);
    loss.lines.push_back({"", run.x, run.loss, color, 0.25, 1});
    loss.lines.push_back({prefix + "training", run.x, smooth(run.loss, span), color});
    if (!run.val_x.empty()) {
      loss.lines.push_back({prefix + "validation", run.val_x, run.val_loss, val_color, 1, 2, true});
      bpb.lines.push_back({several ? run.name : "", run.val_x, run.val_bpb, val_color, 1, 2, true});
    }
    lr.lines.push_back({several ? run.name : "", run.x, run.lr, several ? color : 2});
    speed.lines.push_back({"", run.x, run.speed, several ? color : 3, 0.25, 1});
    speed.lines.push_back(
        {several ? run.name : "", run.x, smooth(run.speed, span), several ? color : 3});
  }
  std::vector<Panel> panels = {loss};
  if (!bpb.lines.empty()) panels.push_back(bpb);
  panels.push_back(lr);
  panels.push_back(speed);
  return panels;
}

void run(const Options& options, const Common& common) {
  std::vector<Metrics> runs;
  std::string title;
  for (const base::fs::path& path : options.runs) {
    runs.push_back(read_metrics(path, options.x));
    title += (title.empty() ? "" : ", ") + runs.back().name;
  }
  const std::vector<Panel> panels = make_panels(runs, options);
  const base::fs::path first = options.runs[0];
  const base::fs::path out = !options.out.empty()            ? options.out
                             : base::fs::is_directory(first) ? first / "curves.svg"
                                                             : base::fs::path("curves.svg");
  draw_chart(out, title, panels);

  if (common.json) {
    nlohmann::ordered_json json;
    json["file"] = out.string();
    for (const Metrics& m : runs) {
      nlohmann::ordered_json entry;
      entry["run"] = m.name;
      entry["x"] = m.x.back();
      entry["loss"] = m.loss.back();
      if (!m.val_loss.empty()) {
        entry["val_loss"] = m.val_loss.back();
        entry["val_bpb"] = m.val_bpb.back();
      }
      json["runs"].push_back(entry);
    }
    write_out(json.dump() + "\n");
    return;
  }
  const bool terminal = ::isatty(STDOUT_FILENO) == 1;
  winsize size{};
  if (!terminal || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    size.ws_col = 100;
  const int columns = std::min<int>(size.ws_col, 140);
  for (size_t i = 0; i < panels.size() && i < 2; ++i)
    write_out(text_chart(panels[i], columns, i == 0 ? 16 : 8, terminal) + "\n");
  spdlog::info("written: {}", out.string());
}

}  // namespace

void add_plot(CLI::App& app, Common& common) {
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("plot", "draw the curves of training runs (SVG, PNG, terminal)");
  command->footer(kExamples);
  command->add_option("RUN", options->runs, "run directories (or metrics.jsonl files)")->required();
  command->add_option("--out", options->out,
                      "picture to write, .svg or .png (default: RUN/curves.svg)");
  command->add_option("--x", options->x, "what the horizontal axis shows")
      ->check(CLI::IsMember({"step", "tokens", "time"}))
      ->capture_default_str();
  command
      ->add_option("--smooth", options->smoothing,
                   "average the training curve over so many steps (default: a fiftieth of them)")
      ->check(CLI::PositiveNumber);
  command->callback([options, &common] { run(*options, common); });
}

}  // namespace parley::cli
