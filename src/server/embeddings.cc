// POST /v1/embeddings: texts as vectors, from the model's last hidden states.
#include <bit>
#include <cmath>

#include "http/channel.h"
#include "server/routes.h"
#include "server/sampling.h"

namespace parley::server {
namespace {

constexpr size_t kMaxInputs = 2048;

struct Embedded {
  size_t index = 0;
  std::vector<float> vector;
  infer::Finished finished;
};

struct EmbeddingRequest {
  std::vector<std::vector<int32_t>> inputs;
  bool base64 = false;
  size_t dimensions = 0;  // 0: all
};

std::vector<int32_t> input_ids(const Json& ids, int64_t V) {
  std::vector<int32_t> tokens;
  for (const Json& id : ids) {
    if (!id.is_number_integer() || id.get<int64_t>() < 0 || id.get<int64_t>() >= V)
      bad_request("input", fmt::format("Invalid token in 'input': {}. This model's token ids are 0 "
                                       "to {}.",
                                       dump(id).substr(0, 100), V - 1));
    tokens.push_back(id.get<int32_t>());
  }
  return tokens;
}

std::vector<std::vector<int32_t>> read_inputs(Fields& fields, const ServedModel& served) {
  const Json& input = fields.required("input");
  const int64_t V = served.model().tokenizer.vocab_size();
  std::vector<std::vector<int32_t>> inputs;
  const auto add = [&](const Json& one) {
    if (one.is_string() && one.get_ref<const std::string&>().empty())
      bad_request("input", "'input' has an empty string; there is nothing to embed.");
    if (one.is_string())
      inputs.push_back(served.model().encode_prompt(one.get_ref<const std::string&>()));
    else if (one.is_array())
      inputs.push_back(input_ids(one, V));
    else
      fields.bad_type("input", one, "a string, an array of strings or token ids");
    if (inputs.back().empty()) bad_request("input", "'input' has an empty array.", "empty_array");
  };
  if (input.is_array() && !input.empty() && !input.front().is_number()) {
    fields.array("input", 1, kMaxInputs);
    for (const Json& one : input) add(one);
  } else {
    add(input);
  }
  for (const auto& ids : inputs) fit_context(served, std::ssize(ids), 0, "input");
  return inputs;
}

EmbeddingRequest read_embedding_request(Fields& fields, const ServedModel& served) {
  EmbeddingRequest request;
  request.inputs = read_inputs(fields, served);
  const std::string format = fields.string("encoding_format").value_or("float");
  if (format != "float" && format != "base64")
    bad_request("encoding_format",
                fmt::format("Invalid value: '{}'. Supported values are: 'float' and 'base64'.",
                            format.substr(0, 100)),
                "invalid_value");
  request.base64 = format == "base64";
  request.dimensions =
      static_cast<size_t>(fields.integer("dimensions", 1, served.model().config.C).value_or(0));
  fields.ignore("user");
  fields.reject_unknown();
  return request;
}

std::string base64(std::span<const float> values) {
  static_assert(std::endian::native == std::endian::little);
  constexpr std::string_view kLetters =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const auto bytes = std::as_bytes(values);
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t k = 0; k < 3; ++k)
      group = group << 8 | (i + k < bytes.size() ? std::to_integer<uint32_t>(bytes[i + k]) : 0);
    for (size_t k = 0; k < 4; ++k)
      out += i + k <= bytes.size() ? kLetters[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

// Cut to the wanted dimensions, of length 1.
Json vector_json(std::vector<float> vector, const EmbeddingRequest& request) {
  if (request.dimensions > 0) vector.resize(request.dimensions);
  double sum = 0;
  for (const float x : vector) sum += static_cast<double>(x) * static_cast<double>(x);
  const double scale = sum > 0 ? 1 / std::sqrt(sum) : 0;
  for (float& x : vector) x = static_cast<float>(static_cast<double>(x) * scale);
  if (request.base64) return base64(vector);
  return vector;
}

}  // namespace

http::Task embeddings(Call& call) {
  // 1. Read the request.
  const Json body = parse_body(call.exchange.request().body);
  Fields fields(body);
  const std::shared_ptr<ServedModel> model = call.find_model(fields);
  const auto read = [&] { return read_embedding_request(fields, *model); };
  const EmbeddingRequest request =
      co_await offload(call.services, is_small(call.exchange.request(), body), read);
  for (const auto& ids : request.inputs) call.prompt_tokens += std::ssize(ids);
  if (call.admit) call.admit(call.prompt_tokens, 0);

  // 2. Run the inputs, as many at once as the engine's queue is meant for.
  const auto executor = co_await boost::asio::this_coro::executor;
  const auto channel = std::make_shared<http::Channel<Embedded>>(executor);
  const auto ids = std::make_shared<std::vector<infer::RequestId>>();
  const auto cancel = [model, ids] {
    for (const infer::RequestId id : *ids) model->engine().cancel(id);
  };
  struct Guard {
    std::function<void()> run;
    ~Guard() { run(); }
  } guard{cancel};
  call.exchange.on_disconnect(cancel);
  const auto submit = [&](size_t index) {
    auto result = std::make_shared<Embedded>();
    result->index = index;
    infer::Request asked{.prompt = request.inputs[index]};
    asked.sampling.max_tokens = 0;
    asked.client = call.client;
    asked.on_embedding = [result](std::span<const float> vector) {
      result->vector.assign(vector.begin(), vector.end());
    };
    asked.on_done = [result, channel](const infer::Finished& finished) {
      result->finished = finished;
      channel->push(std::move(*result));
    };
    try {
      ids->push_back(model->engine().submit(std::move(asked)));
    } catch (const infer::QueueFull&) {
      throw queue_full();
    }
  };
  std::vector<Embedded> results(request.inputs.size());
  const size_t window = static_cast<size_t>(model->options().max_sequences);
  size_t begun = 0;
  for (size_t done = 0; done < results.size();) {
    while (begun < results.size() && begun < done + window) submit(begun++);
    std::vector<Embedded> fresh = co_await channel->pop_all(call.deadline());
    if (fresh.empty()) throw timed_out();
    for (Embedded& one : fresh) {
      if (one.finished.reason == infer::FinishReason::kCancelled)
        throw http::Disconnected("the embedding was cancelled");
      if (one.finished.reason == infer::FinishReason::kError)
        throw ApiError(500, fmt::format("The model failed: {}", one.finished.error));
      const size_t index = one.index;
      results[index] = std::move(one);
      ++done;
    }
  }
  ids->clear();

  // 3. Reply.
  Json data = Json::array();
  for (Embedded& result : results)
    data.push_back({{"object", "embedding"},
                    {"index", result.index},
                    {"embedding", vector_json(std::move(result.vector), request)}});
  const Json json = {
      {"object", "list"},
      {"data", std::move(data)},
      {"model", model->id()},
      {"usage", {{"prompt_tokens", call.prompt_tokens}, {"total_tokens", call.prompt_tokens}}}};
  co_await call.reply(json);
}

}  // namespace parley::server
