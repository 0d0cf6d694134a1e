#include <chrono>
#include <thread>

#include "store/store_test_util.h"

namespace parley::store {
namespace {

using ConversationTest = StoreTest;
PARLEY_ALL_DATABASES(ConversationTest);

TEST_P(ConversationTest, KeepsEveryField) {
  const User user = add_user("ann");
  Conversation c;
  c.id = make_id();
  c.user = user.id;
  c.title = "Übersicht 概览";
  c.model = "gpt";
  c.system = "Be brief.";
  c.draft = "half a";
  c.params = {{"temperature", 0.5}, {"stop", {"a", "b"}}};
  c.leaf = "x";
  c.archived = true;
  c.created = 1;
  c.updated = 2;
  store->add_conversation(c);
  const auto got = store->conversation(user.id, c.id);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->title, c.title);
  EXPECT_EQ(got->model, "gpt");
  EXPECT_EQ(got->system, "Be brief.");
  EXPECT_EQ(got->draft, "half a");
  EXPECT_EQ(got->params, c.params);
  EXPECT_EQ(got->leaf, "x");
  EXPECT_TRUE(got->archived);
  EXPECT_EQ(got->created, 1);
  EXPECT_EQ(got->updated, 2);

  Message m = make_message(c, "", "hello", "assistant");
  m.status = "streaming";
  m.model = "gpt@1";
  m.heartbeat = 77;
  m.data = {{"finish", nullptr}, {"citations", Json::array({1, 2})}};
  m.prompt = {{"messages", Json::array()}, {"text", "raw"}};
  store->add_message(m);
  const auto message = store->message(user.id, m.id);
  ASSERT_TRUE(message);
  EXPECT_EQ(message->conversation, c.id);
  EXPECT_EQ(message->parent, "");
  EXPECT_EQ(message->role, "assistant");
  EXPECT_EQ(message->content, "hello");
  EXPECT_EQ(message->status, "streaming");
  EXPECT_EQ(message->model, "gpt@1");
  EXPECT_EQ(message->created, m.created);
  EXPECT_EQ(message->heartbeat, 77);
  EXPECT_EQ(message->data, m.data);
  EXPECT_EQ(message->prompt, m.prompt);
  EXPECT_EQ(store->conversation(user.id, c.id)->leaf, m.id);
  EXPECT_EQ(store->conversation(user.id, c.id)->updated, m.created);
}

TEST_P(ConversationTest, UpdatesWithoutThePromptKeepIt) {
  const User user = add_user("ann");
  const Conversation c = add_conversation(user);
  Message m = make_message(c, "", "a");
  m.prompt = {{"text", "raw"}};
  store->add_message(m);
  Message read = store->messages(c.id).at(0);
  EXPECT_TRUE(read.prompt.empty());
  read.content = "ab";
  read.status = "stopped";
  store->update_message(read);
  const auto got = store->message(user.id, m.id);
  EXPECT_EQ(got->content, "ab");
  EXPECT_EQ(got->status, "stopped");
  EXPECT_EQ(got->prompt, m.prompt);
  read.prompt = {{"text", "other"}};
  store->update_message(read);
  EXPECT_EQ(store->message(user.id, m.id)->prompt, read.prompt);
}

TEST_P(ConversationTest, BranchesOfATree) {
  const User user = add_user("ann");
  const Conversation c = add_conversation(user);
  const Message a = add_message(c, "", "a");
  const Message b = add_message(c, a.id, "b", "assistant");
  const Message b2 = add_message(c, a.id, "b2", "assistant");
  const Message d = add_message(c, b.id, "d");
  const Message other_root = add_message(c, "", "other");
  std::string path;
  for (const Message& message : store->branch(d.id)) path += message.content + " ";
  EXPECT_EQ(path, "a b d ");
  path.clear();
  for (const Message& message : store->branch(b2.id)) path += message.content + " ";
  EXPECT_EQ(path, "a b2 ");
  EXPECT_EQ(store->branch(other_root.id).size(), 1u);
  EXPECT_TRUE(store->branch("nothing").empty());
  path.clear();
  for (const Message& message : store->messages(c.id)) path += message.content + " ";
  EXPECT_EQ(path, "a b b2 d other ");
}

TEST_P(ConversationTest, ParentsAreOfTheSameConversation) {
  const User user = add_user("ann");
  const Conversation one = add_conversation(user), two = add_conversation(user);
  const Message a = add_message(one, "", "a");
  EXPECT_THROW(add_message(two, a.id, "b"), base::Error);
  EXPECT_THROW(add_message(one, "nothing", "b"), base::Error);
  Conversation gone = one;
  gone.id = make_id();
  EXPECT_THROW(add_message(gone, "", "b"), base::Error);
  EXPECT_TRUE(store->messages(two.id).empty());
  EXPECT_THROW(store->add_message(a), Conflict);
}

TEST_P(ConversationTest, PagesNewestFirst) {
  const User user = add_user("ann");
  std::vector<Id> ids;
  for (int i = 0; i < 25; ++i) {
    Conversation c;
    c.id = make_id();
    c.user = user.id;
    c.updated = 1000 + i / 3;  // some at the same time
    c.archived = i % 5 == 4;
    store->add_conversation(c);
    if (!c.archived) ids.push_back(c.id);
  }
  EXPECT_EQ(store->count_conversations(user.id), 25);
  std::vector<Id> seen;
  Time last = INT64_MAX;
  std::optional<std::pair<Time, Id>> before;
  for (;;) {
    const auto page = store->conversations(user.id, false, 7, before);
    for (const Conversation& c : page) {
      EXPECT_LE(c.updated, last);
      last = c.updated;
      seen.push_back(c.id);
    }
    if (page.size() < 7) break;
    before = {page.back().updated, page.back().id};
  }
  std::ranges::sort(seen);
  std::ranges::sort(ids);
  EXPECT_EQ(seen, ids);
  EXPECT_EQ(store->conversations(user.id, true, 100, {}).size(), 5u);
}

TEST_P(ConversationTest, ChangesOnlyWhatIsMeant) {
  const User user = add_user("ann");
  const Conversation c = add_conversation(user, "old");
  const Message a = add_message(c, "", "a");
  store->set_draft(user.id, c.id, "unsent");
  store->change_conversation(user.id, c.id, [](Conversation& now) { now.title = "new"; });
  auto got = store->conversation(user.id, c.id);
  EXPECT_EQ(got->title, "new");
  EXPECT_EQ(got->draft, "unsent");
  EXPECT_EQ(got->leaf, a.id);
  store->set_leaf(c.id, "other");
  EXPECT_EQ(store->conversation(user.id, c.id)->leaf, "other");
  EXPECT_EQ(store->conversation(user.id, c.id)->title, "new");
  const auto changed = store->change_conversation(user.id, c.id, [](Conversation& now) {
    now.system = "s";
    now.archived = true;
    now.draft = "only set_draft() takes note of this";
  });
  ASSERT_TRUE(changed);
  EXPECT_EQ(changed->title, "new");
  got = store->conversation(user.id, c.id);
  EXPECT_EQ(got->title, "new");
  EXPECT_EQ(got->leaf, "other");
  EXPECT_EQ(got->system, "s");
  EXPECT_TRUE(got->archived);
  EXPECT_EQ(got->draft, "unsent");
  // The draft of a chat that does not exist yet.
  EXPECT_EQ(store->new_draft(user.id), "");
  store->set_draft(user.id, "new", "你好");
  EXPECT_EQ(store->new_draft(user.id), "你好");
  EXPECT_EQ(store->new_draft("nobody"), "");
}

TEST_P(ConversationTest, ChangesAtTheSameTimeBothStay) {
  const User user = add_user("ann");
  const Conversation c = add_conversation(user);
  std::vector<std::thread> threads;
  for (const char* name : {"system", "title", "model"})
    threads.emplace_back([&, name = std::string(name)] {
      for (int i = 1; i <= 25; ++i)
        store->change_conversation(user.id, c.id, [&](Conversation& now) {
          (name == "system"  ? now.system
           : name == "title" ? now.title
                             : now.model) = name + std::to_string(i);
        });
    });
  for (std::thread& thread : threads) thread.join();
  const auto got = store->conversation(user.id, c.id);
  EXPECT_EQ(got->system, "system25");
  EXPECT_EQ(got->title, "title25");
  EXPECT_EQ(got->model, "model25");
}

TEST_P(ConversationTest, UsersAreApart) {
  const User ann = add_user("ann"), bob = add_user("bob");
  const Conversation c = add_conversation(ann, "secret garden");
  const Message m = add_message(c, "", "secret words");
  EXPECT_FALSE(store->conversation(bob.id, c.id));
  EXPECT_FALSE(store->message(bob.id, m.id));
  EXPECT_TRUE(store->conversations(bob.id, false, 10, {}).empty());
  EXPECT_TRUE(store->search(bob.id, "secret", 10).empty());
  store->remove_conversation(bob.id, c.id);
  store->remove_conversations(bob.id);
  store->set_draft(bob.id, c.id, "mine now");
  EXPECT_FALSE(store->change_conversation(bob.id, c.id, [](Conversation&) { FAIL(); }));
  const auto got = store->conversation(ann.id, c.id);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->title, "secret garden");
  EXPECT_EQ(got->system, c.system);
  EXPECT_EQ(got->draft, "");
  EXPECT_EQ(store->search(ann.id, "secret", 10).size(), 2u);
}

