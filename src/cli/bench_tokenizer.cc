// parley bench tokenizer: how fast text becomes ids.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>

#include "base/error.h"
#include "base/files.h"
#include "base/random.h"
#include "base/threads.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "kernels/machine.h"
#include "tokenizer/tokenizer.h"
#include "tokenizer/train.h"

namespace parley::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kBenchTokenizerExamples = R"(Examples:
  parley bench tokenizer --json
  parley bench tokenizer --tokenizer cl100k_base.tiktoken --text notes.txt
One thread, text in memory, documents of at most 16 kB. Without --text the text is made up:
English-like, Chinese and code with emoji. Without --tokenizer one is trained on the text.
The limit is how fast the same thread can read memory.
)";

struct Flags {
  std::filesystem::path tokenizer, text;
  double seconds = 2;
};

// Made-up text with what slows tokenizers down: rare words, no spaces, symbols, numbers.
// Word lengths and the share of frequent words are about those of real text.
class TextMaker {
 public:
  std::string make(size_t bytes) {
    std::string text;
    while (text.size() < bytes) {
      const uint64_t kind = pick(10);
      if (kind < 5) {
        english(text);
      } else if (kind < 8) {
        chinese(text);
      } else {
        code(text);
      }
    }
    return text;
  }

 private:
  uint64_t pick(uint64_t n) { return random_.below(position_++, n); }
  // Small numbers often, large ones rarely, as words are (Zipf).
  uint64_t pick_rank(uint64_t n) { return pick(pick(n) + 1); }

  // The word of a rank: syllables from its own random stream.
  static std::string word(uint64_t rank) {
    static constexpr std::string_view kSyllables[] = {
        "the", "ing", "er", "re", "con", "ti", "on",  "ma", "lo", "per", "st",  "an", "in",
        "de",  "ra",  "s",  "un", "ed",  "ly", "ent", "al", "o",  "pro", "com", "ca", "y"};
    const base::Philox letters(7, rank);
    std::string result;
    const uint64_t syllables = 1 + letters.below(0, rank < 100 ? 2 : 4);
    for (uint64_t i = 1; i <= syllables; ++i)
      result += kSyllables[letters.below(i, std::size(kSyllables))];
    return result;
  }

  void english(std::string& text) {
    for (uint64_t i = 0, n = 5 + pick(15); i < n; ++i) {
      std::string next = word(pick_rank(20000));
      if (i == 0) next[0] = static_cast<char>(next[0] - 'a' + 'A');
      text += (i == 0 ? "" : pick(8) == 0 ? ", " : " ") + next;
      if (pick(40) == 0) text += "'s";
    }
    text += pick(5) == 0 ? "?\n" : ". ";
  }

  void chinese(std::string& text) {
    for (uint64_t i = 0, n = 8 + pick(24); i < n; ++i) {
      const auto c = static_cast<uint32_t>(0x4E00 + pick_rank(5000));
      for (const uint32_t byte : {0xE0 | c >> 12, 0x80 | (c >> 6 & 0x3F), 0x80 | (c & 0x3F)})
        text += static_cast<char>(byte);
      if (pick(12) == 0) text += "\xEF\xBC\x8C";  // a full-width comma
    }
    text += pick(6) == 0 ? "\xF0\x9F\x98\x80\n" : "\xE3\x80\x82";  // an emoji, or a full stop
  }

  void code(std::string& text) {
    text += fmt::format("    if ({}_{} >= {}) {{\n        return {}({}, \"{}\");  // {}\n    }}\n",
                        word(pick_rank(3000)), word(pick_rank(500)), pick(100000),
                        word(pick_rank(3000)), word(pick_rank(500)), word(pick_rank(9000)),
                        word(pick_rank(9000)));
  }

  base::Philox random_{1, 0};
  uint64_t position_ = 0;
};

// Documents of at most 16 kB, cut before a line where there is one.
std::vector<std::string_view> cut(std::string_view text) {
  constexpr size_t kBytes = 16 << 10;
  std::vector<std::string_view> documents;
  while (!text.empty()) {
    size_t stop = std::min(text.size(), kBytes);
    if (stop < text.size())
      if (const size_t line = text.rfind('\n', stop); line != text.npos && line > 0) stop = line;
    documents.push_back(text.substr(0, stop));
    text.remove_prefix(stop);
  }
  return documents;
}

tokenizer::Tokenizer train_on(std::span<const std::string_view> documents) {
  tokenizer::TrainOptions options;
  options.quiet = true;
  size_t next = 0;
  return tokenizer::train(options, [&](std::string& document) {
    if (next == documents.size()) return false;
    document = documents[next++];
    return true;
  });
}

void run(const Flags& flags, const Common& common) {
  const std::string text =
      flags.text.empty() ? TextMaker().make(size_t{8} << 20) : base::read_file(flags.text);
  if (text.empty()) base::fail("{}: no text to measure with", flags.text.string());
  const auto documents = cut(text);
  const auto tokenizer =
      flags.tokenizer.empty() ? train_on(documents) : tokenizer::Tokenizer::load(flags.tokenizer);
  base::set_num_threads(1);
  const double read_bytes_per_s = kernels::measure_read_bandwidth();

  // The best of several passes: the others were disturbed.
  double best = 0;
  size_t tokens = 0;
  std::vector<int32_t> ids;
  const auto begin = Clock::now();
  const auto since = [](Clock::time_point t) {
    return std::chrono::duration<double>(Clock::now() - t).count();
  };
  for (int pass = 0; pass < 3 || since(begin) < flags.seconds; ++pass) {
    const auto start = Clock::now();
    tokens = 0;
    for (const std::string_view document : documents) {
      ids.clear();
      tokenizer.encode_append(document, ids);
      tokens += ids.size();
    }
    const double seconds = since(start);
    if (best == 0 || seconds < best) best = seconds;
  }
  const double bytes_per_s = static_cast<double>(text.size()) / best;
  if (common.json) {
    const nlohmann::ordered_json json = {{"bytes_per_s", bytes_per_s},
                                         {"bytes", text.size()},
                                         {"tokens", tokens},
                                         {"seconds", best},
                                         {"read_bytes_per_s", read_bytes_per_s},
                                         {"share", bytes_per_s / read_bytes_per_s}};
    write_out(json.dump() + "\n");
    return;
  }
  write_out(fmt::format(
      "encoding, one thread: {}/s ({} of text, {} tokens, {:.3f} s)\n"
      "  {:.2f} % of the {}/s at which it can read memory\n",
      base::human_bytes(bytes_per_s), base::human_bytes(static_cast<double>(text.size())), tokens,
      best, 100 * bytes_per_s / read_bytes_per_s, base::human_bytes(read_bytes_per_s)));
}

}  // namespace

void add_bench_tokenizer(CLI::App& bench, Common& common) {
  auto flags = std::make_shared<Flags>();
  CLI::App* app = bench.add_subcommand("tokenizer", "encoding: bytes/s on one thread");
  app->footer(kBenchTokenizerExamples);
  app->add_option("--tokenizer", flags->tokenizer, "folder, file or name (default: trained now)");
  app->add_option("--text", flags->text, "the file to encode (default: made-up mixed text)");
  app->add_option("--seconds", flags->seconds, "how long to measure")->capture_default_str();
  app->callback([flags, &common] { run(*flags, common); });
}

}  // namespace parley::cli
