#include "train/command_reward.h"

#include <cmath>

#include "base/error.h"
#include "base/subprocess.h"

namespace parley::train {
namespace {

// Answers on their way to the program at once: enough to keep it busy.
constexpr size_t kBatch = 1024;

base::ProcessOptions process_options(std::string_view command) {
  base::ProcessOptions options;
  options.argv = base::split_command(command);
  return options;
}

class CommandReward final : public RewardSource {
 public:
  CommandReward(std::string_view command, std::chrono::milliseconds timeout)
      : command_(command), timeout_(timeout), child_(process_options(command)) {}

  std::string name() const override { return "command:" + command_; }

  std::vector<double> score(std::span<const Answer> answers) override {
    std::vector<double> rewards;
    while (!answers.empty()) {
      const auto batch = answers.first(std::min(kBatch, answers.size()));
      answers = answers.subspan(batch.size());
      std::string input;
      for (const Answer& answer : batch) input += line_of(answer);
      for (const std::string& line : child_.exchange(input, batch.size(), timeout_))
        rewards.push_back(reward_of(line));
      if (child_.has_unread_output())
        base::fail(
            "{}: it wrote more lines than it was given answers; one {{\"reward\": x}} for "
            "each is wanted, and anything else belongs on standard error",
            name());
    }
    return rewards;
  }

 private:
  static std::string line_of(const Answer& answer) {
    const nlohmann::json line = {{"prompt", answer.prompt},
                                 {"response", answer.response},
                                 {"finished", answer.finished},
                                 {"record", *answer.record}};
    return line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
  }

  double reward_of(const std::string& line) const {
    const nlohmann::json json = nlohmann::json::parse(line, nullptr, false);
    if (json.is_object() && json.contains("reward") && json["reward"].is_number()) {
      const double reward = json["reward"].get<double>();
      if (std::isfinite(reward)) return reward;
    }
    base::fail("{}: a line {{\"reward\": x}} with a finite number is wanted, and it wrote: {}",
               name(), line.substr(0, 300));
  }

  std::string command_;
  std::chrono::milliseconds timeout_;
  base::ChildProcess child_;
};

}  // namespace

std::unique_ptr<RewardSource> make_command_reward(std::string_view command,
                                                  std::chrono::milliseconds timeout) {
  return std::make_unique<CommandReward>(command, timeout);
}

}  // namespace parley::train
