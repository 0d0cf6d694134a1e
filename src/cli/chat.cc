// parley chat: a conversation in the terminal.
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/interrupt.h"
#include "base/log.h"
#include "cli/chat_session.h"
#include "cli/chat_text.h"
#include "cli/commands.h"
#include "cli/line_editor.h"
#include "cli/output.h"
#include "cli/sampling_flags.h"

namespace parley::cli {
namespace {

constexpr const char* kChatExamples = R"(Examples:
  parley chat --model models/mini
  parley chat --model DIR --system "Answer in one sentence." --temperature 0.7
  parley chat --model DIR --load talk.json
  printf 'Hello!\nTell me more.\n' | parley chat --model DIR    (one message a line)
)";

struct ChatOptions {
  base::fs::path model, load;
  std::string system, language, format = "auto";
  bool no_history = false;
  EngineFlags engine;
  SamplingFlags sampling;
};

const std::vector<std::string> kCommands = {
    "/help", "/system",      "/reset", "/regenerate", "/undo",       "/save", "/load",
    "/exit", "/temperature", "/top-p", "/top-k",      "/max-tokens", "/info", "/quit"};

class Chat {
 public:
  Chat(const ChatOptions& options, const Common& common)
      : text_(chat_text(options.language)),
        json_(common.json),
        model_(text::load(options.model, options.engine.precision)),
        format_(options.format == "auto"     ? text::chat_format(model_)
                : options.format == "chatml" ? ChatFormat::kTemplate
                                             : ChatFormat::kPlain),
        session_(model_, format_, sampling_params(options.sampling, model_),
                 stop_strings(options.sampling), options.engine),
        editor_(options.no_history ? "" : state_file("chat_history"), kCommands) {
    session_.set_system(options.system);
    if (!options.load.empty()) session_.load(options.load);
    // https://no-color.org
    const char* no_color = std::getenv("NO_COLOR");
    colour_ = editor_.interactive() && (!no_color || !*no_color);
    const base::fs::path path = base::fs::absolute(options.model).lexically_normal();
    name_ = (path.has_filename() ? path : path.parent_path()).filename().string();
  }

  void run() {
    if (editor_.interactive()) {
      say(text_.banner, PARLEY_VERSION, name_,
          static_cast<double>(model::count_parameters(model_.config)) * 1e-6, model_.config.T);
      say(text_.hint);
    }
    if (format_ == ChatFormat::kPlain) say(text_.plain_notice);
    std::string message;
    while (!reader_left_) {
      const auto input = editor_.read("> ", colour_, message);
      if (input == LineEditor::Input::kEnd) break;
      if (input == LineEditor::Input::kCancelled ||
          message.find_first_not_of(" \t\n") == std::string::npos)
        continue;
      try {
        if (message.front() == '/') {
          if (!command(message)) break;
        } else {
          answer([&](const auto&... how) { return session_.say(message, how...); });
        }
      } catch (const base::Error& error) {
        if (!editor_.interactive()) throw;
        say("{}", error.what());
      }
    }
    if (editor_.interactive()) say(text_.goodbye);
  }

 private:
  // A line that is not the model's: on stdout for a person, on stderr otherwise.
  template <typename... Args>
  void say(const char* format, const Args&... args) {
    const std::string line = fmt::format(fmt::runtime(format), args...);
    if (!editor_.interactive())
      fmt::print(stderr, "{}\n", line);
    else
      write_out(colour_ ? "\033[2m" + line + "\033[0m\n" : line + "\n");
  }

  // Runs one of the session's ways to an answer and shows it as it comes.
  template <typename Ask>
  void answer(const Ask& ask) {
    const base::InterruptGuard guard;
    const auto on_text = [&](std::string_view text) {
      if (!json_ && !write_out(text)) reader_left_ = true;
      return !reader_left_;
    };
    const Reply reply = ask(ChatSession::OnText(on_text), std::function<bool()>(base::interrupted));
    if (reader_left_) return;
    if (json_) {
      nlohmann::ordered_json line = {{"role", "assistant"},
                                     {"content", reply.text},
                                     {"finish_reason", infer::finish_reason_name(reply.reason)},
                                     {"prompt_tokens", reply.prompt_tokens},
                                     {"completion_tokens", reply.answer_tokens}};
      reader_left_ = !write_out(line.dump() + "\n");
    } else {
      reader_left_ = !write_out("\n");
    }
    if (reply.reason == infer::FinishReason::kCancelled) say(text_.stopped);
    if (reply.reason == infer::FinishReason::kLength) say(text_.length);
    if (reply.dropped_messages > 0) say(text_.dropped, reply.dropped_messages);
    spdlog::debug(fmt::runtime(text_.speed), reply.answer_tokens, reply.seconds,
                  static_cast<double>(reply.answer_tokens) / reply.seconds, reply.prefilled_tokens,
                  reply.prompt_tokens);
    if (editor_.interactive()) write_out("\n");
    // Piped messages: an interrupt ends the program, as it ends any other.
    if (!editor_.interactive() && base::interrupted()) base::fail("interrupted");
  }

