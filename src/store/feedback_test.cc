#include "store/store_test_util.h"

namespace parley::store {
namespace {

using FeedbackTest = StoreTest;
PARLEY_ALL_DATABASES(FeedbackTest);

Feedback rating_of(const User& user, const Id& message, int64_t rating, Time created) {
  Feedback f;
  f.id = make_id();
  f.user = user.id;
  f.kind = "rating";
  f.message = message;
  f.rating = rating;
  f.created = created;
  f.context = {{"answer", "copy of the answer"}, {"messages", Json::array({{{"role", "user"}}})}};
  return f;
}

TEST_P(FeedbackTest, KeepsEveryField) {
  const User ann = add_user("ann");
  Feedback f = rating_of(ann, "m1", -1, 5);
  f.kind = "comparison";
  f.other = "m2";
  f.tie = true;
  f.reasons = {"wrong", "不好"};
  f.comment = "no";
  f.text = "better";
  f.model = "gpt@1";
  store->add_feedback(f);
  const auto all = store->feedback(ann.id, "", 10, {});
  ASSERT_EQ(all.size(), 1u);
  const Feedback& got = all[0];
  EXPECT_EQ(got.id, f.id);
  EXPECT_EQ(got.user, ann.id);
  EXPECT_EQ(got.kind, "comparison");
  EXPECT_EQ(got.message, "m1");
  EXPECT_EQ(got.other, "m2");
  EXPECT_EQ(got.rating, -1);
  EXPECT_TRUE(got.tie);
  EXPECT_EQ(got.reasons, f.reasons);
  EXPECT_EQ(got.comment, "no");
  EXPECT_EQ(got.text, "better");
  EXPECT_EQ(got.model, "gpt@1");
  EXPECT_EQ(got.context, f.context);
  EXPECT_EQ(got.created, 5);
  EXPECT_THROW(store->add_feedback(f), Conflict);
}

TEST_P(FeedbackTest, ARatingReplacesTheEarlierOne) {
  const User ann = add_user("ann"), bob = add_user("bob");
  const Feedback up = rating_of(ann, "m", 1, 1), down = rating_of(ann, "m", -1, 2);
  store->add_feedback(up);
  store->add_feedback(rating_of(bob, "m", 1, 1));
  store->add_feedback(rating_of(ann, "other", 1, 1));
  store->add_feedback(down);
  EXPECT_EQ(store->feedback("", "", 10, {}).size(), 3u);
  const auto of = store->feedback_of({"m"});
  ASSERT_EQ(of.size(), 2u);
  EXPECT_EQ(of[1].id, down.id);
  EXPECT_EQ(of[1].rating, -1);
  // Corrections and comparisons do not.
  for (int i = 0; i < 2; ++i) {
    Feedback f = rating_of(ann, "m", 0, 3);
    f.kind = "correction";
    store->add_feedback(f);
    f.id = make_id();
    f.kind = "comparison";
    f.message = "n";
    f.other = "m";
    store->add_feedback(f);
  }
  EXPECT_EQ(store->feedback_of({"m"}).size(), 6u);
  EXPECT_EQ(store->feedback_of({"n", "nothing"}).size(), 2u);
  EXPECT_TRUE(store->feedback_of({}).empty());
  EXPECT_EQ(store->feedback(ann.id, "correction", 10, {}).size(), 2u);
  store->remove_feedback(bob.id, down.id);
  EXPECT_EQ(store->feedback_of({"m"}).size(), 6u);
  store->remove_feedback(ann.id, down.id);
  EXPECT_EQ(store->feedback_of({"m"}).size(), 5u);
}

TEST_P(FeedbackTest, OutlivesWhatItIsAbout) {
  const User ann = add_user("ann");
  const Conversation c = add_conversation(ann);
  const Message m = add_message(c, "", "answer", "assistant");
  store->add_feedback(rating_of(ann, m.id, 1, 5));
  store->remove_conversation(ann.id, c.id);
  ASSERT_EQ(store->feedback(ann.id, "", 10, {}).size(), 1u);
  store->remove_user(ann.id);
  EXPECT_TRUE(store->feedback(ann.id, "", 10, {}).empty());
  const auto all = store->feedback("", "", 10, {});
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].user, "");
  EXPECT_EQ(all[0].context["answer"], "copy of the answer");
}

TEST_P(FeedbackTest, PagesAndStreams) {
  const User ann = add_user("ann"), bob = add_user("bob");
  std::vector<Id> ids;
  for (int i = 0; i < 450; ++i) {
    const Feedback f = rating_of(i % 3 ? ann : bob, std::to_string(i), 1, 100 + i / 7);
    store->add_feedback(f);
    ids.push_back(f.id);
  }
  std::vector<Id> seen;
  std::optional<std::pair<Time, Id>> before;
  for (;;) {
    const auto page = store->feedback("", "rating", 100, before);
    for (const Feedback& f : page) {
      if (before) {
        EXPECT_LE(f.created, before->first);
      }
      seen.push_back(f.id);
    }
    if (page.size() < 100) break;
    before = {page.back().created, page.back().id};
  }
  std::ranges::sort(ids);
  std::ranges::sort(seen);
  EXPECT_EQ(seen, ids);
  EXPECT_EQ(store->feedback(bob.id, "", 1000, {}).size(), 150u);

  seen.clear();
  Time last = 0;
  store->each_feedback([&](const Feedback& f) {
    EXPECT_GE(f.created, last);
    last = f.created;
    seen.push_back(f.id);
    if (seen.size() % 100 == 1) {  // may ask the store
      EXPECT_EQ(store->feedback_of({f.message}).size(), 1u);
    }
  });
  std::ranges::sort(seen);
  EXPECT_EQ(seen, ids);
}

}  // namespace
}  // namespace parley::store
