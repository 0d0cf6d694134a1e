#include "train/checkpoint.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/log.h"
#include "formats/safetensors.h"
#include "model/hf.h"

namespace parley::train {
namespace {

constexpr const char* kOptimizerFile = "optimizer.safetensors";
constexpr const char* kStateFile = "trainer_state.json";

std::vector<int64_t> dims(const tensor::Shape& shape) {
  std::vector<int64_t> out;
  for (int i = 0; i < shape.rank(); ++i) out.push_back(shape[i]);
  return out;
}

void write_state(const fs::path& file, const TrainerState& state) {
  nlohmann::ordered_json json;
  json["step"] = state.step;
  json["val_loss"] = nullptr;
  if (std::isfinite(state.val_loss)) json["val_loss"] = state.val_loss;
  json["elapsed_seconds"] = state.elapsed;
  if (!state.extra.empty()) json["extra"] = state.extra;
  base::write_file(file, json.dump(2) + "\n");
}

TrainerState read_state(const fs::path& file) {
  const std::string text = base::read_file(file, uint64_t{1} << 20);
  const formats::Json json = formats::parse_json(text, file.string());
  const formats::JsonFields fields(json, file.string());
  TrainerState state;
  state.step = fields.integer("step", 0, std::numeric_limits<int64_t>::max());
  state.val_loss = fields.number_or("val_loss", state.val_loss);
  state.elapsed = fields.number_or("elapsed_seconds", 0);
  if (const formats::Json* extra = fields.find("extra"); extra && extra->is_object())
    state.extra = nlohmann::ordered_json::parse(text)["extra"];  // in the order written
  return state;
}

std::vector<Optimizer::State> optimizer_state(const TrainedModel& m) {
  if (m.lora_optimizer) return m.lora_optimizer->state();
  return m.optimizer ? m.optimizer->state() : std::vector<Optimizer::State>();
}

void save_optimizer(const fs::path& directory, const std::vector<Optimizer::State>& state) {
  std::vector<formats::TensorToSave> tensors;
  for (const Optimizer::State& s : state)
    tensors.push_back({s.name, dims(s.values.shape()), s.values.data()});
  formats::save_safetensors(directory / kOptimizerFile, tensors, tensor::DType::kF32);
}

// A model of a checkpoint, read and checked.
struct StoredModel {
  model::Model model;       // or
  model::LoraWeights lora;  // adapters
  std::optional<formats::SafeTensors> optimizer;

