#include "train/pretrain.h"

#include "base/error.h"
#include "formats/json.h"
#include "model/hf.h"
#include "train/checkpoint.h"
#include "train/train_test_util.h"

namespace parley::train {
namespace {

// A run of a tiny model on a tiny corpus, seconds at most.
PretrainOptions tiny_run(const TempDir& dir) {
  if (!fs::exists(dir / "data.jsonl")) {
    base::write_file(dir / "data.jsonl", tiny_text(60));
    model::ModelConfig config = tiny_config();
    base::write_file(dir / "tiny.json", model::config_json(config, tensor::DType::kF32).dump());
  }
  PretrainOptions o;
  o.out = dir / "run";
  o.data = {dir / "data.jsonl"};
  o.cache = dir / "cache";
  o.preset = dir / "tiny.json";
  o.vocab_size = 300;
  o.val_fraction = 0.1;
  o.batch = 2;
  o.seq = 32;
  o.grad_accum = 2;
  o.steps = 12;
  o.lr = 3e-3;
  o.checkpoint_every = 4;
  o.val_every = 4;
  o.sample_every = 12;
  return o;
}

std::string weights_of(const fs::path& directory) {
  return base::read_file(directory / "model.safetensors");
}

TEST(Pretrain, LearnsAndWritesAWholeRunDirectory) {
  TempDir dir;
  PretrainOptions options = tiny_run(dir);
  options.steps = 60;
  const PretrainResult result = pretrain(options, true);
  EXPECT_TRUE(result.finished);
  EXPECT_EQ(result.step, 60);
  EXPECT_LT(result.held_out.loss(), 4.5);  // log(300) = 5.7 at the start
  EXPECT_GT(result.held_out.bytes, 0);
  for (const char* file :
       {"config.json", "metrics.jsonl", "samples.md", "held_out.jsonl", "tokenizer/tokenizer.json",
        "model/config.json", "model/model.safetensors", "model/tokenizer.json"})
    EXPECT_TRUE(fs::exists(options.out / file)) << file;
  const std::string metrics = base::read_file(options.out / "metrics.jsonl");
  EXPECT_EQ(std::count(metrics.begin(), metrics.end(), '\n'), 60);
  EXPECT_NE(metrics.find("\"val_bpb\""), std::string::npos);
  EXPECT_THROW(pretrain(options, true), base::Error) << "a run must not be overwritten";
}

TEST(Pretrain, ResumedFromAnyCheckpointEndsInTheSameWeights) {
  for (const char* optimizer : {"adamw", "muon"}) {
    TempDir dir;
    PretrainOptions options = tiny_run(dir);
    options.optimizer = optimizer;
    options.fim_rate = 0.3;
    options.keep = 100;
    const PretrainResult whole = pretrain(options, true);
    const std::string expected = weights_of(whole.model);
    for (const int64_t step : {0, 4, 8, 12}) {
      // As if killed after the checkpoint of this step.
      for (const Checkpoint& c : list_checkpoints(options.out))
        if (c.state.step > step) fs::remove_all(c.path);
      fs::remove_all(options.out / "model");
      PretrainOptions resume;
      resume.out = options.out;
      resume.resume = true;
      const PretrainResult resumed = pretrain(resume, true);
      EXPECT_EQ(weights_of(resumed.model), expected) << optimizer << " from step " << step;
      EXPECT_EQ(resumed.held_out.nats, whole.held_out.nats);
    }
    const std::string metrics = base::read_file(options.out / "metrics.jsonl");
    EXPECT_EQ(std::count(metrics.begin(), metrics.end(), '\n'), 12) << "no step twice";
  }
}

TEST(Pretrain, StopsWhenTheLossIsNotANumber) {
  TempDir dir;
  PretrainOptions options = tiny_run(dir);
  options.lr = 1e30;
  options.warmup = 0;
  options.checkpoint_every = 1;
  try {
    pretrain(options, true);
    ADD_FAILURE() << "a learning rate of 1e30 went well";
  } catch (const base::Error& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("--lr"), std::string::npos) << message;
  }
}

TEST(Pretrain, ChangedDataCannotBeResumed) {
  TempDir dir;
  PretrainOptions options = tiny_run(dir);
  options.steps = 2;
  pretrain(options, true);
  base::write_file(dir / "data.jsonl", tiny_text(59));
  PretrainOptions resume;
  resume.out = options.out;
  resume.resume = true;
  EXPECT_THROW(pretrain(resume, true), base::Error);
}

TEST(Pretrain, GoesOnElsewhereAndForLonger) {
  TempDir dir;
  PretrainOptions options = tiny_run(dir);
  options.schedule = "trapezoid";
  options.steps = 20;
  options.out = dir / "long";
  const std::string expected = weights_of(pretrain(options, true).model);
  options.steps = 12;
  options.out = dir / "short";
  options.keep = 100;
  pretrain(options, true);

  // As on another machine, with the checkpoint before the rate began to fall.
  fs::remove_all(options.out / "model");
  for (const Checkpoint& c : list_checkpoints(options.out))
    if (c.state.step > 8) fs::remove_all(c.path);
  fs::rename(options.out, dir / "moved");
  fs::rename(dir / "data.jsonl", dir / "elsewhere.jsonl");
  PretrainOptions resume;
  resume.out = dir / "moved";
  resume.resume = true;
  EXPECT_THROW(pretrain(resume, true), base::Error) << "the data is not where it was";
  resume.data = {dir / "elsewhere.jsonl"};
  resume.cache = dir / "other cache";
  resume.tokens = 11 * options.tokens_per_step();
  EXPECT_THROW(pretrain(resume, true), base::UsageError) << "shorter than it was";
  resume.tokens = 20 * options.tokens_per_step();
  EXPECT_EQ(weights_of(pretrain(resume, true).model), expected);
  // It remembers: the next resumption needs no flags.
  PretrainOptions again;
  again.out = resume.out;
  again.resume = true;
  EXPECT_EQ(pretrain(again, true).step, 20);
}

// Mid-training: a model goes on with conversations, in its own form, and what that costs is told by
// its loss on them.
TEST(Pretrain, GoesOnFromAModelWithConversations) {
  TempDir dir;
  PretrainOptions options = tiny_run(dir);
  options.steps = 40;
  const fs::path first = pretrain(options, true).model;
  auto config = formats::parse_json(base::read_file(first / "tokenizer_config.json"), "config");
  const std::string form =
      "{% for m in messages %}<|im_start|>{{ m.role }}: {{ m.content }}<|im_end|>{% endfor %}"
      "{% if add_generation_prompt %}<|im_start|>assistant: {% endif %}";
  config["chat_template"] = form;
  base::write_file(first / "tokenizer_config.json", config.dump());

  std::string lines;
  for (int i = 0; i < 60; ++i)
    lines += R"({"messages":[{"role":"user","content":"a fox"},)"
             R"({"role":"assistant","content":"jumps over the dog"}]})"
             "\n";
  base::write_file(dir / "chats.jsonl", lines);
  PretrainOptions more = tiny_run(dir);
  more.out = dir / "more";
  more.data = {dir / "chats.jsonl"};
  more.model = first;
  more.seq = 64;
  more.keep = 100;
  const PretrainResult result = pretrain(more, true);
  const std::string expected = weights_of(result.model);
  EXPECT_LT(result.held_out.loss(), 4);
  EXPECT_EQ(model::load_config(result.model).T, 64) << "a longer context";
  EXPECT_NE(weights_of(list_checkpoints(more.out).front().path), expected);
  const std::string held_out = base::read_file(more.out / "held_out.jsonl");
  EXPECT_NE(held_out.find("user: a fox"), std::string::npos) << held_out.substr(0, 300);
  for (const char* folder : {"tokenizer", "model", "checkpoints/step-4"}) {
    const auto kept =
        formats::parse_json(base::read_file(more.out / folder / "tokenizer_config.json"), "config");
    EXPECT_EQ(kept.at("chat_template").get<std::string>(), form) << folder;
  }

  // It began with the model's weights, not with fresh ones.
  PretrainOptions fresh = more;
  fresh.model.clear();
  fresh.preset = first / "config.json";
  fresh.tokenizer = first;
  fresh.out = dir / "fresh";
  EXPECT_GT(pretrain(fresh, true).held_out.loss(), result.held_out.loss() + 0.1);

  // Resumed, it needs the model no longer.
  fs::remove_all(first);
  fs::remove_all(more.out / "model");
  for (const Checkpoint& c : list_checkpoints(more.out))
    if (c.state.step > 4) fs::remove_all(c.path);
  PretrainOptions resume;
  resume.out = more.out;
  resume.resume = true;
  EXPECT_EQ(weights_of(pretrain(resume, true).model), expected);
}

TEST(Pretrain, GoesOnFromModelsMadeElsewhere) {
  TempDir dir;
  PretrainOptions options = tiny_run(dir);
  options.model = dir / "other";
  // More rows of the vocabulary than tokens: others pad it.
  model::ModelConfig config = tiny_config();
  config.V = 320;
  model::Weights weights(config);
  model::init_weights(weights, config, 1);
  model::save_model(options.model, config, weights);
  tiny_tokenizer().save(options.model);
  EXPECT_EQ(model::load_config(pretrain(options, true).model).V, 320);

  // Learned positions are as many as they are.
  config = model::preset("gpt2-124m", 300);
  config.T = 32;
  config.C = 32;
  config.L = 2;
  config.NH = config.NKV = 2;
  config.HS = 16;
  config.F = 64;
  model::Weights learned(config);
  model::init_weights(learned, config, 1);
  fs::remove_all(options.model);
  model::save_model(options.model, config, learned);
  tiny_tokenizer().save(options.model);
  options.out = dir / "learned";
  EXPECT_TRUE(pretrain(options, true).finished);
  options.out = dir / "longer";
  options.seq = 64;
  EXPECT_THROW(pretrain(options, true), base::UsageError);
}

TEST(Pretrain, NonsenseIsAUsageError) {
  TempDir dir;
  const auto refused = [&](auto change) {
    PretrainOptions options = tiny_run(dir);
    change(options);
    EXPECT_THROW(pretrain(options, true), base::Error);
  };
  refused([](auto& o) { o.data.clear(); });
  refused([](auto& o) { o.lr = -1; });
  refused([](auto& o) { o.fim_rate = 2; });
  refused([](auto& o) { o.optimizer = "sgd"; });
  refused([](auto& o) { o.preset = "gpt5"; });
  refused([](auto& o) { o.data = {"/no/such/file"}; });
  refused([](auto& o) { o.batch = 65536, o.seq = 1 << 20; });
}

}  // namespace
}  // namespace parley::train
