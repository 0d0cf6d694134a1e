// parley tokenizer: train one, and use one by hand.
#include "tokenizer/tokenizer.h"

#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/error.h"
#include "base/files.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "base/progress.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "data/text_source.h"
#include "tokenizer/train.h"

namespace parley::cli {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

std::string read_stdin() {
  std::string text;
  char buffer[1 << 16];
  size_t got;
  while ((got = std::fread(buffer, 1, sizeof buffer, stdin)) > 0) text.append(buffer, got);
  if (std::ferror(stdin)) base::fail("cannot read standard input");
  return text;
}

// ---- train

constexpr const char* kTrainExamples = R"(Examples:
  parley tokenizer train --data corpus/ --vocab-size 16384 --out tok
  parley tokenizer train --data books.jsonl.gz wiki.txt --pattern o200k --vocab-size 32768 --out tok
Reads .txt, .md and .jsonl files ({"text": ...} a line), also as .gz and .zst, and folders of
them. Writes tokenizer.json and tokenizer_config.json, which transformers reads too. The
result does not depend on --threads.

Patterns cut text into pieces no token crosses:
  cl100k  GPT-4's: words with their leading space, up to three digits, runs of punctuation
  gpt2    GPT-2's: numbers of any length in one piece, apostrophes in lower case only
  o200k   GPT-4o's: as cl100k, cut before upper case letters too, marks belong to words
  llama3, qwen2: as cl100k, qwen2 with each digit a piece of its own
)";

struct TokenizerTrainFlags {
  std::vector<fs::path> data;
  fs::path out;
  std::string pattern = "cl100k", field = "text";
  tokenizer::TrainOptions options;
};

void train_tokenizer(const TokenizerTrainFlags& flags, const Common& common) {
  tokenizer::TrainOptions options = flags.options;
  options.pattern = tokenizer::pattern_by_name(flags.pattern);
  const auto begin = Clock::now();
  const base::InterruptGuard interrupt;
  data::TextSource source(flags.data, flags.field);
  base::Progress reading("reading", source.total_bytes(), "B");
  uint64_t text_bytes = 0, documents = 0;
  const tokenizer::Tokenizer trained = tokenizer::train(options, [&](std::string& document) {
    const bool more = source.next(document);
    if (more) {
      text_bytes += document.size();
      ++documents;
      reading.update(source.bytes_read());
    } else {
      reading.finish();
    }
    return more;
  });
  trained.save(flags.out);
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  if (common.json) {
    const nlohmann::ordered_json json = {
        {"out", flags.out.string()}, {"vocab_size", trained.vocab_size()},
        {"pattern", flags.pattern},  {"documents", documents},
        {"text_bytes", text_bytes},  {"seconds", seconds}};
    write_out(json.dump() + "\n");
  } else {
    spdlog::info("{}: {} tokens from {} documents, {} of text, in {}", flags.out.string(),
                 trained.vocab_size(), documents,
                 base::human_bytes(static_cast<double>(text_bytes)), base::human_duration(seconds));
  }
}

void add_train(CLI::App& parent, const Common& common) {
  auto flags = std::make_shared<TokenizerTrainFlags>();
  CLI::App* app = parent.add_subcommand("train", "learn a byte-level BPE tokenizer from text");
  app->footer(kTrainExamples);
  app->add_option("--data", flags->data, "files or folders of text")->required();
  app->add_option("--out", flags->out, "the folder to write to")->required();
  app->add_option("--vocab-size", flags->options.vocab_size,
                  "ids in all: 256 bytes, merges, special tokens")
      ->capture_default_str();
  app->add_option("--pattern", flags->pattern, "how text is cut into pieces")
      ->capture_default_str()
      ->check(CLI::IsMember({"cl100k", "gpt2", "o200k", "llama3", "qwen2"}));
  app->add_option("--field", flags->field, "the JSON field with the text")->capture_default_str();
  app->add_option("--max-words", flags->options.max_words,
                  "different words to keep in memory; the rarest are forgotten beyond (0: all)")
      ->capture_default_str();
  app->callback([flags, &common] { train_tokenizer(*flags, common); });
}

// ---- encode

constexpr const char* kEncodeExamples = R"(Examples:
  parley tokenizer encode --tokenizer tok --text "Hello, world"
  parley tokenizer encode --tokenizer cl100k_base.tiktoken notes.txt
  cat notes.txt | PARLEY_TOKENIZERS=ranks parley tokenizer encode --tokenizer cl100k_base
