#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "base/error.h"
#include "cli/chart.h"
#include "cli/plot_bars.h"
#include "cli/plot_kl.h"
#include "cli/plot_metrics.h"

namespace parley::cli {
namespace {

namespace fs = base::fs;

class Plot : public testing::Test {
 protected:
  Plot() : folder_(fs::temp_directory_path() / ("parley_plot_" + std::to_string(getpid()))) {
    fs::create_directories(folder_ / "run");
  }
  ~Plot() override { fs::remove_all(folder_); }
  fs::path write(const std::string& name, const std::string& text) {
    base::write_file(folder_ / name, text);
    return folder_ / name;
  }
  fs::path folder_;
};

TEST_F(Plot, ReadsWhateverKeysThereAre) {
  write("run/metrics.jsonl",
        "{\"step\":1,\"loss\":2.5,\"lr\":0.1,\"name\":\"x\"}\n"
        "not JSON\n"
        "{\"step\":2,\"loss\":2.25,\"val_loss\":2.4,\"brand_new\":7}\n"
        "{\"loss\":9}\n"
        "{\"step\":3,\"loss\":null,\"reward\":1,\"reward_exact\":0.5}\n"
        "{\"step\":4,\"lo");
  const RunMetrics run = read_run_metrics(folder_ / "run", "step");
  EXPECT_EQ(run.name, "run");
  EXPECT_EQ(run.last_x, 3);
  EXPECT_EQ(run.find("loss")->y, (std::vector<double>{2.5, 2.25}));
  EXPECT_EQ(run.find("val_loss")->x, (std::vector<double>{2}));
  EXPECT_FALSE(run.find("name"));

  const std::vector<Panel> panels = metric_panels({run}, "step", 0);
  std::vector<std::string> titles;
  for (const Panel& panel : panels) titles.push_back(panel.title);
  EXPECT_EQ(titles, (std::vector<std::string>{"reward", "loss", "learning rate", "brand_new"}));
  ASSERT_EQ(panels[0].lines.size(), 2u);
  EXPECT_EQ(panels[0].lines[1].name, "reward_exact");
  EXPECT_EQ(panels[1].lines[1].name, "validation");
  // Several runs: a name and a colour for each.
  const std::vector<Panel> both = metric_panels({run, run}, "step", 0);
  EXPECT_EQ(both[1].lines[1].name, "run training");
  EXPECT_EQ(both[1].lines[1].color, 1);
  EXPECT_TRUE(both[1].lines[2].dashed);
}

TEST_F(Plot, HeldOutMeasuresStandBesideTheirOwn) {
  write("run/metrics.jsonl",
        "{\"step\":1,\"margin\":1,\"chosen_reward\":2,\"val_margin\":0.5,\"val_loss\":2,\"val_"
        "new\":1,"
        "\"entropy\":2,\"val_entropy\":3}\n");
  const std::vector<Panel> panels =
      metric_panels({read_run_metrics(folder_ / "run", "step")}, "step", 0);
  ASSERT_EQ(panels.size(), 4u);
  EXPECT_EQ(panels[0].title, "loss");
  EXPECT_EQ(panels[1].title, "entropy (nats a token)");
  EXPECT_EQ(panels[1].lines[1].name, "validation");
  EXPECT_EQ(panels[2].title, "rewards of the pair");
  EXPECT_EQ(panels[2].lines.size(), 3u);
  EXPECT_EQ(panels[2].lines[2].name, "margin, validation");
  EXPECT_EQ(panels[3].title, "val_new");
}

TEST_F(Plot, SaysWhenThereIsNothing) {
  EXPECT_THROW(read_run_metrics(folder_ / "none", "step"), base::Error);
  write("run/metrics.jsonl", "");
  EXPECT_THROW(read_run_metrics(folder_ / "run", "step"), base::Error);
  EXPECT_THROW(read_kl_curve(write("a.jsonl", "{\"kl\":1}\n")), base::Error);
  EXPECT_THROW(read_winrate_bars(write("b.json", "{\"prompts\":3}")), base::Error);
  EXPECT_THROW(read_winrate_bars(write("c.json", "[")), base::Error);
}

TEST_F(Plot, ReadsKlCurves) {
  const fs::path best = write("best.jsonl",
                              "{\"n\":1,\"kl\":0,\"proxy\":0,\"gold\":1}\n"
                              "{\"n\":2,\"kl\":0.25,\"proxy\":1,\"gold\":2}\n");
  write("run/metrics.jsonl",
        "{\"step\":1,\"kl\":-0.01,\"reward\":1}\n{\"step\":2,\"kl\":4,\"reward\":2,\"gold\":3}\n"
        "{\"step\":3,\"reward\":2}\n");
  EXPECT_TRUE(is_best_of_n_file(best));
  EXPECT_FALSE(is_best_of_n_file(folder_ / "run"));
  EXPECT_FALSE(is_best_of_n_file(folder_ / "run" / "metrics.jsonl"));
  const KlCurve of_best = read_kl_curve(best), of_run = read_kl_curve(folder_ / "run");
  EXPECT_EQ(of_best.form, KlForm::kBestOfN);
  EXPECT_EQ(of_best.d, (std::vector<double>{0, 0.5}));
  EXPECT_EQ(of_run.d, (std::vector<double>{0, 2}));
  EXPECT_TRUE(std::isnan(of_run.gold[0]));
  EXPECT_EQ(of_run.name, "run");
}

TEST(KlFit, FindsTheTruth) {
  for (const KlForm form : {KlForm::kBestOfN, KlForm::kReinforcement}) {
    const KlFit truth{0.5, 1.25, 0.3, true};
    std::vector<double> d, r;
    for (int i = 0; i < 30; ++i) {
      d.push_back(0.2 * i);
      r.push_back(truth.at(form, d.back()));
    }
    r.push_back(NAN);
    d.push_back(1);
    const KlFit fit = fit_kl(form, d, r);
    ASSERT_TRUE(fit.valid);
    EXPECT_NEAR(fit.offset, 0.5, 1e-9);
    EXPECT_NEAR(fit.alpha, 1.25, 1e-9);
    EXPECT_NEAR(fit.beta, 0.3, 1e-9);
  }
  EXPECT_NEAR((KlFit{0, 2, 1, true}.at(KlForm::kBestOfN, 3)), 3 * (2 - 3), 1e-12);
  EXPECT_NEAR((KlFit{0, 2, 1, true}.at(KlForm::kReinforcement, 3)), 3 * (2 - std::log(3)), 1e-12);
}

TEST(KlFit, IsTheLeastSquaresSolution) {
  // numpy.linalg.lstsq on (1, d, d²) and (1, d, d ln d).
  const std::vector<double> d = {0, 0.5, 1, 1.5, 2, 2.5}, r = {0.1, 0.6, 0.8, 1.3, 1.1, 1.0};
  const KlFit best = fit_kl(KlForm::kBestOfN, d, r);
  EXPECT_NEAR(best.offset, 0.0785714285714, 1e-9);
  EXPECT_NEAR(best.alpha, 1.19285714286, 1e-9);
  EXPECT_NEAR(best.beta, 0.328571428571, 1e-9);
  const KlFit rl = fit_kl(KlForm::kReinforcement, d, r);
  EXPECT_NEAR(rl.offset, 0.0556383037388, 1e-9);
  EXPECT_NEAR(rl.alpha, 0.87915994538, 1e-9);
  EXPECT_NEAR(rl.beta, 0.514778376207, 1e-9);
}

TEST(KlFit, NeedsThreePlaces) {
  EXPECT_FALSE(fit_kl(KlForm::kBestOfN, {0, 1, 1, 0}, {0, 1, 2, 0}).valid);
  EXPECT_FALSE(fit_kl(KlForm::kReinforcement, {}, {}).valid);
}

TEST_F(Plot, DrawsBars) {
  const fs::path report = write("report.json", R"({"judge": "gold", "prompts": 50, "pairs": [
    {"a": "ppo", "b": "sft", "win_rate": 0.625, "win_rate_interval": [0.5, 0.75],
     "length_controlled": 0.55, "length_controlled_interval": [0.4, 0.7]}]})");
  const BarChart chart = read_winrate_bars(report);
  EXPECT_EQ(chart.bars[0].label, "ppo against sft");
  draw_bars(folder_ / "bars.svg", chart);
  EXPECT_GT(fs::file_size(folder_ / "bars.svg"), 1000u);
  EXPECT_THROW(draw_bars(folder_ / "bars.jpg", chart), base::UsageError);
  const std::string text = text_bars(chart, 100, false);
  EXPECT_NE(text.find("ppo against sft"), std::string::npos);
  EXPECT_NE(text.find("62.5 %  (50.0 to 75.0)"), std::string::npos) << text;
}

}  // namespace
}  // namespace parley::cli
