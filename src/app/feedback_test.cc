#include "app/feedback.h"

#include <gtest/gtest.h>

#include "app/app_test_util.h"
#include "app/feedback_export.h"
#include "base/files.h"
#include "data/conversations.h"

namespace parley::app {
namespace {

class FeedbackTest : public AppTest {
 protected:
  FeedbackTest() : browser_(open()), store_(store::Store::open(options_.database)) {
    user_ = get(browser_, "/session")["user"]["id"].get<std::string>();
  }

  // A question with answers, as if the model had given them.
  std::pair<std::string, std::vector<std::string>> talk(const std::string& question,
                                                        const std::vector<std::string>& answers,
                                                        const std::string& status = "done") {
    const std::string conversation = new_conversation(browser_, {{"system", "Be kind."}});
    store::Message message{.id = store::make_id(), .conversation = conversation, .role = "user"};
    message.content = question;
    message.created = store::now();
    store_->add_message(message);
    std::vector<std::string> ids;
    for (const std::string& text : answers) {
      store::Message answer{.id = store::make_id(), .conversation = conversation};
      answer.parent = message.id;
      answer.role = "assistant";
      answer.content = text;
      answer.status = status;
      answer.model = "tiny@fp_1";
      answer.created = answer.heartbeat = store::now();
      answer.data = {{"params", {{"temperature", 0.5}}}, {"finish", "stop"}};
      answer.prompt = {{"messages",
                        {{{"role", "system"}, {"content", "Be kind."}},
                         {{"role", "user"}, {"content", question}}}}};
      store_->add_message(answer);
      ids.push_back(answer.id);
    }
    return {conversation, ids};
  }
  Json rate(const std::string& message, int rating) {
    return post(browser_, "/feedback",
                {{"kind", "rating"}, {"message", message}, {"rating", rating}});
  }
  Json compare(const std::string& chosen, const std::string& rejected, bool tie = false) {
    return post(browser_, "/feedback",
                {{"kind", "comparison"}, {"chosen", chosen}, {"rejected", rejected}, {"tie", tie}});
  }

  Browser browser_;
  std::unique_ptr<store::Store> store_;
  std::string user_;
};

TEST_F(FeedbackTest, ARatingReplacesTheOneBefore) {
  const auto [conversation, answers] = talk("Hello?", {"Hello."});
  const Json first = post(browser_, "/feedback",
                          {{"kind", "rating"},
                           {"message", answers[0]},
                           {"rating", -1},
                           {"reasons", {"wrong", "too long"}},
                           {"comment", "不对"}});
  EXPECT_EQ(first["kind"], "rating");
  EXPECT_EQ(first["rating"], -1);
  EXPECT_EQ(first["reasons"], Json({"wrong", "too long"}));
  EXPECT_EQ(first["model"], "tiny@fp_1");
  EXPECT_TRUE(first["other"].is_null());
  rate(answers[0], 1);
  const Json list = get(browser_, "/feedback")["feedback"];
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0]["rating"], 1);
  EXPECT_EQ(list[0]["prompt"], "Hello?");
  EXPECT_EQ(list[0]["answer"], "Hello.");
  EXPECT_EQ(list[0]["other"], "");
  const Json message = get(browser_, "/messages/" + answers[0]);
  ASSERT_EQ(message["feedback"].size(), 1u);
  EXPECT_EQ(message["feedback"][0]["rating"], 1);
}

TEST_F(FeedbackTest, ComparisonsAndCorrectionsOutliveTheConversation) {
  const auto [conversation, answers] = talk("Hello?", {"Hello.", "Go away."});
  const Json comparison = compare(answers[0], answers[1]);
  EXPECT_EQ(comparison["message"], answers[0]);
  EXPECT_EQ(comparison["other"], answers[1]);
  const Json correction =
      post(browser_, "/feedback",
           {{"kind", "correction"}, {"message", answers[1]}, {"text", "Good day to you."}});
  EXPECT_EQ(correction["text"], "Good day to you.");
  call(browser_, "DELETE", "/conversations/" + conversation);
  const Json list = get(browser_, "/feedback?kind=comparison")["feedback"];
  ASSERT_EQ(list.size(), 1u);
  EXPECT_EQ(list[0]["answer"], "Hello.");
  EXPECT_EQ(list[0]["other"], "Go away.");
  FeedbackExport collected{ExportFilter{}};
  store_->each_feedback([&](const store::Feedback& feedback) {
    EXPECT_EQ(feedback.context["params"]["temperature"], 0.5);
    EXPECT_EQ(feedback.context["messages"].size(), 2u);
    collected.add(feedback);
  });
  EXPECT_EQ(collected.finish().preferences.size(), 2u);
  call(browser_, "DELETE", "/feedback/" + comparison["id"].get<std::string>());
  EXPECT_TRUE(get(browser_, "/feedback?kind=comparison")["feedback"].empty());
}