TEST_P(ConversationTest, DeletionTakesEverythingAlong) {
  const User user = add_user("ann");
  const Conversation c = add_conversation(user, "title zebra");
  Id parent;
  for (int i = 0; i < 1500; ++i) {  // longer than SQLite's chains of triggers
    const Message m = make_message(c, parent, "zebra");
    parent = m.id;
    if (i < 3) store->add_message(m);
    if (i == 3) break;
  }
  store->add_summary({c.id, parent, "short", 3});
  const Conversation kept = add_conversation(user, "zebra kept");
  EXPECT_EQ(store->search(user.id, "zebra", 10).size(), 5u);
  store->remove_conversation(user.id, c.id);
  EXPECT_FALSE(store->conversation(user.id, c.id));
  EXPECT_TRUE(store->messages(c.id).empty());
  EXPECT_TRUE(store->summaries(c.id).empty());
  EXPECT_EQ(store->search(user.id, "zebra", 10).size(), 1u);
  store->remove_conversations(user.id);
  EXPECT_EQ(store->count_conversations(user.id), 0);
  EXPECT_TRUE(store->search(user.id, "zebra", 10).empty());
}

TEST_P(ConversationTest, Summaries) {
  const User user = add_user("ann");
  const Conversation c = add_conversation(user);
  store->add_summary({c.id, "m1", "first", 3});
  store->add_summary({c.id, "m2", "second", 4});
  store->add_summary({c.id, "m1", "again", 5});
  const auto summaries = store->summaries(c.id);
  ASSERT_EQ(summaries.size(), 2u);
  for (const Summary& summary : summaries) {
    EXPECT_EQ(summary.text, summary.before == "m1" ? "again" : "second");
    EXPECT_EQ(summary.tokens, summary.before == "m1" ? 5 : 4);
  }
  EXPECT_THROW(store->add_summary({"gone", "m", "t", 1}), base::Error);
}

