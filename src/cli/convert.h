// Rewriting model directories, for `parley import` and `parley export`.
#pragma once

#include <string>

#include "base/files.h"
#include "cli/commands.h"
#include "model/hf.h"

namespace parley::cli {

// Flags of the directory to write.
struct ConvertFlags {
  base::fs::path out;
  std::string dtype = "f32";
  uint64_t max_shard_bytes = model::SaveOptions{}.max_shard_bytes;
};

void add_convert_flags(CLI::App& command, ConvertFlags& flags);

// Writes the model and says so: one line for people or, with --json, an object on stdout.
void save_converted(const model::Model& model, const ConvertFlags& flags, const Common& common);

// Copies what belongs to a model beside its weights and configuration: the tokenizer, its
// chat template, generation_config.json.
void copy_companions(const base::fs::path& from, const base::fs::path& to);

// Reads a Hugging Face directory and writes it again, its tokenizer too; the LoRA adapter of
// the directory `adapter`, unless empty, is merged into it.
void convert_hf(const base::fs::path& from, const ConvertFlags& flags, const Common& common,
                const base::fs::path& adapter = {});

}  // namespace parley::cli
