// Memories, documents, presets.
#include "store/store_test_util.h"

namespace parley::store {
namespace {

using MemoryTest = StoreTest;
PARLEY_ALL_DATABASES(MemoryTest);

Memory memory_of(const User& user, const std::string& text, bool enabled = true) {
  Memory memory;
  memory.id = make_id();
  memory.user = user.id;
  memory.text = text;
  memory.enabled = enabled;
  memory.created = memory.updated = now();
  return memory;
}

TEST_P(MemoryTest, OnceEach) {
  const User ann = add_user("ann"), bob = add_user("bob");
  Memory tea = memory_of(ann, "I like tea");
  tea.source = "conversation";
  store->add_memory(tea);
  EXPECT_THROW(store->add_memory(memory_of(ann, "I like tea")), Conflict);
  store->add_memory(memory_of(bob, "I like tea"));
  const Memory coffee = memory_of(ann, "I like coffee");
  store->add_memory(coffee);
  Memory changed = coffee;
  changed.text = "I like tea";
  EXPECT_THROW(store->update_memory(changed), Conflict);
  changed.text = "I like cocoa";
  changed.enabled = false;
  store->update_memory(changed);
  const auto memories = store->memories(ann.id);
  ASSERT_EQ(memories.size(), 2u);
  EXPECT_EQ(memories[0].text, "I like tea");
  EXPECT_EQ(memories[0].source, "conversation");
  EXPECT_EQ(memories[1].text, "I like cocoa");
  EXPECT_FALSE(memories[1].enabled);
  // Another user's hands off.
  changed.user = bob.id;
  changed.text = "I like mine";
  store->update_memory(changed);
  store->remove_memory(bob.id, tea.id);
  EXPECT_EQ(store->memories(ann.id).size(), 2u);
  EXPECT_EQ(store->memories(ann.id)[1].text, "I like cocoa");
  store->remove_memory(ann.id, tea.id);
  EXPECT_EQ(store->memories(ann.id).size(), 1u);
  store->add_memory(tea);  // again, now that it is gone
  store->remove_memories(ann.id);
  EXPECT_TRUE(store->memories(ann.id).empty());
  EXPECT_EQ(store->memories(bob.id).size(), 1u);
  // A text too long for an index page.
  const std::string lengthy = std::string(9000, 'l') + "1";
  store->add_memory(memory_of(ann, lengthy));
  EXPECT_THROW(store->add_memory(memory_of(ann, lengthy)), Conflict);
  store->add_memory(memory_of(ann, std::string(9000, 'l') + "2"));
}

TEST_P(MemoryTest, FindsTheBestFirst) {
  const User ann = add_user("ann"), bob = add_user("bob");
  for (const char* text :
       {"My cat is called Tofu", "My cat eats fish", "I work as a nurse", "I live in Berlin",
        "我住在上海市浦东新区", "我的猫叫豆腐", "我喜欢喝绿茶"})
    store->add_memory(memory_of(ann, text));
  store->add_memory(memory_of(ann, "A cat called Off", false));
  store->add_memory(memory_of(bob, "Bob's cat is called Rex"));
  const auto find = [&](const char* query) {
    std::vector<std::string> texts;
    double last = 1e9;
    for (const auto& [memory, score] : store->find_memories(ann.id, query, 10)) {
      EXPECT_LE(score, last);
      last = score;
      EXPECT_EQ(memory.user, ann.id);
      texts.push_back(memory.text);
    }
    return texts;
  };
  using Texts = std::vector<std::string>;
  EXPECT_EQ(find("What is my CAT called?"), (Texts{"My cat is called Tofu", "My cat eats fish"}));
  EXPECT_EQ(find("where in berlin?"), (Texts{"I live in Berlin"}));
  EXPECT_EQ(find("上海有什么好吃的？"), (Texts{"我住在上海市浦东新区"}));
  EXPECT_EQ(find("豆腐"), (Texts{"我的猫叫豆腐"}));
  EXPECT_EQ(find("猫"), (Texts{"我的猫叫豆腐"}));
  EXPECT_EQ(find("茶"), (Texts{"我喜欢喝绿茶"}));  // the last of its run
  EXPECT_TRUE(find("quantum").empty());
  EXPECT_TRUE(find("").empty());
  EXPECT_TRUE(find("?!… -- \" ' * ( ) NEAR").empty());
  EXPECT_EQ(store->find_memories(ann.id, "cat", 1).size(), 1u);
  EXPECT_TRUE(store->find_memories(ann.id, "cat", 0).empty());
  // What changes or goes leaves the index.
  Memory memory = store->find_memories(ann.id, "nurse", 1).at(0).value;
  memory.text = "I work as a pilot";
  store->update_memory(memory);
  EXPECT_TRUE(find("nurse").empty());
  EXPECT_EQ(find("pilot").size(), 1u);
  store->remove_memory(ann.id, memory.id);
  EXPECT_TRUE(find("pilot").empty());
}

TEST_P(MemoryTest, Documents) {
  const User ann = add_user("ann"), bob = add_user("bob");
  Document d;
  d.id = make_id();
  d.user = ann.id;
  d.name = "Bericht 报告.pdf";
  d.kind = "pdf";
  d.bytes = 5'000'000'000;
  d.characters = 99;
  d.passages = 3;
  d.created = 7;
  store->add_document(d, {{d.id, 0, "Turbines turn wind into power", 1, 1},
                          {d.id, 1, "Solar panels and wind turbines, wind everywhere", 1, 9},
                          {"", 2, "风力发电机", 2, 1}});
  Document other = d;
  other.id = make_id();
  other.name = "other.txt";
  other.created = 8;
  store->add_document(other, {{other.id, 0, "wind in the willows", 0, 1}});
  EXPECT_THROW(store->add_document(d, {}), Conflict);
  Document broken = d;
  broken.id = make_id();
  EXPECT_THROW(store->add_document(broken, {{d.id, 0, "wind", 0, 1}, {d.id, 0, "wind", 0, 1}}),
               base::Error);
  EXPECT_FALSE(store->document(ann.id, broken.id));

  const auto all = store->documents(ann.id);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].id, other.id);
  const auto got = store->document(ann.id, d.id);
  ASSERT_TRUE(got);
  EXPECT_EQ(got->name, d.name);
  EXPECT_EQ(got->kind, "pdf");
  EXPECT_EQ(got->bytes, d.bytes);
  EXPECT_EQ(got->characters, 99);
  EXPECT_EQ(got->passages, 3);
  const auto passage = store->passage(ann.id, d.id, 1);
  ASSERT_TRUE(passage);
  EXPECT_EQ(passage->page, 1);
  EXPECT_EQ(passage->start_line, 9);
  EXPECT_FALSE(store->passage(ann.id, d.id, 3));
  EXPECT_EQ(store->passages(d.id).size(), 3u);
  EXPECT_EQ(store->passages(d.id)[2].text, "风力发电机");

