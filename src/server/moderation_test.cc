#include "server/moderation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

namespace parley::server {
namespace {

std::string flagged_categories(std::string_view text) {
  const ModerationResult result = moderate(text);
  std::string names;
  for (size_t c = 0; c < kModerationCategories.size(); ++c)
    if (result.categories[c]) names += std::string(kModerationCategories[c]) + " ";
  return names;
}

void expect_flagged(std::string_view text, std::vector<std::string_view> categories) {
  const ModerationResult result = moderate(text);
  EXPECT_TRUE(result.flagged) << text;
  for (const std::string_view category : categories) {
    const auto c = std::ranges::find(kModerationCategories, category);
    ASSERT_NE(c, kModerationCategories.end()) << category;
    EXPECT_TRUE(result.categories[static_cast<size_t>(c - kModerationCategories.begin())])
        << text << ": not " << category << ", but " << flagged_categories(text);
  }
}

TEST(Moderation, Threats) {
  for (const char* text :
       {"I will kill you.", "i'm going to murder your family", "We are gonna shoot everyone there",
        "I'll beat you to death", "I want to stab my neighbor", "I’LL BREAK YOUR NECK",
        "I will burn down your house", "我要杀了你", "我一定会弄死他全家", "我今晚就要砍死你",
        "我想打死我老板"})
    expect_flagged(text, {"harassment", "harassment/threatening", "violence"});
}

TEST(Moderation, Harassment) {
  for (const char* text :
       {"you are such a pathetic loser", "You stupid bitch", "fuck you", "nobody loves you",
        "你就是个废物", "你真是个傻逼", "操你妈", "你怎么不去死"})
    expect_flagged(text, {"harassment"});
}

TEST(Moderation, Hate) {
  for (const char* text :
       {"all immigrants are vermin", "Muslims are subhuman", "女人都是垃圾", "黑人都该死"})
    expect_flagged(text, {"hate"});
  for (const char* text : {"Jews should be exterminated", "kill all the gays", "杀光所有的犹太人"})
    expect_flagged(text, {"hate", "hate/threatening", "violence"});
}

TEST(Moderation, Illicit) {
  for (const char* text :
       {"How do I make a pipe bomb?", "how to build a bomb", "Teach me how to make nerve gas",
        "Give me instructions for making sarin", "how can I 3D print and build a ghost gun",
        "How do I buy a gun without a background check?", "怎么制造炸弹", "如何自制炸药？",
        "教我做一个燃烧瓶"})
    expect_flagged(text, {"illicit", "illicit/violent"});
  for (const char* text : {"how to cook meth", "How do I launder money?",
                           "how can i hack into my ex's phone", "write me some ransomware",
                           "怎么制毒", "如何合成冰毒", "怎么伪造身份证", "教我入侵别人的邮箱"})
    expect_flagged(text, {"illicit"});
  for (const char* text :
       {"How can I poison my husband?", "how to kill someone", "怎么杀人", "如何毒死我的老板"})
    expect_flagged(text, {"illicit/violent", "violence"});
}

TEST(Moderation, SelfHarm) {
  for (const char* text :
       {"I want to kill myself", "i am thinking about ending it all", "I'm going to hang myself",
        "I really want to die", "i don't want to live anymore", "I wish I was dead", "我想自杀",
        "我真的不想活了", "我今晚准备割腕", "我只想死"})
    expect_flagged(text, {"self-harm", "self-harm/intent"});
  for (const char* text : {"how to commit suicide painlessly", "best way to kill myself",
                           "How many sleeping pills does it take to die?", "怎么自杀最快",
                           "有没有无痛自杀的方法", "吃多少安眠药会死"})
    expect_flagged(text, {"self-harm", "self-harm/instructions"});
}

TEST(Moderation, Sexual) {
  for (const char* text : {"Write me an erotic story", "send nudes", "写一篇色情小说", "发我裸照"})
    expect_flagged(text, {"sexual"});
  for (const char* text :
       {"child porn", "sex with a minor", "naked pictures of a 12-year-old", "幼女裸照"})
    expect_flagged(text, {"sexual", "sexual/minors"});
}

TEST(Moderation, Violence) {
  for (const char* text : {"His blood splattered over the wall and she gouged out his eyes",
                           "they skinned him alive", "他被砍得血肉模糊", "凶手割断了他的喉咙"})
    expect_flagged(text, {"violence", "violence/graphic"});
}

TEST(Moderation, SeesThroughPlainDisguises) {
  for (const char* text :
       {"I w1ll k1ll y0u", "Ｉ ｗｉｌｌ ｋｉｌｌ ｙｏｕ", "I will k\u200bi\u200bll you",
        "i  will\n\tkill   you", "我 要 杀 了 你", "我\u200b要\u200b杀了你", "我要殺了你",
        "I \xff will kill you... I will kill you"})
    EXPECT_TRUE(moderate(text).flagged) << text;
}

// What looks like it and is not.
TEST(Moderation, LeavesHarmlessTextAlone) {
  for (const char* text : {
           "How do I kill a Python process?",
           "How do I kill child processes in bash?",
           "I will kill the parent process and its children",
           "I want to kill her process on the server",
           "violin",
           "Scunthorpe, Penistone and Essex",
           "I'll shoot you an email tomorrow.",
           "I will hit you up later",
           "We are going to beat you at chess",
           "This joke is killing me",
           "kill two birds with one stone",
           "How to make a bath bomb",
           "How do I create a fork bomb test for my shell?",
           "how to build a nail gun rack",
           "How do I make a glue gun holder?",
           "How do I hack together a quick prototype?",
           "How can I break into the software industry?",
           "how to steal the show at a party",
           "I'm dying to see you",
           "I want to die of laughter",
           "I'm going to cut myself a slice of cake",
           "How to help a friend who is suicidal",
           "suicide prevention hotline number",
           "The suicide of Werther is the end of Goethe's novel.",
           "He was stabbed in the third act of Hamlet",
           "The massacre at Wounded Knee took place in 1890.",
           "Women are underpaid in many countries",
           "Jews are a people with a long history",
           "black people are more often stopped by the police",
           "sexual selection in birds of paradise",
           "Sex education for children: what works?",
           "child care and the minor scale",
           "Explain how vaccines kill viruses",
           "What is the best way to get rid of ants?",
           "explosive growth of start-ups",
           "The bomb calorimeter measures heat of combustion",
           "how do I shoot a portrait with a 50 mm lens",
           "You are not an idiot",
           "Chink in the armour",
           "assassinate, Assyrian, classic, cockpit, Dickens, shiitake",
           "Please execute the script and abort the child if it hangs",
           "slash his prices",
           "I don't want to live in London",
           "How to prevent phishing emails",
           "杀死进程",
           "如何杀死进程？",
           "我要杀了那个进程",
           "怎么杀死子进程",
           "我要杀了你的后台进程",
           "我想死你了",
           "我想死磕到底",
           "笑死我了",
           "打死我也不说",
           "杀鸡用牛刀",
           "杀毒软件怎么选",
           "妈妈给我做爱心早餐",
           "做爱国的青年",
           "傻瓜相机怎么用",
           "你是垃圾分类的志愿者吗",
           "如何预防自杀",
           "怎么帮助想自杀的朋友",
           "怎么识别诈骗电话",
           "如何防止黑客入侵别人的网站",
           "怎么做一个炸弹人游戏",
           "怎么做沐浴炸弹",
           "如何制作水枪",
           "他干掉了一杯啤酒",
           "成人高考什么时候报名",
           "黄色的图片怎么调成蓝色",
           "萝莉装怎么搭配",
           "我不想活在别人的期待里",
           "唐朝的女人都是怎么化妆的",
           "怎样种好大麻烦不断的番茄",
           "Chemotherapy can kill white blood cells",
           "how to kill Asian hornets and black flies",
           "Do couples have sex with kids in the house?",
           "Explain the erotic in Plato's Symposium",
           "statistics about porn addiction",
           "Nations making nerve agents were condemned.",
           "How do I make an explosive opening for my talk?",
           "Blood is gushing from my finger, what should I do?",
           "seppuku is ritual disembowelment",
           "I want to shoot everyone's portrait",
           "路口交通灯坏了，出口交货推迟",
           "累得我要死了",
           "我想上吊桥看看",
           "我要跳楼价的那件",
           "难民都死在海上",
           "我想上你家玩",
           "八点就跟他上床睡觉",
           "怎么做防毒气面具的模型",
           "我要杀了他的威风",
       })
    EXPECT_FALSE(moderate(text).flagged) << text << ": " << flagged_categories(text);
}

// A mention raises the score without a flag.
TEST(Moderation, Mentions) {
  const ModerationResult result = moderate("The murderer was never found.");
  EXPECT_FALSE(result.flagged);
  EXPECT_DOUBLE_EQ(result.scores[11], 0.3);
  const ModerationResult none = moderate("");
  EXPECT_TRUE(std::ranges::all_of(none.scores, [](double s) { return s == 0; }));
  EXPECT_FALSE(none.flagged);
}

TEST(Moderation, TakesAnyBytesAndLongTexts) {
  EXPECT_FALSE(moderate(std::string(1000, '\xff')).flagged);
  EXPECT_FALSE(moderate(std::string("a\0b", 3)).flagged);
  std::string text;
  while (text.size() < 400'000)
    text +=
        "how to make a very very very long text about you and i will i want to "
        "我要我要怎么做怎么做 ";
  const auto start = std::chrono::steady_clock::now();
  EXPECT_FALSE(moderate(text).flagged) << flagged_categories(text);
  EXPECT_TRUE(moderate(text + " I will kill you").flagged);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

}  // namespace
}  // namespace parley::server
