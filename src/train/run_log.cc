#include "train/run_log.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>

#include "base/error.h"
#include "infer/generate.h"
#include "train/samples.h"

namespace parley::train {
namespace {

constexpr std::string_view kPrompts[] = {"Once upon a time", "The most important thing", "从前",
                                         "中国的", "def "};
constexpr int64_t kSampleTokens = 64;

void append(int fd, const fs::path& file, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) base::fail("{}: cannot write: {}", file.string(), std::strerror(errno));
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

int open_for_append(const fs::path& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (fd < 0) base::fail("{}: cannot open: {}", file.string(), std::strerror(errno));
  return fd;
}

// The step of a metrics line; −1 when the line is not whole.
int64_t step_of(std::string_view line) {
  const auto json = Json::parse(line, nullptr, false);
  if (!json.is_object() || !json.contains("step") || !json["step"].is_number_integer()) return -1;
  return json["step"].get<int64_t>();
}

}  // namespace

MetricsLog::MetricsLog(const fs::path& file, int64_t last_step) : file_(file) {
  if (fs::exists(file)) {
    const std::string old = base::read_file(file);
    std::string kept;
    for (size_t begin = 0; begin < old.size();) {
      const size_t end = std::min(old.find('\n', begin), old.size());
      const std::string_view line = std::string_view(old).substr(begin, end - begin);
      const int64_t step = step_of(line);
      if (step >= 0 && step <= last_step) kept.append(line).append("\n");
      begin = end + 1;
    }
    if (kept != old) base::write_file(file, kept);
  }
  fd_ = open_for_append(file);
}

MetricsLog::~MetricsLog() {
  if (fd_ >= 0) ::close(fd_);
}

void MetricsLog::write(const Json& line) { append(fd_, file_, line.dump() + "\n"); }

std::string write_samples(const fs::path& file, std::string_view title,
                          const model::ModelConfig& config, const model::Weights& weights,
                          const tokenizer::Tokenizer& tokenizer, int32_t separator, uint64_t seed) {
  std::vector<infer::Request> requests;
  for (const std::string_view prompt : kPrompts) {
    infer::Request request;
    request.prompt = {separator};
    tokenizer.encode_append(prompt, request.prompt);
    if (static_cast<int64_t>(request.prompt.size()) >= config.T) continue;
    request.sampling.temperature = 0.8f;
    request.sampling.top_p = 0.95f;
    request.sampling.seed = seed;
    request.sampling.max_tokens =
        std::min(kSampleTokens, config.T - static_cast<int64_t>(request.prompt.size()));
    request.sampling.stop_ids = {separator};
    // A model from elsewhere may pad its vocabulary with ids that say nothing.
    for (int32_t id = tokenizer.vocab_size(); id < config.V; ++id)
      request.sampling.logit_bias[id] = -std::numeric_limits<float>::infinity();
    request.stream = requests.size();
    requests.push_back(std::move(request));
  }
  const model::InferWeights inference(config, weights);
  infer::Engine engine(config, inference, {.adaptive_steps = false});
  const std::vector<infer::Completion> completions = infer::generate(engine, requests);

  std::string markdown = fmt::format("## {}\n\n", title), first;
  for (size_t i = 0; i < requests.size(); ++i) {
    const std::span<const int32_t> prompt = std::span(requests[i].prompt).subspan(1);
    tokenizer::StreamDecoder decoder(tokenizer);  // half a character at the end becomes U+FFFD
    std::string text;
    for (const int32_t id : completions[i].answer()) text += decoder.push(id);
    text += decoder.finish();
    markdown += fmt::format("> **{}**{}\n\n", markdown_quotation(tokenizer.decode(prompt)),
                            markdown_quotation(text));
    if (i == 0) first = tokenizer.decode(prompt) + text;
  }
  const int fd = open_for_append(file);
  try {
    append(fd, file, markdown);
  } catch (...) {
    ::close(fd);
    throw;
  }
  ::close(fd);
  std::replace(first.begin(), first.end(), '\n', ' ');
  return first;
}

}  // namespace parley::train