TEST_F(FeedbackTest, IsChecked) {
  const auto [conversation, answers] = talk("Hello?", {"Hello.", "Hi."});
  const auto [other, others] = talk("Else?", {"Yes."});
  const auto [third, unfinished] = talk("Long?", {"It is"}, "streaming");
  const auto [fourth, failed] = talk("Bad?", {" "}, "error");
  const auto no = [&](const Json& body, int status) {
    return refused(browser_, "POST", "/feedback", body, status);
  };
  const std::string question =
      get(browser_, "/messages/" + answers[0])["parent"].get<std::string>();
  EXPECT_EQ(no({{"kind", "rating"}, {"message", "x"}, {"rating", 1}}, 404), "not_found");
  EXPECT_EQ(no({{"kind", "rating"}, {"message", question}, {"rating", 1}}, 400), "not_an_answer");
  EXPECT_EQ(no({{"kind", "rating"}, {"message", answers[0]}, {"rating", 0}}, 400), "invalid_value");
  EXPECT_EQ(no({{"kind", "rating"}, {"message", answers[0]}, {"rating", 2}}, 400),
            "integer_above_max_value");
  EXPECT_EQ(no({{"kind", "rating"}, {"message", answers[0]}}, 400), "missing_required_parameter");
  EXPECT_EQ(no({{"kind", "rating"}, {"message", unfinished[0]}, {"rating", 1}}, 409), "unfinished");
  EXPECT_EQ(no({{"kind", "rating"}, {"message", failed[0]}, {"rating", 1}}, 400), "no_answer");
  EXPECT_EQ(no({{"kind", "rating"}, {"message", answers[0]}, {"rating", 1}, {"reasons", {1}}}, 400),
            "invalid_type");
  EXPECT_EQ(no({{"kind", "comparison"}, {"chosen", answers[0]}, {"rejected", answers[0]}}, 400),
            "same_answer");
  EXPECT_EQ(no({{"kind", "comparison"}, {"chosen", answers[0]}, {"rejected", others[0]}}, 400),
            "different_prompts");
  EXPECT_EQ(no({{"kind", "correction"}, {"message", answers[0]}, {"text", " Hello. "}}, 400),
            "unchanged");
  EXPECT_EQ(no({{"kind", "correction"}, {"message", answers[0]}, {"text", " "}}, 400), "empty");
  EXPECT_EQ(no({{"kind", "praise"}, {"message", answers[0]}}, 400), "invalid_value");
  EXPECT_EQ(no({{"kind", "rating"}, {"message", answers[0]}, {"rating", 1}, {"x", 1}}, 400),
            "unknown_parameter");
  EXPECT_TRUE(get(browser_, "/feedback")["feedback"].empty());
  EXPECT_EQ(refused(browser_, "GET", "/feedback?kind=praise", nullptr, 400), "invalid_value");
  EXPECT_EQ(refused(browser_, "GET", "/feedback?before=x", nullptr, 400), "invalid_value");
}

TEST_F(FeedbackTest, ListsInPages) {
  for (int i = 0; i < 7; ++i) rate(talk("q", {"a" + std::to_string(i)}).second[0], 1);
  std::set<std::string> seen;
  std::string before;
  for (int page = 0; page < 4; ++page) {
    const Json json =
        get(browser_, "/feedback?limit=3" + (before.empty() ? "" : "&before=" + before));
    for (const Json& row : json["feedback"]) seen.insert(row["answer"].get<std::string>());
    if (json["next"].is_null()) break;
    before = json["next"].get<std::string>();
  }
  EXPECT_EQ(seen.size(), 7u);
}

