// Every model against every other, and what comes of it as text, JSON and Markdown.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "eval/judge.h"
#include "eval/winrate.h"
#include "tokenizer/chat.h"

namespace parley::eval {

// A model and its answer to each prompt.
struct Contestant {
  std::string name;
  std::vector<std::string> answers;  // as many as there are prompts
};

struct Match {
  size_t a, b;                          // contestants
  std::vector<Comparison> comparisons;  // one a prompt, seen from a
  WinRate result;
};

struct WinRateReport {
  std::string judge, remarks;
  std::vector<std::vector<tokenizer::Message>> prompts;
  std::vector<Contestant> contestants;
  std::vector<Match> matches;  // all pairs a < b, in order
};

struct WinRateOptions {
  uint64_t seed = 0;  // of the bootstraps
  int64_t resamples = 1000;
};

// Judges all pairs. At least two contestants, each with an answer to every prompt. A pair of equal
// answers is a tie nobody is asked about.
WinRateReport play(std::vector<std::vector<tokenizer::Message>> prompts,
                   std::vector<Contestant> contestants, Judge& judge,
                   const WinRateOptions& options);

// Everything; with every prompt, its answers and preferences if wanted.
nlohmann::ordered_json winrate_json(const WinRateReport& report, bool comparisons);

// For people: for two models the numbers of their match, for more the table of all pairs.
std::string winrate_table(const WinRateReport& report);

// The same in Markdown, with `examples` prompts and their answers side by side, drawn by `seed`.
std::string winrate_markdown(const WinRateReport& report, int64_t examples, uint64_t seed);

// Code points of UTF-8 text: the unit of all lengths here.
int64_t count_characters(std::string_view text);

}  // namespace parley::eval
