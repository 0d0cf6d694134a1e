#include <gtest/gtest.h>

#include "app/prompt.h"
#include "app/prompt_text.h"

namespace parley::app {
namespace {

std::string saved(std::string_view message) { return memory_hint(message).save; }
std::string suggested(std::string_view message) {
  const MemoryHint hint = memory_hint(message);
  EXPECT_EQ(hint.save, "") << message;
  return hint.suggest;
}

TEST(MemoryHint, SavesWhatIsToBeRememberedInEnglish) {
  EXPECT_EQ(saved("Remember that I am allergic to nuts."), "I am allergic to nuts");
  EXPECT_EQ(saved("please remember: my dog is called Rex!"), "My dog is called Rex");
  EXPECT_EQ(saved("Please remember my birthday is on May 3."), "My birthday is on May 3");
  EXPECT_EQ(saved("remember I live in Porto"), "I live in Porto");
  EXPECT_EQ(saved("Don't forget that we have two kids"), "We have two kids");
  EXPECT_EQ(saved("Don’t forget that I’m vegan."), "I'm vegan");
  EXPECT_EQ(saved("Hi! Could you please remember that I write C++ at work?"),
            "I write C++ at work");
  EXPECT_EQ(saved("Remember this: the Wi-Fi is called 'Heron'."), "The Wi-Fi is called 'Heron'");
  EXPECT_EQ(saved("Keep in mind that I only know Python."), "I only know Python");
  EXPECT_EQ(saved("I'd like you to remember that my sister is Eva."), "My sister is Eva");
  EXPECT_EQ(saved("From now on, remember to always answer in French."),
            "To always answer in French");
  EXPECT_EQ(saved("Please remember:\n- I like tea\n- I live in Rome\n\nThanks!"),
            "I like tea; I live in Rome");
  EXPECT_EQ(saved("My name is Ana. Please remember that."), "My name is Ana");
  EXPECT_EQ(saved("I have a cat, please remember that."), "I have a cat");
  EXPECT_EQ(saved("Remember that I like short answers, can you explain recursion?"),
            "I like short answers");
  EXPECT_EQ(saved("Remember that my motto is \"Go on\"."), "My motto is \"Go on\"");
}

TEST(MemoryHint, SavesWhatIsToBeRememberedInChinese) {
  EXPECT_EQ(saved("请记住我对花生过敏。"), "我对花生过敏");
  EXPECT_EQ(saved("记住：我的狗叫旺财！"), "我的狗叫旺财");
  EXPECT_EQ(saved("帮我记一下，周五下午三点开会"), "周五下午三点开会");
  EXPECT_EQ(saved("记得我不吃辣"), "我不吃辣");
  EXPECT_EQ(saved("你好，请记住，我住在上海"), "我住在上海");
  EXPECT_EQ(saved("我叫小明，请记住。"), "我叫小明");
  EXPECT_EQ(saved("我对海鲜过敏。请记住这一点。"), "我对海鲜过敏");
  EXPECT_EQ(saved("别忘了我喜欢喝茶，请推荐一种茶"), "我喜欢喝茶");
  EXPECT_EQ(saved("麻烦你记住以后都用中文回答"), "以后都用中文回答");
  EXPECT_EQ(saved("请记住我是老师，好吗？"), "我是老师");
}

TEST(MemoryHint, AsksAndTalesAreNotSaved) {
  for (const char* message : {"Do you remember my name?",
                              "Can you remember my name?",
                              "Remember me?",
                              "Remember when we talked about cats?",
                              "I remember that it rained.",
                              "I can't remember.",
                              "Write a function and remember to free the memory.",
                              "Remember to cite your sources.",
                              "Translate into French: remember that I love you.",
                              "Translate into French:\nRemember that I love you.",
                              "What does \"remember that I am mortal\" mean?",
                              "`remember that I`",
                              "```\nRemember that I am code\n```",
                              "> Remember that I said so\n\nWho wrote this?",
                              "The poem goes:\nRemember that I loved thee",
                              "Remember the Alamo",
                              "remember",
                              "Remember.",
                              "Keep in mind that the list may be empty.",
                              "你记得我的名字吗？",
                              "记得我叫什么吗",
                              "我记得去年下雪了",
                              "记得那年夏天很热",
                              "翻译：请记住我爱你",
                              "请把下面这句话翻译成英文：记住我",
                              "请问“请记住我”用英语怎么说？",
                              "记住这个单词",
                              "你还记得我吗",
                              "",
                              " ",
                              "??",
                              "记住",
                              "请",
                              "remember that"})
    EXPECT_EQ(saved(message), "") << message;
}

TEST(MemoryHint, SuggestsWhatUsersSayOfThemselves) {
  EXPECT_EQ(suggested("My name is Ana."), "My name is Ana");
  EXPECT_EQ(suggested("Hi, my name is Ana and I want to learn Rust."), "My name is Ana");
  EXPECT_EQ(suggested("My name is Ana, can you help me?"), "My name is Ana");
  EXPECT_EQ(suggested("Hello! I'm a teacher in Oslo. Write a poem."), "I'm a teacher in Oslo");
  EXPECT_EQ(suggested("I live in a small town near Kraków"), "I live in a small town near Kraków");
  EXPECT_EQ(suggested("I prefer short answers."), "I prefer short answers");
  EXPECT_EQ(suggested("I have two cats."), "I have two cats");
  EXPECT_EQ(suggested("my wife's name is Eva"), "My wife's name is Eva");
  EXPECT_EQ(suggested("I'm vegan."), "I'm vegan");
  EXPECT_EQ(suggested("Call me Max!"), "Call me Max");
  EXPECT_EQ(suggested("我叫小明。"), "我叫小明");
  EXPECT_EQ(suggested("你好，我叫李雷，请帮我写一首诗"), "我叫李雷");
  EXPECT_EQ(suggested("你好我是一名老师，怎么写教案？"), "我是一名老师");
  EXPECT_EQ(suggested("我住在北京朝阳区"), "我住在北京朝阳区");
  EXPECT_EQ(suggested("我喜欢打篮球！"), "我喜欢打篮球");
  EXPECT_EQ(suggested("我对青霉素过敏"), "我对青霉素过敏");
}

TEST(MemoryHint, OtherSentencesSuggestNothing) {
  for (const char* message : {"What is my name?",
                              "Is my name Ana?",
                              "My name is Ana, right?",
                              "I like this answer.",
                              "I like it",
                              "I love you",
                              "I would like a poem.",
                              "I'm a bit confused.",
                              "I am happy.",
                              "I like how you explain",
                              "I have a question about cats.",
                              "Call me when it is done",
                              "\"My name is Ana\" in German?",
                              "Rewrite: my name is Ana.",
                              "Say: \"I live in Rome\".",
                              "The hero says:\nMy name is Inigo Montoya.",
                              "My name is",
                              "I live in hope.",
                              "我是不是很笨",
                              "我叫什么名字？",
                              "我喜欢这个回答",
                              "我是说另一个",
                              "我是想问一下天气",
                              "我喜欢你",
                              "你叫什么名字？",
                              "请翻译：我叫小明",
                              "我叫",
                              "my wife is angry"})
    EXPECT_EQ(suggested(message), "") << message;
}

TEST(MemoryHint, FactsAreShortAndOnOneLine) {
  std::string message = "Remember that I";
  for (int i = 0; i < 500; ++i) message += " really";
  message += " like tea.";
  const std::string fact = saved(message);
  EXPECT_FALSE(fact.empty());
  EXPECT_LE(count_code_points(fact), 300);
  std::string chinese = "请记住我";
  for (int i = 0; i < 400; ++i) chinese += "非常";
  EXPECT_LE(count_code_points(saved(chinese)), 300);
  EXPECT_EQ(saved("Remember that   I\tlike  tea"), "I like tea");
}

TEST(MemoryHint, LongPastedTextsAreNotSearched) {
  std::string letter = "What do you think of this letter?\n\n";
  for (int i = 0; i < 60; ++i) letter += "The garden was green and the sea was blue that day. ";
  letter += "\n\nRemember that I love you. My name is Ana.";
  const MemoryHint hint = memory_hint(letter);
  EXPECT_EQ(hint.save, "");
  EXPECT_EQ(hint.suggest, "");
}

TEST(MemoryHint, TakesAnyBytes) {
  std::string noise = "remember that \xFF\xFE I \xE4\xBD";
  memory_hint(noise);
  uint32_t state = 1;
  for (int round = 0; round < 300; ++round) {
    std::string text;
    for (int i = 0; i < 40; ++i) {
      state = state * 1664525 + 1013904223;
      constexpr std::array<std::string_view, 12> kBits = {"remember", " that ",  "记住", "我",
                                                          "，",       "\"",      "```",  "\n",
                                                          "> ",       "I like ", "\xE4", "?"};
      text += kBits[(state >> 16) % kBits.size()];
    }
    const MemoryHint hint = memory_hint(text);
    EXPECT_LE(count_code_points(hint.save), 300);
    EXPECT_LE(count_code_points(hint.suggest), 300);
  }
}

TEST(MemoryHint, SettingsForbid) {
  store::User user;
  EXPECT_EQ(memory_hint(user, "Remember that I like tea.").save, "I like tea");
  user.settings = {{"memory", true}, {"suggest_memories", false}};
  EXPECT_EQ(memory_hint(user, "My name is Ana.").suggest, "");
  EXPECT_EQ(memory_hint(user, "Remember that I like tea.").save, "I like tea");
  user.settings = {{"memory", false}};
  EXPECT_EQ(memory_hint(user, "Remember that I like tea.").save, "");
  EXPECT_EQ(memory_hint(user, "My name is Ana.").suggest, "");
}

}  // namespace
}  // namespace parley::app
