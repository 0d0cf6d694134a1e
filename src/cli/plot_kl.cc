#include "cli/plot_kl.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numeric>

#include "base/error.h"
#include "cli/plot_metrics.h"
#include "data/json_lines.h"

namespace parley::cli {
namespace {

// The functions whose weighted sum a form is, with weights offset, α and −β.
std::array<double, 3> basis(KlForm form, double d) {
  if (form == KlForm::kBestOfN) return {1, d, d * d};
  return {1, d, d > 0 ? d * std::log(d) : 0};
}

// Solves M x = v of three unknowns by elimination with pivots. False when M is singular.
bool solve(std::array<std::array<double, 3>, 3> m, std::array<double, 3> v,
           std::array<double, 3>& x) {
  for (size_t c = 0; c < 3; ++c) {
    size_t pivot = c;
    for (size_t r = c + 1; r < 3; ++r)
      if (std::abs(m[r][c]) > std::abs(m[pivot][c])) pivot = r;
    if (std::abs(m[pivot][c]) < 1e-12) return false;
    std::swap(m[c], m[pivot]);
    std::swap(v[c], v[pivot]);
    for (size_t r = 0; r < 3; ++r) {
      if (r == c) continue;
      const double factor = m[r][c] / m[c][c];
      for (size_t k = c; k < 3; ++k) m[r][k] -= factor * m[c][k];
      v[r] -= factor * v[c];
    }
  }
  for (size_t c = 0; c < 3; ++c) x[c] = v[c] / m[c][c];
  return true;
}

// A value at each x, in ascending order of x.
Line sorted_line(const KlCurve& curve, const std::vector<double>& y) {
  std::vector<size_t> order(curve.d.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return curve.d[a] < curve.d[b]; });
  Line line;
  for (const size_t i : order) {
    if (!std::isfinite(y[i])) continue;
    line.x.push_back(curve.d[i]);
    line.y.push_back(y[i]);
  }
  return line;
}

// The mean over `reach` values on each side, fewer at the ends but as many on both sides.
std::vector<double> centered_mean(const std::vector<double>& y, size_t reach) {
  std::vector<double> result;
  for (size_t i = 0; i < y.size(); ++i) {
    const size_t r = std::min({reach, i, y.size() - 1 - i});
    double sum = 0;
    for (size_t j = i - r; j <= i + r; ++j) sum += y[j];
    result.push_back(sum / static_cast<double>(2 * r + 1));
  }
  return result;
}

Line fit_line(const KlCurve& curve, const std::vector<double>& y, int color) {
  const Line points = sorted_line(curve, y);
  const KlFit fit = fit_kl(curve.form, points.x, points.y);
  Line line;
  line.color = color;
  line.width = 1;
  if (!fit.valid) return line;
  constexpr int kSteps = 200;
  for (int i = 0; i <= kSteps; ++i) {
    line.x.push_back(points.x.back() * i / kSteps);
    line.y.push_back(fit.at(curve.form, line.x.back()));
  }
  return line;
}

void add_curve(Panel& panel, const KlCurve& curve, int color) {
  const auto add = [&](const std::vector<double>& y, const std::string& what, bool dashed) {
    Line line = sorted_line(curve, y);
    if (line.x.empty()) return;
    line.name = curve.name + " " + what;
    line.color = color;
    line.dashed = dashed;
    // A run's rewards are noisy, and so is its KL: dots, and a curve that follows them.
    if (curve.form == KlForm::kReinforcement && line.x.size() > 20) {
      Line dots = line;
      dots.name.clear();
      dots.joined = false;
      dots.points = true;
      dots.width = 0.5;
      dots.alpha = dashed ? 0.25 : 0.45;
      panel.lines.push_back(std::move(dots));
      const size_t reach = line.y.size() / 30 + 2;
      line.y = centered_mean(line.y, reach);
      // The first and the last few are means of next to nothing.
      for (std::vector<double>* values : {&line.x, &line.y}) {
        values->erase(values->end() - static_cast<int64_t>(reach / 2), values->end());
        values->erase(values->begin(), values->begin() + static_cast<int64_t>(reach / 2));
      }
      line.alpha = 0.7;
    } else {
      line.points = line.x.size() <= 40;
      line.width = 1.5;
    }
    panel.lines.push_back(std::move(line));
    Line fit = fit_line(curve, y, color);
    fit.dashed = dashed;
    if (!fit.x.empty()) panel.lines.push_back(std::move(fit));
  };
  add(curve.gold, "gold", false);
  add(curve.proxy, "proxy", true);
}

bool has_numbers(const simdjson::dom::element& record, std::initializer_list<const char*> keys) {
  if (!record.is_object()) return false;
  for (const char* key : keys) {
    double value = 0;
    if (record[key].get(value) != simdjson::SUCCESS) return false;
  }
  return true;
}

}  // namespace

