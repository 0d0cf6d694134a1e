#include "app/training.h"

#include <gtest/gtest.h>

#include <fstream>

#include "app/app_test_util.h"
#include "base/files.h"

namespace parley::app {
namespace {

class TrainingTest : public testing::Test {
 protected:
  TrainingTest() : root_(fs::path(testing::TempDir()) / ("runs_" + store::make_id())) {
    fs::create_directories(root_);
  }
  ~TrainingTest() override { fs::remove_all(root_); }

  fs::path add_run(const std::string& name, int64_t lines, const std::string& stage = "sft") {
    const fs::path path = root_ / name;
    fs::create_directories(path / "model");
    base::write_file(path / "config.json",
                     Json({{"stage", stage}, {"options", {{"steps", 100}}}}).dump());
    base::write_file(path / "model" / "config.json", "{}");
    std::string text;
    for (int64_t i = 1; i <= lines; ++i) {
      Json line = {{"step", i}, {"loss", 1.0 / static_cast<double>(i)}};
      if (i % 100 == 0) line["val_loss"] = 2.0;
      text += line.dump() + "\n";
    }
    base::write_file(path / "metrics.jsonl", text);
    base::write_file(path / "samples.md", "## Step 1\n\n> 从前\n");
    return path;
  }

  fs::path root_;
};

TEST_F(TrainingTest, ListsRuns) {
  add_run("a", 3);
  add_run("deep/er/b", 5, "dpo");
  fs::create_directories(root_ / "empty");
  const RunFolder folder(root_);
  const Json runs = folder.runs();
  ASSERT_EQ(runs.size(), 2u);
  const Json& b = runs[0]["name"] == "a" ? runs[1] : runs[0];
  EXPECT_EQ(b["name"], "deep/er/b");
  EXPECT_EQ(b["stage"], "dpo");
  EXPECT_EQ(b["steps"], 100);
  EXPECT_EQ(b["last"]["step"], 5);
  EXPECT_EQ(b["config"]["options"]["steps"], 100);
  EXPECT_GT(b["started"].get<int64_t>(), 1'600'000'000'000);
  EXPECT_GE(b["updated"].get<int64_t>(), b["started"].get<int64_t>());
}

TEST_F(TrainingTest, TailsMetricsAndLeavesHalfALine) {
  const fs::path run = add_run("a", 3);
  const RunFolder folder(root_);
  Json json = folder.metrics("a", -1, 2000);
  EXPECT_EQ(json["lines"].size(), 3u);
  EXPECT_EQ(json["next"], 3);
  std::ofstream(run / "metrics.jsonl", std::ios::app) << "{\"step\":4}\nnot json\n{\"step\":5";
  json = folder.metrics("a", 3, 2000);
  ASSERT_EQ(json["lines"].size(), 1u);
  EXPECT_EQ(json["lines"][0]["step"], 4);
  EXPECT_EQ(json["next"], 5);
  EXPECT_EQ(folder.runs()[0]["last"]["step"], 4);
  std::ofstream(run / "metrics.jsonl", std::ios::app) << "}\n";
  json = folder.metrics("a", 5, 2000);
  ASSERT_EQ(json["lines"].size(), 1u);
  EXPECT_EQ(json["lines"][0]["step"], 5);
  EXPECT_EQ(folder.metrics("a", 0, 2)["lines"].size(), 2u);
  EXPECT_EQ(folder.metrics("a", 0, 2)["next"], 2);
  EXPECT_TRUE(folder.metrics("a", 99, 2)["lines"].empty());
}

TEST_F(TrainingTest, ThinsLongMetrics) {
  add_run("long", 50'000);
  const RunFolder folder(root_);
  const Json json = folder.metrics("long", -1, 2000);
  EXPECT_EQ(json["next"], 50'000);
  EXPECT_LE(json["lines"].size(), 2000u);
  EXPECT_GE(json["lines"].size(), 1900u);
  EXPECT_EQ(json["lines"].front()["step"], 1);
  EXPECT_EQ(json["lines"].back()["step"], 50'000);
  int64_t last = 0, validations = 0;
  for (const Json& line : json["lines"]) {
    EXPECT_GT(line["step"].get<int64_t>(), last);
    last = line["step"].get<int64_t>();
    validations += line.contains("val_loss") ? 1 : 0;
  }
  EXPECT_EQ(validations, 500);
}

TEST_F(TrainingTest, NothingOutsideOfTheFolder) {
  add_run("a", 3);
  const fs::path outside = root_.string() + "_outside";
  fs::create_directories(outside);
  base::write_file(outside / "metrics.jsonl", "{\"secret\":1}\n");
  base::write_file(outside / "samples.md", "secret");
  fs::create_directory_symlink(outside, root_ / "link");
  fs::create_directories(root_ / "b");
  fs::create_symlink(outside / "metrics.jsonl", root_ / "b" / "metrics.jsonl");
  fs::create_symlink(outside / "samples.md", root_ / "b" / "samples.md");
  const RunFolder folder(root_);
  const std::string sibling = "../" + outside.filename().string();
  const std::string zero("a\0b", 3);
  for (const std::string& name :
       {sibling, std::string("link"), std::string("b"), std::string(".."), std::string("."),
        std::string(""), std::string("a/../../") + outside.filename().string(), outside.string(),
        std::string("a/.."), std::string("a//"), std::string("a/."), zero, std::string("nothing"),
        std::string("a/metrics.jsonl"), std::string(5000, 'x')}) {
    EXPECT_THROW(folder.metrics(name, -1, 10), ApiError) << name;
    EXPECT_THROW(folder.samples(name), ApiError) << name;
  }
  EXPECT_EQ(folder.runs().size(), 1u);
  EXPECT_EQ(folder.samples("a"), "## Step 1\n\n> 从前\n");
  fs::remove_all(outside);
}

TEST_F(TrainingTest, OddFilesAreNoTrouble) {
  const fs::path run = add_run("a", 2);
  base::write_file(run / "config.json", "[]");
  base::write_file(run / "metrics.jsonl", std::string(3 << 20, 'x') + "\n{\"step\":1}\n\n[1]\n");
  std::string samples;
  for (int i = 0; i < 200'000; ++i) samples += "line " + std::to_string(i) + "\n";
  base::write_file(run / "samples.md", samples + "\xFF");
  const RunFolder folder(root_);
  EXPECT_EQ(folder.runs()[0]["stage"], "");
  const Json json = folder.metrics("a", -1, 2000);
  EXPECT_EQ(json["lines"].size(), 1u);
  EXPECT_EQ(json["next"], 4);
  const std::string text = folder.samples("a");
  EXPECT_LE(text.size(), (1u << 20) + 3);
  EXPECT_TRUE(text.starts_with("line "));
  EXPECT_TRUE(text.ends_with("line 199999\n\xEF\xBF\xBD"));
  fs::remove(run / "samples.md");
  EXPECT_EQ(folder.samples("a"), "");
  EXPECT_THROW(RunFolder(root_ / "nowhere"), ApiError);
}

TEST_F(TrainingTest, FindsWinRates) {
  base::write_file(root_ / "report.json",
                   R"({"judge":"rm","prompts":3,"models":[],"pairs":[{"a":"x","b":"y"}],
                       "comparisons":[{"secret":1}]})");
  base::write_file(root_ / "other.json", R"({"pairs":[]})");
  base::write_file(root_ / "broken.json", R"({"judge":)");
  const Json tables = RunFolder(root_).winrates();
  ASSERT_EQ(tables.size(), 1u);
  EXPECT_EQ(tables[0]["run"], "report.json");
  EXPECT_EQ(tables[0]["pairs"][0]["a"], "x");
  EXPECT_FALSE(tables[0].contains("comparisons"));
}

class TrainingPages : public AppTest {};

TEST_F(TrainingPages, OverHttp) {
  Browser browser = open();
  EXPECT_EQ(get(browser, "/runs"), Json::parse(R"({"configured":false,"runs":[]})"));
  EXPECT_EQ(get(browser, "/winrates"), Json::parse(R"({"tables":[]})"));
  get(browser, "/runs/a/metrics", 404);
  const fs::path root = folder_.path() / "runs";
  fs::create_directories(root / "x" / "y");
  base::write_file(root / "x" / "y" / "metrics.jsonl", "{\"step\":1}\n{\"step\":2}\n");
  options_.runs = root.string();
  start();
  browser = open();
  EXPECT_EQ(get(browser, "/runs")["runs"][0]["name"], "x/y");
  EXPECT_EQ(get(browser, "/runs/x/y/metrics")["lines"].size(), 2u);
  EXPECT_EQ(get(browser, "/runs/x/y/metrics?after=1")["lines"].size(), 1u);
  EXPECT_EQ(get(browser, "/runs/x/y/samples")["markdown"], "");
  get(browser, "/runs/../../etc/metrics", 404);
  get(browser, "/runs/x/metrics", 404);
}

}  // namespace
}  // namespace parley::app