  tensor::F32 values() const { return lora.flat() ? lora.flat() : model.weights.flat(); }
};

tensor::F32 values_of(const TrainedModel& m) {
  return m.lora ? m.lora->weights.flat() : m.weights->flat();
}

StoredModel open_model(const fs::path& directory, const TrainedModel& into) {
  StoredModel stored;
  if (into.lora)
    stored.lora = model::load_lora(directory, *into.config);
  else
    stored.model = model::load_model(directory);
  if (stored.values().shape() != values_of(into).shape())
    base::fail("{}: the checkpoint of another model than this run's", directory.string());
  const std::vector<Optimizer::State> state = optimizer_state(into);
  if (state.empty()) return stored;
  stored.optimizer = formats::SafeTensors::open(directory / kOptimizerFile);
  for (const Optimizer::State& s : state) {
    const formats::StoredTensor& tensor = stored.optimizer->at(s.name);
    if (tensor.shape != dims(s.values.shape()))
      base::fail("{}: {} is {}, expected {}", tensor.file, s.name,
                 formats::shape_string(tensor.shape), s.values.shape().str());
  }
  return stored;
}

void fill(const TrainedModel& into, const StoredModel& stored) {
  for (const Optimizer::State& s : optimizer_state(into))
    formats::read_f32(stored.optimizer->at(s.name),
                      std::span(s.values.data(), static_cast<size_t>(s.values.size())));
  const tensor::F32 values = stored.values();
  std::copy(values.begin(), values.end(), values_of(into).begin());
}

}  // namespace

Checkpoint save_checkpoint(const fs::path& run, const TrainerState& state,
                           std::span<const TrainedModel> models,
                           const tokenizer::Tokenizer& tokenizer, const AddFiles& add_files) {
  const fs::path path = run / "checkpoints" / fmt::format("step-{}", state.step);
  base::AtomicDirectory directory(path);
  for (const TrainedModel& m : models) {
    const fs::path folder = m.name.empty() ? directory.path() : directory.path() / m.name;
    if (m.lora)
      model::save_lora(folder, *m.config, m.lora->weights, m.lora->base_model);
    else
      model::save_model(folder, *m.config, *m.weights);
    tokenizer.save(folder);
    if (add_files) add_files(folder);
    if (const auto optimizer = optimizer_state(m); !optimizer.empty())
      save_optimizer(folder, optimizer);
  }
  write_state(directory.path() / kStateFile, state);
  directory.commit();
  return {path, state};
}

std::vector<Checkpoint> list_checkpoints(const fs::path& run) {
  std::vector<Checkpoint> found;
  std::error_code error;
  for (fs::directory_iterator it(run / "checkpoints", error), end; !error && it != end;
       it.increment(error)) {
    const std::string name = it->path().filename().string();
    if (!name.starts_with("step-") || name.ends_with(".tmp")) continue;
    try {
      found.push_back({it->path(), read_state(it->path() / kStateFile)});
    } catch (const base::Error& problem) {
      spdlog::warn("{}; this checkpoint is passed over", problem.what());
    }
  }
  std::sort(found.begin(), found.end(),
            [](const Checkpoint& a, const Checkpoint& b) { return a.state.step < b.state.step; });
  return found;
}

void load_checkpoint(const Checkpoint& checkpoint, std::span<const TrainedModel> models) {
  // Everything is read and checked before anything is changed.
  std::vector<StoredModel> stored;
  for (const TrainedModel& m : models)
    stored.push_back(open_model(m.name.empty() ? checkpoint.path : checkpoint.path / m.name, m));
  for (size_t i = 0; i < models.size(); ++i) fill(models[i], stored[i]);
}

bool load_newest_checkpoint(const fs::path& run, std::span<const TrainedModel> models,
                            TrainerState& state) {
  std::vector<Checkpoint> checkpoints = list_checkpoints(run);
  for (auto it = checkpoints.rbegin(); it != checkpoints.rend(); ++it) {
    try {
      load_checkpoint(*it, models);
      state = it->state;
      return true;
    } catch (const base::Error& problem) {
      spdlog::warn("{}; trying the checkpoint before", problem.what());
    }
  }
  return false;
}

const Checkpoint* best_checkpoint(const std::vector<Checkpoint>& checkpoints) {
  const Checkpoint* best = nullptr;
  for (const Checkpoint& c : checkpoints)
    if (std::isfinite(c.state.val_loss) && (!best || c.state.val_loss < best->state.val_loss))
      best = &c;
  return best;
}

void prune_checkpoints(const fs::path& run, int64_t keep) {
  const std::vector<Checkpoint> checkpoints = list_checkpoints(run);
  const Checkpoint* best = best_checkpoint(checkpoints);
  const int64_t old = static_cast<int64_t>(checkpoints.size()) - keep;
  std::error_code ignored;
  for (int64_t i = 0; i < old; ++i) {
    const Checkpoint& c = checkpoints[static_cast<size_t>(i)];
    if (&c != best) fs::remove_all(c.path, ignored);
  }
  std::vector<fs::path> leftovers;
  for (fs::directory_iterator it(run / "checkpoints", ignored), end; !ignored && it != end;
       it.increment(ignored))
    if (it->path().extension() == ".tmp") leftovers.push_back(it->path());
  for (const fs::path& path : leftovers) fs::remove_all(path, ignored);
}

void export_checkpoint(const Checkpoint& checkpoint, const fs::path& target) {
  base::AtomicDirectory directory(target);
  for (const auto& entry : fs::directory_iterator(checkpoint.path)) {
    const fs::path name = entry.path().filename();
    if (name == kOptimizerFile || name == kStateFile || entry.is_directory()) continue;
    std::error_code error;
    fs::copy_file(entry.path(), directory.path() / name, error);
    if (error) base::fail("{}: cannot write: {}", (target / name).string(), error.message());
  }
  directory.commit();
}

}  // namespace parley::train
