// A load on a server that speaks OpenAI's API: clients that each wait for an answer before they
// ask again, some of whom go away in the middle.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "cli/bench_serve_http.h"

namespace parley::cli {

struct LoadOptions {
  std::string url = "http://127.0.0.1:8080";
  std::string model;  // empty: the first the server lists
  std::string key;    // Authorization: Bearer …
  int64_t clients = 64;
  double seconds = 60;                          // no request begins after that
  int64_t requests = 0;                         // instead: so many requests
  int64_t prompt_tokens = 64, max_tokens = 64;  // prompts: that many words
  double disconnect = 0;                        // share of requests whose client goes away
  bool stream = true;
  double temperature = 1;
  bool ignore_eos = false;       // beyond OpenAI's: answers of max_tokens
  double timeout_seconds = 120;  // without a byte
  uint64_t seed = 1;
  int64_t pid = 0;  // whose memory is watched; 0: nobody's
};

struct MemorySample {
  double seconds = 0;  // since the beginning
  double bytes = 0;    // resident
};

struct LoadResult {
  double seconds = 0;                                           // until the last answer ended
  int64_t done = 0, refused = 0, disconnected = 0, failed = 0;  // refused: 429
  std::map<std::string, int64_t> errors;                        // of those that failed, by kind
  int64_t answer_tokens = 0;  // of those that are done (usage); of the others, frames
  int64_t prompt_tokens = 0;  // of those that are done
  int64_t frames = 0;         // with text
  // Seconds. First token: from the request's first byte to the first text. Between: from one
  // arrival of text to the next, of one or several tokens. Latency: to the end.
  std::vector<float> first_token, between, latency;
  std::vector<MemorySample> memory;
  // Of /metrics when all was over and the server had had some seconds to notice; −1: not said.
  double running_after = -1, waiting_after = -1;
};

// Runs it on this thread. `interrupted` ends it early, with what there is. Error when the server
// cannot be reached at all, or lists no model.
LoadResult run_load(const LoadOptions& options, const std::function<bool()>& interrupted);

// The q-quantile, 0 without values.
double quantile(std::vector<float> values, double q);

// Bytes a second by which memory grows (least squares) once a tenth of the time is over; 0 with
// fewer than three samples.
double memory_slope(const std::vector<MemorySample>& memory);

// The sum of a metric over its labels in Prometheus' text form; −1 when there is none.
double metric_value(std::string_view text, std::string_view name);

// GET, on a connection of its own. Error when there is no answer of status 200.
std::string fetch(const ServerUrl& url, const std::string& path, const std::string& key,
                  double timeout_seconds);

}  // namespace parley::cli
