#include <thread>

#include "store/store_test_util.h"

namespace parley::store {
namespace {

using UserTest = StoreTest;
PARLEY_ALL_DATABASES(UserTest);

TEST(Ids, AreRandomAndWellFormed) {
  const Id a = make_id(), b = make_id();
  EXPECT_NE(a, b);
  EXPECT_EQ(a.size(), 22u);
  for (const char c : a)
    EXPECT_TRUE(std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '_') << a;
}

TEST_P(UserTest, KeepsEveryField) {
  User user;
  user.id = make_id();
  user.name = "Zoë 王";
  user.role = "admin";
  user.password_hash = "hash";
  user.disabled = true;
  user.daily_tokens = 1'000'000'000'000;
  user.settings = {{"theme", "dark"}, {"instructions", {{"about", "\"quoted\" 你好"}}}};
  user.created = 12345;
  store->add_user(user);
  for (const auto& got : {store->user(user.id), store->user_by_name("Zoë 王")}) {
    ASSERT_TRUE(got);
    EXPECT_EQ(got->id, user.id);
    EXPECT_EQ(got->name, user.name);
    EXPECT_EQ(got->role, "admin");
    EXPECT_EQ(got->password_hash, "hash");
    EXPECT_TRUE(got->disabled);
    EXPECT_EQ(got->daily_tokens, user.daily_tokens);
    EXPECT_EQ(got->settings, user.settings);
    EXPECT_EQ(got->created, 12345);
  }
  const auto changed = store->change_user(user.id, [](User& now) {
    now.name = "other";
    now.role = "user";
    now.disabled = false;
    now.settings = Json::object();
  });
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->name, "other");
  EXPECT_EQ(changed->password_hash, "hash");
  EXPECT_FALSE(store->user_by_name("Zoë 王"));
  EXPECT_EQ(store->user_by_name("other")->settings, Json::object());
  EXPECT_FALSE(store->user("nobody"));
  EXPECT_FALSE(store->change_user("nobody", [](User&) { FAIL(); }));
}

TEST_P(UserTest, ChangesAtTheSameTimeBothStay) {
  const User ann = add_user("ann");
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i)
        store->change_user(ann.id, [&](User& now) {
          now.daily_tokens += 1;
          now.settings[std::to_string(t)] = i;
        });
    });
  for (std::thread& thread : threads) thread.join();
  const auto got = store->user(ann.id);
  EXPECT_EQ(got->daily_tokens, 100);
  EXPECT_EQ(got->settings.size(), 4u);
  // What throws changes nothing.
  EXPECT_THROW(store->change_user(ann.id,
                                  [](User& now) {
                                    now.daily_tokens = 0;
                                    throw std::runtime_error("on the way");
                                  }),
               std::runtime_error);
  EXPECT_EQ(store->user(ann.id)->daily_tokens, 100);
}

TEST_P(UserTest, OneNameOneUser) {
  const User ann = add_user("Ann");
  EXPECT_THROW(add_user("Ann"), Conflict);
  // Nobody passes for another by case or width.
  EXPECT_THROW(add_user("aNN"), Conflict);
  EXPECT_THROW(add_user("Ａｎｎ"), Conflict);
  EXPECT_EQ(store->user_by_name("ANN")->id, ann.id);
  const User bob = add_user("bob");
  EXPECT_THROW(store->change_user(bob.id, [](User& now) { now.name = "ann"; }), Conflict);
  EXPECT_EQ(store->user(bob.id)->name, "bob");
  EXPECT_EQ(store->users().size(), 2u);
  EXPECT_THROW(add_user(""), base::Error);
  EXPECT_THROW(add_user(std::string(5000, 'n')), base::Error);
  EXPECT_FALSE(store->user_by_name(std::string(5'000'000, 'n')));
}

TEST_P(UserTest, CountsWhoCanLogIn) {
  EXPECT_EQ(store->count_users(), 0);
  User local;
  local.id = make_id();
  local.name = "local";
  store->add_user(local);
  EXPECT_EQ(store->count_users(), 0);
  add_user("ann");
  EXPECT_EQ(store->count_users(), 1);
  EXPECT_EQ(store->users().size(), 2u);
}

TEST_P(UserTest, Sessions) {
  const User ann = add_user("ann"), bob = add_user("bob");
  const Time later = now() + 100'000;
  store->add_session({"h1", ann.id, "csrf1", 1, later});
  store->add_session({"h2", ann.id, "csrf2", 1, later});
  store->add_session({"h3", bob.id, "csrf3", 1, later});
  store->add_session({"h4", "", "csrf4", 1, later});
  store->add_session({"old", ann.id, "csrf", 1, now() - 1});
  const auto got = store->session("h1");
  ASSERT_TRUE(got);
  EXPECT_EQ(got->user, ann.id);
  EXPECT_EQ(got->csrf, "csrf1");
  EXPECT_EQ(got->expires, later);
  EXPECT_EQ(store->session("h4")->user, "");
  EXPECT_FALSE(store->session("old"));
  EXPECT_FALSE(store->session("none"));
  EXPECT_THROW(store->add_session({"h5", "nobody", "", 1, later}), base::Error);
  store->remove_sessions_of(ann.id, "h2");
  EXPECT_FALSE(store->session("h1"));
  EXPECT_TRUE(store->session("h2"));
  EXPECT_TRUE(store->session("h3"));
  store->remove_session("h3");
  EXPECT_FALSE(store->session("h3"));
  store->remove_expired_sessions();
  EXPECT_TRUE(store->session("h2"));
  store->remove_user(ann.id);
  EXPECT_FALSE(store->session("h2"));
}