TEST_P(ConversationTest, InterruptsOnlyWhatIsStale) {
  const User user = add_user("ann");
  const Conversation c = add_conversation(user);
  Message old = make_message(c, "", "so far");
  old.status = "streaming";
  old.heartbeat = 100;
  Message fresh = old, done = old;
  fresh.id = make_id();
  fresh.heartbeat = 500;
  done.id = make_id();
  done.status = "done";
  for (const Message& m : {old, fresh, done}) store->add_message(m);
  EXPECT_EQ(store->interrupt_stale(200), 1);
  EXPECT_EQ(store->interrupt_stale(200), 0);
  EXPECT_EQ(store->message(user.id, old.id)->status, "interrupted");
  EXPECT_EQ(store->message(user.id, old.id)->content, "so far");
  EXPECT_EQ(store->message(user.id, fresh.id)->status, "streaming");
  EXPECT_EQ(store->message(user.id, done.id)->status, "done");
}

// What one server asks of another.
TEST_P(ConversationTest, AnAnswerIsStoppedAndResumed) {
  const User user = add_user("ann");
  const Conversation c = add_conversation(user);
  Message m = make_message(c, "", "so far", "assistant");
  m.status = "streaming";
  m.heartbeat = 100;
  store->add_message(m);
  const auto status = [&] { return store->message(user.id, m.id)->status; };
  EXPECT_TRUE(store->update_message(m));
  EXPECT_FALSE(store->resume_message(m.id, 100, 200));  // somebody writes it
  // Whoever writes it hears of it, and stores its end.
  EXPECT_TRUE(store->ask_to_stop(m.id, 50));
  EXPECT_EQ(status(), "streaming");
  m.content = "so far, and more";
  EXPECT_FALSE(store->update_message(m));
  m.status = "stopped";
  store->update_message(m);
  EXPECT_FALSE(store->ask_to_stop(m.id, 50));
  EXPECT_EQ(store->message(user.id, m.id)->content, "so far, and more");
  // Of two that go on with it one is first.
  EXPECT_FALSE(store->resume_message(m.id, 99, 200));
  EXPECT_TRUE(store->resume_message(m.id, 100, 200));
  EXPECT_FALSE(store->resume_message(m.id, 100, 201));
  EXPECT_EQ(status(), "streaming");
  m.status = "streaming";
  m.heartbeat = 200;
  EXPECT_TRUE(store->update_message(m));
  // Nobody writes it any more.
  EXPECT_TRUE(store->ask_to_stop(m.id, 201));
  EXPECT_EQ(status(), "stopped");
  EXPECT_FALSE(store->ask_to_stop(m.id, 201));
  store->remove_conversation(user.id, c.id);
  EXPECT_FALSE(store->update_message(m));
  EXPECT_FALSE(store->ask_to_stop("nothing", 201));
}