TEST_F(FeedbackTest, Stats) {
  const auto [one, a] = talk("Hello?", {"Hello.", "Hi."});
  const auto [two, b] = talk("Else?", {"Yes.", "No."});
  rate(a[0], 1);
  rate(a[1], -1);
  compare(a[0], a[1]);
  compare(a[0], a[1]);
  compare(b[0], b[1]);
  compare(b[1], b[0]);
  compare(b[0], b[1], true);
  const Json stats = get(browser_, "/feedback/stats");
  EXPECT_EQ(stats["counts"], Json::parse(R"({"up":1,"down":1,"comparisons":5,"ties":1,
                                             "corrections":0})"));
  ASSERT_EQ(stats["by_model"].size(), 1u);
  EXPECT_EQ(stats["by_model"][0]["model"], "tiny@fp_1");
  EXPECT_EQ(stats["by_model"][0]["wins"], 4);
  EXPECT_EQ(stats["by_model"][0]["losses"], 4);
  EXPECT_EQ(stats["agreement"]["pairs"], 2);
  EXPECT_EQ(stats["agreement"]["agree"], 1);
  EXPECT_EQ(stats["agreement"]["share"], 0.5);
  ASSERT_EQ(stats["by_day"].size(), 1u);
  EXPECT_EQ(stats["by_day"][0]["comparisons"], 5);
}

TEST_F(FeedbackTest, WithoutAKeptPromptTheTurnsAreIt) {
  const std::string conversation = new_conversation(browser_);
  store::Message question{.id = store::make_id(), .conversation = conversation, .role = "user"};
  question.content = "Imported?";
  store_->add_message(question);
  store::Message answer{.id = store::make_id(), .conversation = conversation};
  answer.parent = question.id;
  answer.role = "assistant";
  answer.content = "Yes.";
  store_->add_message(answer);
  rate(answer.id, 1);
  EXPECT_EQ(get(browser_, "/feedback")["feedback"][0]["prompt"], "Imported?");
}

// ---- export ----

store::Feedback judgement(const std::string& kind, const std::string& prompt,
                          const std::string& answer, const std::string& user = "u") {
  static store::Time time = 1000;
  store::Feedback feedback{.id = store::make_id(), .user = user, .kind = kind};
  feedback.message = answer;
  feedback.created = ++time;
  feedback.model = "tiny@fp_1";
  feedback.context = {{"messages", {{{"role", "user"}, {"content", prompt}}}},
                      {"answer", answer},
                      {"finish", "stop"},
                      {"status", "done"}};
  return feedback;
}
store::Feedback rating(const std::string& prompt, const std::string& answer, int64_t value,
                       const std::string& user = "u") {
  store::Feedback feedback = judgement("rating", prompt, answer, user);
  feedback.rating = value;
  return feedback;
}
store::Feedback comparison(const std::string& prompt, const std::string& chosen,
                           const std::string& rejected, const std::string& user = "u",
                           bool tie = false) {
  store::Feedback feedback = judgement("comparison", prompt, chosen, user);
  feedback.context["other"] = rejected;
  feedback.tie = tie;
  return feedback;
}
store::Feedback correction(const std::string& prompt, const std::string& answer,
                           const std::string& text) {
  store::Feedback feedback = judgement("correction", prompt, answer);
  feedback.text = text;
  return feedback;
}
ExportedFeedback exported(const std::vector<store::Feedback>& all, ExportFilter filter = {}) {
  FeedbackExport collected(std::move(filter));
  for (const store::Feedback& feedback : all) collected.add(feedback);
  return collected.finish();
}

TEST(FeedbackExports, EachKindGoesWhereItBelongs) {
  const ExportedFeedback out =
      exported({rating("p1", "good", 1), rating("p1", "bad", -1), comparison("p2", "a", "b"),
                correction("p3", "wrong", "right"), comparison("p4", "x", "y", "u", true)});
  EXPECT_EQ(
      out.sft,
      (std::vector<std::string>{
          R"({"messages":[{"role":"user","content":"p1"},{"role":"assistant","content":"good"}]})",
          R"({"messages":[{"role":"user","content":"p3"},{"role":"assistant","content":"right"}]})"}));
  EXPECT_EQ(
      out.preferences,
      (std::vector<std::string>{
          R"({"messages":[{"role":"user","content":"p1"}],"chosen":"good","rejected":"bad"})",
          R"({"messages":[{"role":"user","content":"p2"}],"chosen":"a","rejected":"b"})",
          R"({"messages":[{"role":"user","content":"p3"}],"chosen":"right","rejected":"wrong"})"}));
  EXPECT_EQ(out.prompts.size(), 4u);
  EXPECT_EQ(out.left_out, (std::map<std::string, int64_t>{{"tie", 1}}));
}