Writes one JSON array of ids. A tokenizer is a folder with tokenizer.json or vocab.json and
merges.txt, a .tiktoken file, llama2.c's tokenizer .bin, or the name of a .tiktoken file in
the folder $PARLEY_TOKENIZERS.
)";

struct EncodeFlags {
  fs::path tokenizer, file;
  std::string text;
  bool has_text = false, allow_special = false;
};

void run_encode(const EncodeFlags& flags) {
  if (flags.has_text && !flags.file.empty())
    throw base::UsageError("give --text or a file, not both");
  const auto tokenizer = tokenizer::Tokenizer::load(flags.tokenizer);
  const std::string text = flags.has_text       ? flags.text
                           : flags.file.empty() ? read_stdin()
                                                : base::read_file(flags.file);
  const std::vector<int32_t> ids =
      flags.allow_special ? tokenizer.encode_with_special(text) : tokenizer.encode(text);
  write_out(fmt::format("[{}]\n", fmt::join(ids, ",")));
}

void add_encode(CLI::App& parent) {
  auto flags = std::make_shared<EncodeFlags>();
  CLI::App* app = parent.add_subcommand("encode", "text to a JSON array of ids");
  app->footer(kEncodeExamples);
  app->add_option("--tokenizer", flags->tokenizer, "folder, file or name")->required();
  app->add_option_function<std::string>(
      "--text",
      [flags](const std::string& text) {
        flags->text = text;
        flags->has_text = true;
      },
      "the text itself");
  app->add_flag("--allow-special", flags->allow_special,
                "names like <|endoftext|> in the text become special tokens");
  app->add_option("file", flags->file, "the file to read (default: standard input)");
  app->callback([flags] { run_encode(*flags); });
}

// ---- decode

constexpr const char* kDecodeExamples = R"(Examples:
  echo '[9906, 11, 1917]' | parley tokenizer decode --tokenizer cl100k_base.tiktoken
  parley tokenizer decode --tokenizer tok ids.json > notes.txt
Reads JSON arrays of ids, one or several, and writes the bytes they stand for, nothing else.
)";

struct DecodeFlags {
  fs::path tokenizer, file;
};

std::vector<int32_t> ids_of(const nlohmann::json& array, size_t number, int32_t vocab_size) {
  if (!array.is_array()) base::fail("JSON value {} is not an array of ids", number);
  std::vector<int32_t> ids;
  for (size_t i = 0; i < array.size(); ++i) {
    const nlohmann::json& id = array[i];
    const bool fits = id.is_number_integer() &&
                      (!id.is_number_unsigned() || id.get<uint64_t>() <= INT32_MAX) &&
                      id.get<int64_t>() >= 0 && id.get<int64_t>() < vocab_size;
    if (!fits)
      base::fail("array {}, item {}: {} is not an id between 0 and {}", number, i + 1, id.dump(),
                 vocab_size - 1);
    ids.push_back(id.get<int32_t>());
  }
  return ids;
}

void run_decode(const DecodeFlags& flags) {
  const auto tokenizer = tokenizer::Tokenizer::load(flags.tokenizer);
  std::istringstream json(flags.file.empty() ? read_stdin() : base::read_file(flags.file));
  for (size_t number = 1; !(json >> std::ws).eof(); ++number) {
    nlohmann::json array;
    try {
      json >> array;
    } catch (const nlohmann::json::exception& error) {
      base::fail("JSON value {}: {}", number, error.what());
    }
    if (!write_out(tokenizer.decode(ids_of(array, number, tokenizer.vocab_size())))) return;
  }
}

void add_decode(CLI::App& parent) {
  auto flags = std::make_shared<DecodeFlags>();
  CLI::App* app = parent.add_subcommand("decode", "JSON arrays of ids to text");
  app->footer(kDecodeExamples);
  app->add_option("--tokenizer", flags->tokenizer, "folder, file or name")->required();
  app->add_option("file", flags->file, "the file to read (default: standard input)");
  app->callback([flags] { run_decode(*flags); });
}

}  // namespace

void add_tokenizer(CLI::App& app, Common& common) {
  CLI::App* parent = app.add_subcommand("tokenizer", "train a tokenizer; text to ids and back");
  parent->require_subcommand(1);
  parent->footer("See `parley tokenizer train --help` and so on for examples.");
  add_train(*parent, common);
  add_encode(*parent);
  add_decode(*parent);
}

}  // namespace parley::cli