  // A line that begins with a slash. False: end the chat.
  bool command(const std::string& line) {
    const size_t space = std::min(line.find_first_of(" \n"), line.size());
    const std::string name = line.substr(0, space);
    const size_t begin = line.find_first_not_of(" \n", space);
    const std::string value = begin == std::string::npos
                                  ? ""
                                  : line.substr(begin, line.find_last_not_of(" \n") + 1 - begin);
    infer::SamplingParams& params = session_.params();
    if (name == "/exit" || name == "/quit") return false;
    if (name == "/help") {
      say("{}", text_.help);
    } else if (name == "/system") {
      set_system(value);
    } else if (name == "/reset") {
      session_.reset();
      say(text_.was_reset);
    } else if (name == "/undo") {
      say(session_.undo() ? text_.undone : text_.nothing_to_undo);
    } else if (name == "/regenerate") {
      answer([&](const auto&... how) { return session_.regenerate(how...); });
    } else if (name == "/save" || name == "/load") {
      save_or_load(name, value);
    } else if (name == "/temperature") {
      set(name, value, params.temperature);
    } else if (name == "/top-p") {
      set(name, value, params.top_p);
    } else if (name == "/top-k") {
      set(name, value, params.top_k);
    } else if (name == "/max-tokens") {
      set(name, value, params.max_tokens);
    } else if (name == "/info") {
      say(text_.info, session_.messages().size(), session_.cached_tokens(), model_.config.T,
          params.temperature, params.top_p, params.top_k, params.max_tokens);
    } else {
      say(text_.unknown, name);
    }
    return true;
  }

  void set_system(const std::string& value) {
    if (value.empty()) {
      if (session_.system().empty())
        say(text_.no_system);
      else
        say(text_.system_is, session_.system());
      return;
    }
    session_.set_system(value == "clear" ? "" : value);
    say(value == "clear" ? text_.no_system : text_.system_set);
  }

  void save_or_load(const std::string& name, const std::string& file) {
    if (file.empty()) return say(text_.needs_value, name);
    if (name == "/save") {
      session_.save(file);
      say(text_.saved, session_.messages().size(), file);
    } else {
      session_.load(file);
      say(text_.loaded, session_.messages().size(), file);
    }
  }

  // Shows a setting, or changes it if the value is allowed.
  template <typename T>
  void set(const std::string& name, const std::string& value, T& setting) {
    if (!value.empty()) {
      const T old = setting;
      const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), setting);
      try {
        if (error != std::errc() || end != value.data() + value.size())
          throw base::Error(fmt::format(fmt::runtime(text_.bad_number), value));
        infer::validate(session_.params(), model_.config.V);
      } catch (...) {
        setting = old;
        throw;
      }
    }
    say(text_.setting, name.substr(1), setting);
  }

  const ChatText& text_;
  bool json_, colour_ = false, reader_left_ = false;
  text::LoadedModel model_;
  ChatFormat format_;
  ChatSession session_;
  LineEditor editor_;
  std::string name_;
};

}  // namespace

void add_chat(CLI::App& app, Common& common) {
  auto options = std::make_shared<ChatOptions>();
  options->sampling.params.max_tokens = 512;
  CLI::App* command = app.add_subcommand("chat", "talk to a model in the terminal");
  command->footer(kChatExamples);
  command->add_option("--model", options->model, "model directory")->required();
  command->add_option("--system", options->system,
                      "what the model is told before the conversation");
  command->add_option("--load", options->load, "go on with a conversation that /save wrote");
  command->add_option("--format", options->format, "auto: by what the model was taught")
      ->check(CLI::IsMember({"auto", "chatml", "plain"}))
      ->capture_default_str();
  command->add_option("--lang", options->language, "en or zh (default: by LANG)")
      ->check(CLI::IsMember({"en", "zh"}));
  command->add_flag("--no-history", options->no_history, "keep no history of what was typed");
  add_sampling_flags(*command, options->sampling);
  add_engine_flags(*command, options->engine);
  command->callback([options, &common] { Chat(*options, common).run(); });
}

}  // namespace parley::cli