TEST(FeedbackExports, EachOnceAndWithoutContradictions) {
  const ExportedFeedback out = exported(
      {comparison("p", "a", "b"), comparison("p", "a", "b", "v"), comparison("q", "a", "b"),
       comparison("q", "b", "a", "v"), comparison("r", "a", "b"), comparison("r", "b", "a"),
       rating("p", "a", 1), rating("p", "a", 1, "v"), rating("p", "b", -1), rating("s", "z", 1),
       rating("s", "z", -1, "v"), comparison("t", "same", " same ")});
  EXPECT_EQ(out.preferences,
            (std::vector<std::string>{
                R"({"messages":[{"role":"user","content":"p"}],"chosen":"a","rejected":"b"})",
                R"({"messages":[{"role":"user","content":"r"}],"chosen":"b","rejected":"a"})"}));
  EXPECT_EQ(out.sft.size(), 1u);
  EXPECT_EQ(out.left_out, (std::map<std::string, int64_t>{{"contradicted", 2}, {"same_text", 1}}));
}

TEST(FeedbackExports, Filters) {
  std::vector<store::Feedback> all = {comparison("p", "a", "b"), comparison("p", "a", "b", "v"),
                                      comparison("q", "a", "b"), rating("r", "x", 1)};
  EXPECT_EQ(exported(all, {.min_votes = 2}).preferences.size(), 1u);
  EXPECT_EQ(exported(all, {.kinds = {"rating"}}).preferences.size(), 0u);
  EXPECT_EQ(exported(all, {.kinds = {"rating"}}).sft.size(), 1u);
  EXPECT_EQ(exported(all, {.since = all[2].created}).prompts.size(), 2u);
  EXPECT_EQ(exported(all, {.model = "tiny"}).prompts.size(), 3u);
  EXPECT_EQ(exported(all, {.model = "other"}).prompts.size(), 0u);
}

TEST(FeedbackExports, WhatTrainingCannotReadIsLeftOut) {
  store::Feedback none = rating("p", "a", 1), odd = none, late = none, cut = rating("c", "x", 1);
  none.context.erase("messages");
  odd.context["messages"][0]["role"] = "tool";
  late.context["messages"].push_back({{"role", "system"}, {"content", "x"}});
  cut.context["finish"] = "length";
  store::Feedback blank = rating(" ", "a", 1), nothing = rating("p", " ", 1);
  store::Feedback array = rating("p", "a", 1);
  array.context = Json::array();
  const ExportedFeedback out = exported({none, odd, late, cut, blank, nothing, array});
  EXPECT_TRUE(out.sft.empty());
  EXPECT_EQ(out.prompts.size(), 1u);
  EXPECT_EQ(out.left_out, (std::map<std::string, int64_t>{{"cut_off", 1}, {"no_prompt", 6}}));
}

TEST(FeedbackExports, TrainingReadsTheFiles) {
  std::vector<store::Feedback> all;
  for (int i = 0; i < 20; ++i) {
    const std::string prompt = "问题 \"" + std::to_string(i) + "\"\n";
    all.push_back(comparison(prompt, "好\t<|im_end|>", "坏"));
    all.push_back(rating(prompt, "喜欢", 1));
    all.back().context["messages"].insert(all.back().context["messages"].begin(),
                                          Json({{"role", "system"}, {"content", "Be kind."}}));
  }
  const server::fs::path folder =
      server::fs::path(testing::TempDir()) / ("feedback_" + store::make_id());
  write_export(exported(all), folder);
  data::ReadReport report;
  EXPECT_EQ(data::read_preferences({folder / "preferences.jsonl"}, {.quiet = true}, report).size(),
            20u);
  EXPECT_EQ(data::read_conversations({folder / "sft.jsonl"}, {.quiet = true}, report).size(), 20u);
  EXPECT_EQ(data::read_prompts({folder / "prompts.jsonl"}, {.quiet = true}, report).size(), 40u);
  EXPECT_EQ(report.bad, 0);
  server::fs::remove_all(folder);
  const server::fs::path file = server::fs::path(testing::TempDir()) / store::make_id();
  base::write_file(file, "x");
  EXPECT_THROW(write_export(exported(all), file), base::Error);
  server::fs::remove(file);
}

}  // namespace
}  // namespace parley::app