TEST_P(ConversationTest, ImportsWholeOrNotAtAll) {
  const User user = add_user("ann");
  Conversation c;
  c.id = make_id();
  c.user = user.id;
  c.title = "imported";
  c.created = c.updated = 5;
  std::vector<Message> messages;
  Id parent;
  for (int i = 0; i < 1200; ++i) {
    messages.push_back(make_message(c, parent, "Message number " + std::to_string(i) + " 消息"));
    messages.back().data = {{"finish", "stop"}, {"prompt_tokens", i}};
    messages.back().prompt = {{"text", std::string(500, 'x')}};
    parent = messages.back().id;
  }
  c.leaf = parent;
  std::swap(messages.front(), messages.back());  // any order
  auto start = std::chrono::steady_clock::now();
  const auto milliseconds = [&] {
    const auto then = start;
    start = std::chrono::steady_clock::now();
    return std::chrono::duration<double, std::milli>(start - then).count();
  };
  store->import_conversation(c, messages);
  const double import_ms = milliseconds();
  const auto all = store->messages(c.id);
  const double messages_ms = milliseconds();
  const auto branch = store->branch(c.leaf);
  const double branch_ms = milliseconds();
  const auto hits = store->search(user.id, "消息 number 777", 5);
  const double search_ms = milliseconds();
  std::cout << "import " << import_ms << " ms, messages " << messages_ms << " ms, branch "
            << branch_ms << " ms, search " << search_ms << " ms\n";
  ASSERT_EQ(all.size(), 1200u);
  ASSERT_EQ(branch.size(), 1200u);
  EXPECT_EQ(branch.front().content, "Message number 0 消息");
  EXPECT_EQ(branch.back().content, "Message number 1199 消息");
  ASSERT_EQ(hits.size(), 1u);
  EXPECT_EQ(store->conversation(user.id, c.id)->updated, 5);
  EXPECT_EQ(store->conversation(user.id, c.id)->leaf, c.leaf);
  store->remove_conversation(user.id, c.id);
  EXPECT_TRUE(store->messages(c.id).empty());

  const auto refused = [&](std::vector<Message> bad) {
    Conversation other = c;
    other.id = make_id();
    for (Message& message : bad) message.conversation = other.id;
    EXPECT_THROW(store->import_conversation(other, bad), base::Error);
    EXPECT_FALSE(store->conversation(user.id, other.id));
    EXPECT_TRUE(store->messages(other.id).empty());
  };
  Message a = make_message(c, "", "a"), b = make_message(c, a.id, "b");
  refused({b});     // no parent
  refused({a, a});  // twice
  a.parent = b.id;
  refused({a, b});  // in a circle
  a.parent = a.id;
  refused({a});
  // An id that is taken, found in the middle of the writing.
  const Conversation there = add_conversation(user);
  const Message taken = add_message(there, "", "taken");
  a.parent = "";
  Message again = taken;
  again.parent = a.id;
  refused({a, again});
  Message elsewhere = a;
  elsewhere.conversation = there.id;
  EXPECT_THROW(store->import_conversation(c, {elsewhere}), base::Error);
  EXPECT_FALSE(store->conversation(user.id, c.id));
}