TEST_P(UserTest, UsageAddsUp) {
  const User ann = add_user("ann");
  EXPECT_EQ(store->usage(ann.id, "2026-11-27"), 0);
  store->add_usage(ann.id, "2026-11-27", 5);
  store->add_usage(ann.id, "2026-11-27", 7);
  store->add_usage(ann.id, "2026-11-28", 1);
  EXPECT_EQ(store->usage(ann.id, "2026-11-27"), 12);
  EXPECT_EQ(store->usage(ann.id, "2026-11-28"), 1);
}

TEST_P(UserTest, Invitations) {
  store->add_invitation({"i1", "c1", "user", 1, now() + 100'000, ""});
  store->add_invitation({"i2", "c2", "admin", 2, now() + 100'000, ""});
  store->add_invitation({"i3", "c3", "admin", 3, now() - 1, ""});
  EXPECT_THROW(store->add_invitation({"i4", "c1", "user", 1, 2, ""}), Conflict);
  ASSERT_EQ(store->invitations().size(), 3u);
  EXPECT_EQ(store->invitations()[0].id, "i3");
  EXPECT_EQ(store->invitations()[1].role, "admin");

  User user;
  user.name = "first";
  user.id = make_id();
  user.password_hash = "h";
  EXPECT_THROW(store->add_invited_user(user, "c9"), base::Error);
  EXPECT_THROW(store->add_invited_user(user, "c3"), base::Error);
  store->add_invited_user(user, "");  // the first of all
  EXPECT_EQ(user.role, "admin");
  user.id = make_id();
  user.name = "second";
  EXPECT_THROW(store->add_invited_user(user, ""), base::Error);
  // The name is taken: the invitation is good for another try.
  user.name = "first";
  EXPECT_THROW(store->add_invited_user(user, "c2"), Conflict);
  user.name = "second";
  store->add_invited_user(user, "c2");
  EXPECT_EQ(user.role, "admin");
  EXPECT_EQ(store->user(user.id)->role, "admin");
  EXPECT_EQ(store->invitations()[1].used_by, user.id);
  User third = user;
  third.id = make_id();
  third.name = "third";
  EXPECT_THROW(store->add_invited_user(third, "c2"), base::Error);
  store->add_invited_user(third, "c1");
  EXPECT_EQ(third.role, "user");
  store->remove_invitation("i1");
  EXPECT_EQ(store->invitations().size(), 2u);
}

// Of many that come at once, one gets in.
TEST_P(UserTest, InvitationsAreSpentOnce) {
  for (const std::string code : {"", "code"}) {
    if (!code.empty()) store->add_invitation({"i", code, "user", 1, now() + 100'000, ""});
    std::atomic<int> won = 0, lost = 0;
    std::vector<std::thread> threads;
    for (int i = 0; i < 6; ++i)
      threads.emplace_back([&, i] {
        User user;
        user.id = make_id();
        user.name = "racer " + code + std::to_string(i);
        user.password_hash = "h";
        try {
          store->add_invited_user(user, code);
          ++won;
        } catch (const base::Error&) {
          ++lost;
        }
      });
    for (std::thread& thread : threads) thread.join();
    EXPECT_EQ(won, 1);
    EXPECT_EQ(lost, 5);
  }
  EXPECT_EQ(store->count_users(), 2);
}

TEST_P(UserTest, DeletionTakesEverythingAlong) {
  const User ann = add_user("ann"), bob = add_user("bob");
  for (const User& user : {ann, bob}) {
    const Conversation c = add_conversation(user, "zebra");
    add_message(c, "", "zebra");
    store->add_memory({make_id(), user.id, "zebra", true, "", 1, 1});
    Document document;
    document.id = make_id();
    document.user = user.id;
    store->add_document(document, {{document.id, 0, "zebra", 0, 1}});
    Preset preset;
    preset.id = make_id();
    preset.user = user.id;
    store->add_preset(preset);
    store->add_usage(user.id, "2026-11-27", 5);
  }
  store->remove_user(ann.id);
  EXPECT_FALSE(store->user(ann.id));
  EXPECT_EQ(store->count_conversations(ann.id), 0);
  EXPECT_TRUE(store->memories(ann.id).empty());
  EXPECT_TRUE(store->documents(ann.id).empty());
  EXPECT_TRUE(store->presets(ann.id).empty());
  EXPECT_EQ(store->usage(ann.id, "2026-11-27"), 0);
  EXPECT_EQ(store->count_conversations(bob.id), 1);
  EXPECT_EQ(store->search(bob.id, "zebra", 10).size(), 2u);
  EXPECT_EQ(store->find_memories(bob.id, "zebra", 10).size(), 1u);
  EXPECT_EQ(store->documents(bob.id).size(), 1u);
  EXPECT_EQ(store->presets(bob.id).size(), 1u);
}

}  // namespace
}  // namespace parley::store