double KlFit::at(KlForm form, double d) const {
  const auto f = basis(form, d);
  return offset * f[0] + alpha * f[1] - beta * f[2];
}

KlFit fit_kl(KlForm form, const std::vector<double>& d, const std::vector<double>& r) {
  KlFit fit;
  std::array<std::array<double, 3>, 3> m{};
  std::array<double, 3> v{}, x{};
  std::vector<double> different;
  for (size_t i = 0; i < d.size(); ++i) {
    if (!std::isfinite(d[i]) || !std::isfinite(r[i])) continue;
    different.push_back(d[i]);
    const auto f = basis(form, d[i]);
    for (size_t a = 0; a < 3; ++a) {
      for (size_t b = 0; b < 3; ++b) m[a][b] += f[a] * f[b];
      v[a] += f[a] * r[i];
    }
  }
  std::sort(different.begin(), different.end());
  different.erase(std::unique(different.begin(), different.end()), different.end());
  if (different.size() < 3 || !solve(m, v, x)) return fit;
  return {x[0], x[1], -x[2], true};
}

bool is_best_of_n_file(const base::fs::path& path) {
  if (!base::fs::is_regular_file(path)) return false;
  data::JsonLines lines(path);
  simdjson::dom::element record;
  std::string problem;
  return lines.next(record, problem) == data::JsonLines::Status::kRecord &&
         has_numbers(record, {"n", "kl", "proxy"});
}

KlCurve read_kl_curve(const base::fs::path& path) {
  KlCurve curve;
  const bool best_of_n = is_best_of_n_file(path);
  curve.form = best_of_n ? KlForm::kBestOfN : KlForm::kReinforcement;
  curve.name = best_of_n ? path.stem().string() : run_name(path);
  const base::fs::path file = base::fs::is_directory(path) ? path / "metrics.jsonl" : path;
  if (!base::fs::exists(file))
    base::fail("{}: no such file; name a run directory or a file of parley eval bestofn",
               file.string());
  const char* proxy_key = best_of_n ? "proxy" : "reward";
  data::JsonLines lines(file);
  simdjson::dom::element record;
  std::string problem;
  for (auto status = lines.next(record, problem); status != data::JsonLines::Status::kEnd;
       status = lines.next(record, problem)) {
    if (status != data::JsonLines::Status::kRecord || !has_numbers(record, {"kl", proxy_key}))
      continue;
    double kl = 0, proxy = 0, gold = NAN;
    if (record["kl"].get(kl) != simdjson::SUCCESS ||
        record[proxy_key].get(proxy) != simdjson::SUCCESS)
      continue;
    if (record["gold"].get(gold) != simdjson::SUCCESS) gold = NAN;
    curve.d.push_back(std::sqrt(std::max(0.0, kl)));
    curve.proxy.push_back(proxy);
    curve.gold.push_back(gold);
  }
  if (curve.d.empty())
    base::fail(
        "{}: no line has \"kl\" and \"{}\"; a PPO or GRPO run or the output of "
        "parley eval bestofn is wanted",
        file.string(), proxy_key);
  return curve;
}

Panel kl_panel(const std::vector<KlCurve>& curves) {
  Panel panel{"reward (gold: solid, proxy: dashed; thin: fits of Gao et al.)",
              "distance from the first policy, √KL (√nats)",
              {},
              1.8};
  for (size_t i = 0; i < curves.size(); ++i) add_curve(panel, curves[i], static_cast<int>(i));
  return panel;
}

}  // namespace parley::cli