  const auto found = store->find_passages(ann.id, {d.id}, "solar wind", 10);
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].value.number, 1);
  EXPECT_GT(found[0].score, found[1].score);
  EXPECT_EQ(store->find_passages(ann.id, {d.id, other.id}, "wind", 10).size(), 3u);
  EXPECT_EQ(store->find_passages(ann.id, {d.id, other.id}, "wind", 2).size(), 2u);
  EXPECT_EQ(store->find_passages(ann.id, {other.id, "'; DROP TABLE"}, "wind", 9).size(), 1u);
  EXPECT_EQ(store->find_passages(ann.id, {d.id}, "发电", 9).size(), 1u);
  EXPECT_TRUE(store->find_passages(ann.id, {}, "wind", 10).empty());

  // Another user sees nothing of it.
  EXPECT_FALSE(store->document(bob.id, d.id));
  EXPECT_FALSE(store->passage(bob.id, d.id, 0));
  EXPECT_TRUE(store->find_passages(bob.id, {d.id}, "wind", 10).empty());
  store->remove_document(bob.id, d.id);
  EXPECT_TRUE(store->document(ann.id, d.id));
  store->remove_document(ann.id, d.id);
  EXPECT_FALSE(store->document(ann.id, d.id));
  EXPECT_TRUE(store->passages(d.id).empty());
  EXPECT_TRUE(store->find_passages(ann.id, {d.id}, "solar", 10).empty());
}

TEST_P(MemoryTest, Presets) {
  const User ann = add_user("ann"), bob = add_user("bob");
  Preset p;
  p.id = make_id();
  p.user = ann.id;
  p.title = "翻译";
  p.system = "Translate.";
  p.text_template = "Translate: {{text}}";
  p.language = "zh";
  p.params = {{"temperature", 0}};
  p.created = 3;
  store->add_preset(p);
  EXPECT_THROW(store->add_preset(p), Conflict);
  EXPECT_TRUE(store->presets(bob.id).empty());
  auto got = store->presets(ann.id).at(0);
  EXPECT_EQ(got.title, p.title);
  EXPECT_EQ(got.text_template, p.text_template);
  EXPECT_EQ(got.language, "zh");
  EXPECT_EQ(got.params, p.params);
  got.title = "new";
  store->update_preset(got);
  EXPECT_EQ(store->presets(ann.id).at(0).title, "new");
  got.user = bob.id;
  got.title = "stolen";
  store->update_preset(got);
  store->remove_preset(bob.id, p.id);
  EXPECT_EQ(store->presets(ann.id).at(0).title, "new");
  store->remove_preset(ann.id, p.id);
  EXPECT_TRUE(store->presets(ann.id).empty());
}

}  // namespace
}  // namespace parley::store