TEST_P(ConversationTest, OddTexts) {
  const User user = add_user("ann");
  const Conversation c = add_conversation(user, std::string("ti\0tle", 6));
  EXPECT_EQ(store->conversation(user.id, c.id)->title, "ti\xEF\xBF\xBDtle");
  const std::vector<std::pair<std::string, std::string>> texts = {
      {"", ""},
      {"it's \"quoted\"; DROP TABLE users; -- ? $1 %s \\",
       "it's \"quoted\"; DROP TABLE users; -- ? $1 %s \\"},
      {"𝄞 👩‍👩‍👧 é नमस्ते שלום",
       "𝄞 👩‍👩‍👧 é नमस्ते שלום"},
      {"a\xFF"
       "b\xC3",
       "a\xEF\xBF\xBD"
       "b\xEF\xBF\xBD"},
      {std::string("nul\0nul", 7), "nul\xEF\xBF\xBDnul"},
      {"\xED\xA0\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xF4\x90\x80\x80", "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD"},
      {"\xEE\x80\x80marks\xEE\x80\x81", "\xEE\x80\x80marks\xEE\x80\x81"},
      {"line\r\nline\ttab\x01", "line\r\nline\ttab\x01"},
  };
  for (const auto& [given, kept] : texts) {
    Message m = make_message(c, "", given);
    m.data = {{"text", given}, {"nul", std::string("\0", 1)}};
    store->add_message(m);
    const auto got = store->message(user.id, m.id);
    EXPECT_EQ(got->content, kept);
    EXPECT_EQ(got->data["nul"], std::string("\0", 1));
  }
}

TEST_P(ConversationTest, LongTexts) {
  const User user = add_user("ann");
  const Conversation c = add_conversation(user);
  std::string text = "needle ";
  for (int i = 0; i < 400'000; ++i) text += std::to_string(i) + (i % 2 ? " 字" : " x");
  const std::string word(1000000, 'w'), han = [] {
    std::string run;
    for (int i = 0; i < 20'000; ++i) {
      const int code = 0x4E00 + i * 7 % 20000;
      run += static_cast<char>(0xE0 | code >> 12);
      run += static_cast<char>(0x80 | (code >> 6 & 63));
      run += static_cast<char>(0x80 | (code & 63));
    }
    return run;
  }();
  for (const std::string& each : {text, word, han}) {
    const Message m = add_message(c, "", each);
    EXPECT_EQ(store->message(user.id, m.id)->content, each);
  }
  EXPECT_EQ(store->search(user.id, "needle", 5).size(), 1u);
  EXPECT_EQ(store->search(user.id, han.substr(300, 30), 5).size(), 1u);
  EXPECT_EQ(store->search(user.id, word, 5).size(), 1u);
}

}  // namespace
}  // namespace parley::store
