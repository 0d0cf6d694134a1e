// parley plot: the curves of training runs, what optimisation does to rewards, and win rates, as
// pictures and in the terminal.
#include <sys/ioctl.h>
#include <unistd.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/log.h"
#include "cli/chart.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "cli/plot_bars.h"
#include "cli/plot_kl.h"
#include "cli/plot_metrics.h"

namespace parley::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kPlotExamples = R"(Examples:
  parley plot runs/mini                            draws in the terminal, writes runs/mini/curves.svg
  parley plot runs/mini --out curves.png
  parley plot runs/adamw runs/muon --out compare.svg   several runs in one picture
  parley plot runs/ppo --keys reward,gold,kl
  parley plot --kl-curve runs/ppo bestofn.jsonl --out overoptimisation.png
  parley plot --bars report.json --out winrates.png    of parley eval winrate --out report.json
Every number in metrics.jsonl is drawn, one panel for those of a kind.
)";

struct PlotOptions {
  std::vector<base::fs::path> runs, kl_files;
  base::fs::path bars, out;
  std::string x = "step";
  std::vector<std::string> keys;
  double smoothing = 0;
};

// The width of the terminal; `terminal` says whether there is one.
int terminal_columns(bool& terminal) {
  terminal = ::isatty(STDOUT_FILENO) == 1;
  winsize size{};
  if (!terminal || ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0)
    size.ws_col = 100;
  return std::min<int>(size.ws_col, 140);
}

void show_panels(const std::vector<Panel>& panels, const base::fs::path& out) {
  bool terminal = false;
  const int columns = terminal_columns(terminal);
  for (size_t i = 0; i < panels.size() && i < 2; ++i)
    write_out(text_chart(panels[i], columns, i == 0 ? 16 : 8, terminal) + "\n");
  spdlog::info("written: {}", out.string());
}

void plot_runs(const PlotOptions& options, const Common& common) {
  std::vector<RunMetrics> runs;
  std::string title;
  for (const base::fs::path& path : options.runs) {
    runs.push_back(read_run_metrics(path, options.x));
    title += (title.empty() ? "" : ", ") + runs.back().name;
    if (!options.keys.empty())
      std::erase_if(runs.back().metrics, [&](const Metric& metric) {
        return std::ranges::find(options.keys, metric.key) == options.keys.end();
      });
  }
  const std::vector<Panel> panels = metric_panels(runs, options.x, options.smoothing);
  if (panels.empty()) base::fail("{}: nothing to draw: no line has these keys", title);
  const base::fs::path first = options.runs[0];
  const base::fs::path out = !options.out.empty()            ? options.out
                             : base::fs::is_directory(first) ? first / "curves.svg"
                                                             : base::fs::path("curves.svg");
  draw_chart(out, title, panels);
  if (!common.json) return show_panels(panels, out);
  Json json;
  json["file"] = out.string();
  for (const RunMetrics& run : runs) {
    Json entry;
    entry["run"] = run.name;
    entry["x"] = run.last_x;
    for (const Metric& metric : run.metrics)
      if (metric.key != options.x) entry[metric.key] = metric.y.back();
    json["runs"].push_back(entry);
  }
  write_out(json.dump() + "\n");
}

Json fit_json(const KlCurve& curve, const std::vector<double>& rewards) {
  const KlFit fit = fit_kl(curve.form, curve.d, rewards);
  if (!fit.valid) return nullptr;
  return {{"offset", fit.offset}, {"alpha", fit.alpha}, {"beta", fit.beta}};
}

void plot_kl(const std::vector<base::fs::path>& files, const PlotOptions& options,
             const Common& common) {
  std::vector<KlCurve> curves;
  curves.reserve(files.size());
  for (const base::fs::path& file : files) curves.push_back(read_kl_curve(file));
  const base::fs::path out = options.out.empty() ? base::fs::path("kl_curve.svg") : options.out;
  const std::vector<Panel> panels = {kl_panel(curves)};
  draw_chart(out, "what optimising the proxy does", panels);
  if (!common.json) return show_panels(panels, out);
  Json json;
  json["file"] = out.string();
  for (const KlCurve& curve : curves)
    json["curves"].push_back({{"name", curve.name},
                              {"form", curve.form == KlForm::kBestOfN ? "best_of_n" : "rl"},
                              {"points", curve.d.size()},
                              {"gold_fit", fit_json(curve, curve.gold)},
                              {"proxy_fit", fit_json(curve, curve.proxy)}});
  write_out(json.dump() + "\n");
}

void plot_bars(const base::fs::path& file, const PlotOptions& options, const Common& common) {
  const BarChart chart = read_winrate_bars(file);
  base::fs::path out = options.out;
  if (out.empty()) out = base::fs::path(file).replace_extension(".svg");
  draw_bars(out, chart);
  if (common.json) {
    write_out(Json{{"file", out.string()}}.dump() + "\n");
    return;
  }
  bool terminal = false;
  const int columns = terminal_columns(terminal);
  write_out(text_bars(chart, columns, terminal));
  spdlog::info("written: {}", out.string());
}

void run(const PlotOptions& options, const Common& common) {
  if (!options.bars.empty()) return plot_bars(options.bars, options, common);
  if (!options.kl_files.empty()) return plot_kl(options.kl_files, options, common);
  if (options.runs.empty())
    throw base::UsageError("what shall be drawn? name a run, or use --kl-curve or --bars");
  // Files of other commands are known by what is in them.
  if (options.runs.size() == 1 && options.runs[0].extension() == ".json")
    return plot_bars(options.runs[0], options, common);
  if (std::ranges::any_of(options.runs, is_best_of_n_file))
    return plot_kl(options.runs, options, common);
  plot_runs(options, common);
}

}  // namespace

void add_plot(CLI::App& app, Common& common) {
  auto options = std::make_shared<PlotOptions>();
  CLI::App* command =
      app.add_subcommand("plot", "draw the curves of training runs (SVG, PNG, terminal)");
  command->footer(kPlotExamples);
  auto* runs =
      command->add_option("RUN", options->runs, "run directories (or metrics.jsonl files)");
  auto* kl = command->add_option(
      "--kl-curve", options->kl_files,
      "proxy and gold reward against the KL, of PPO runs and of files of parley eval bestofn");
  auto* bars = command->add_option("--bars", options->bars,
                                   "the report.json of parley eval winrate: bars with intervals");
  kl->excludes(runs)->excludes(bars);
  bars->excludes(runs);
  command->add_option("--out", options->out,
                      "picture to write, .svg or .png (default: RUN/curves.svg)");
  command->add_option("--x", options->x, "what the horizontal axis shows")
      ->check(CLI::IsMember({"step", "tokens", "time", "epoch"}))
      ->capture_default_str();
  command->add_option("--keys", options->keys, "only these numbers of metrics.jsonl")
      ->delimiter(',');
  command
      ->add_option("--smooth", options->smoothing,
                   "average noisy curves over so many values (default: a fiftieth of them)")
      ->check(CLI::PositiveNumber);
  command->callback([options, &common] { run(*options, common); });
}

}  // namespace parley::cli
