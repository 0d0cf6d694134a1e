#include <algorithm>

#include "app/feedback.h"

namespace parley::app {

std::string context_text(const store::Feedback& feedback, const char* name) {
  if (!feedback.context.is_object()) return {};
  const auto it = feedback.context.find(name);
  return it == feedback.context.end() || !it->is_string() ? std::string() : it->get<std::string>();
}

void FeedbackStats::add(const store::Feedback& feedback) {
  Day& day = days_[day_of(feedback.created)];
  if (feedback.kind == "rating") {
    Model& model = models_[feedback.model];
    const bool up = feedback.rating > 0;
    ++(up ? up_ : down_);
    ++(up ? model.up : model.down);
    ++(up ? day.up : day.down);
  } else if (feedback.kind == "comparison") {
    ++comparisons_;
    ++day.comparisons;
    const bool in_order = feedback.message < feedback.other;
    Pair& pair = pairs_[in_order ? std::pair(feedback.message, feedback.other)
                                 : std::pair(feedback.other, feedback.message)];
    if (feedback.tie) {
      ++ties_;
      ++pair.ties;
      return;
    }
    ++models_[feedback.model].wins;
    ++models_[context_text(feedback, "other_model")].losses;
    ++(in_order ? pair.first : pair.second);
  } else if (feedback.kind == "correction") {
    ++corrections_;
  }
}

Json FeedbackStats::json() const {
  Json models = Json::array();
  for (const auto& [name, model] : models_)
    models.push_back({{"model", name},
                      {"up", model.up},
                      {"down", model.down},
                      {"wins", model.wins},
                      {"losses", model.losses}});
  Json days = Json::array();
  for (const auto& [name, day] : days_)
    days.push_back(
        {{"day", name}, {"up", day.up}, {"down", day.down}, {"comparisons", day.comparisons}});
  int64_t pairs = 0, agree = 0;
  for (const auto& [ids, pair] : pairs_) {
    const int64_t all = pair.first + pair.second + pair.ties;
    if (all < 2) continue;
    ++pairs;
    if (std::max({pair.first, pair.second, pair.ties}) == all) ++agree;
  }
  const Json share =
      pairs > 0 ? Json(static_cast<double>(agree) / static_cast<double>(pairs)) : Json();
  return {{"counts",
           {{"up", up_},
            {"down", down_},
            {"comparisons", comparisons_},
            {"ties", ties_},
            {"corrections", corrections_}}},
          {"by_model", std::move(models)},
          {"agreement", {{"pairs", pairs}, {"agree", agree}, {"share", share}}},
          {"by_day", std::move(days)}};
}

}  // namespace parley::app
