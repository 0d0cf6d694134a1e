// What a message says about memory. Patterns, not a model: the same on every machine, and nothing
// is kept that was not said in so many words.
#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/prompt.h"
#include "app/prompt_text.h"

namespace parley::app {
namespace {

constexpr size_t kMostFactCharacters = 300;  // of a fact
constexpr size_t kLongMessage = 1500;        // bytes; longer ones carry pasted text
constexpr size_t kMostHintBytes = 1 << 16;

using Words = std::span<const std::string_view>;

bool is_word_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '\'' ||
         static_cast<uint8_t>(c) >= 0x80;
}

// Reads a sentence (lower case) from its beginning.
class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) { skip_blanks(); }

  // A phrase of whole words.
  bool take(std::string_view phrase) {
    if (!peek(phrase)) return false;
    at_ += phrase.size();
    skip_blanks();
    return true;
  }
  bool take_any(Words phrases) {
    return std::ranges::any_of(phrases, [&](std::string_view phrase) { return take(phrase); });
  }
  bool peek(std::string_view phrase) const {
    const std::string_view rest = text_.substr(at_);
    if (!rest.starts_with(phrase)) return false;
    return rest.size() == phrase.size() || !is_word_byte(phrase.back()) ||
           !is_word_byte(rest[phrase.size()]);
  }
  bool peek_any(Words phrases) const {
    return std::ranges::any_of(phrases, [&](std::string_view phrase) { return peek(phrase); });
  }
  // The same without regard to words' ends, for Chinese.
  bool take_text(std::string_view phrase) {
    if (!text_.substr(at_).starts_with(phrase)) return false;
    at_ += phrase.size();
    skip_blanks();
    return true;
  }
  bool take_texts(Words phrases) {
    return std::ranges::any_of(phrases, [&](std::string_view phrase) { return take_text(phrase); });
  }
  size_t at() const { return at_; }
  std::string_view rest() const { return text_.substr(at_); }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
  }

  std::string_view text_;
  size_t at_ = 0;
};

constexpr std::array<std::string_view, 15> kOpenings = {
    "hi there", "hi", "hello", "hey", "ok",  "okay",       "also",
    "and",      "so", "oh",    "btw", "now", "by the way", "for what it's worth",
    "well"};

void skip_openings(Reader& reader) {
  while (reader.take_any(kOpenings)) reader.take(",");
}

// "Translate: …", "翻译：…": what follows is material, not said of oneself.
bool is_task_on_text(std::string_view lower) {
  Reader reader(lower);
  skip_openings(reader);
  reader.take("please");
  if (reader.take("can you") || reader.take("could you")) reader.take("please");
  constexpr std::array<std::string_view, 17> kEnglish = {
      "translate",    "rewrite",     "rephrase",     "paraphrase",  "summarize", "summarise",
      "proofread",    "polish",      "correct this", "correct the", "fix",       "edit",
      "improve this", "improve the", "analyze",      "analyse",     "repeat"};
  if (reader.peek_any(kEnglish)) return true;
  constexpr std::array<std::string_view, 12> kOpen = {
      "请", "帮我", "麻烦", "你", "把", "将", "下面", "以下", "这段话", "这句话", "能", "帮忙"};
  Reader chinese(lower);
  for (int i = 0; i < 4 && chinese.take_texts(kOpen); ++i) {
  }
  constexpr std::array<std::string_view, 9> kChinese = {"翻译", "改写", "润色", "总结",  "概括",
                                                        "校对", "修改", "复述", "改一下"};
  return chinese.take_texts(kChinese);
}

// Where the fact ends and a wish or a question begins: "My name is Ana, can you help me?"
size_t end_of_fact(std::string_view lower) {
  constexpr std::array<std::string_view, 33> kEnglish = {
      ", can ",         ", could ",        ", please",     ", help ",
      ", what ",        ", how ",          ", why ",       ", where ",
      ", which ",       ", would you",     ", will you",   ", so can ",
      ", so please",    ", and can ",      ", and could ", ", i want ",
      ", i need ",      ", i would like ", ", i'd like ",  ", and i want ",
      ", and i need ",  " and i want ",    " and i need ", " and i would like ",
      " and i'd like ", " and please ",    ", tell me",    ", write ",
      ", give me",      ", do you",        ", okay?",      ", ok?",
      " can you "};
  constexpr std::array<std::string_view, 22> kChinese = {
      "请",     "帮",     "能不能", "能否",   "可以",   "可不可以", "怎么", "怎样",
      "如何",   "为什么", "什么",   "有没有", "有什么", "好吗",     "行吗", "该",
      "要不要", "想问",   "你能",   "你可",   "你知道", "好不好"};
  size_t end = lower.size();
  for (const std::string_view mark : kEnglish) end = std::min(end, lower.find(mark));
  for (const std::string_view comma : {"，", ",", "；"})
    for (size_t at = 0; (at = lower.find(comma, at)) != std::string::npos;) {
      Reader reader(lower.substr(at + comma.size()));
      if (reader.take_texts(kChinese)) end = std::min(end, at);
      at += comma.size();
    }
  return end;
}

bool is_question(std::string_view sentence) {
  sentence = trim(sentence);
  for (const std::string_view close : {"\"", "”", "!", "！", "。", "~"})
    while (sentence.ends_with(close)) sentence.remove_suffix(close.size());
  return std::ranges::any_of(std::array<std::string_view, 5>{"?", "？", "吗", "么", "呢"},
                             [&](std::string_view end) { return sentence.ends_with(end); });
}

// A fact as it is kept; empty when there is nothing in it.
std::string normalise(std::string_view fact) {
  std::string text = one_line(fact);
  const auto strip = [&](auto marks) {
    for (bool again = true; again;) {
      again = false;
      for (const std::string_view mark : marks) {
        while (text.ends_with(mark)) {
          text.erase(text.size() - mark.size());
          again = true;
        }
        while (text.starts_with(mark)) {
          text.erase(0, mark.size());
          again = true;
        }
      }
    }
  };
  strip(std::array<std::string_view, 19>{" ", "?", "？", ".", "!", "。", "！", ",", "，", ";", "；",
                                         ":", "：", "、", "- ", "* ", "…", "~", "哦"});
  // Quotation marks around all of it.
  for (const auto& [open, close] :
       {std::pair<std::string_view, std::string_view>{"\"", "\""}, {"“", "”"}, {"「", "」"}})
    if (text.size() > open.size() + close.size() && text.starts_with(open) &&
        text.ends_with(close) && text.find(open, open.size()) >= text.size() - close.size())
      text = text.substr(open.size(), text.size() - open.size() - close.size());
  if (text.empty()) return {};
  if (text.front() >= 'a' && text.front() <= 'z')
    text.front() = static_cast<char>(text.front() - 'a' + 'A');
  return clip_text(text, kMostFactCharacters - 1);
}

enum class Where { kNone, kHere, kBefore };  // kBefore: "I am Ana. Please remember that."
struct Found {
  Where where = Where::kNone;
  size_t begin = 0;        // of the fact, in the sentence
  bool paragraph = false;  // all that follows, not this sentence alone
};

constexpr std::array<std::string_view, 12> kFirstPerson = {
    "i", "i'm", "i've", "i'd", "i'll", "my", "mine", "we", "we're", "we've", "our", "im"};

bool speaks_of_self(std::string_view lower) {
  for (size_t begin = 0; begin < lower.size();) {
    if (!is_word_byte(lower[begin])) {
      ++begin;
      continue;
    }
    size_t end = begin;
    while (end < lower.size() && is_word_byte(lower[end])) ++end;
    const std::string_view word = lower.substr(begin, end - begin);
    if (word == "me" || std::ranges::find(kFirstPerson, word) != kFirstPerson.end()) return true;
    begin = end;
  }
  return false;
}

Found find_save_english(std::string_view lower, bool question) {
  Reader reader(lower);
  skip_openings(reader);
  bool polite = false, asked = false;
  const auto please = [&] {
    while (reader.take("please") || reader.take("pls") || reader.take("kindly")) {
      polite = true;
      reader.take(",");
    }
  };
  please();
  constexpr std::array<std::string_view, 4> kAsk = {"can you", "could you", "will you",
                                                    "would you"};
  if (reader.take_any(kAsk)) asked = true;
  constexpr std::array<std::string_view, 5> kWish = {
      "i want you to", "i'd like you to", "i would like you to", "i need you to", "you should"};
  if (reader.take_any(kWish)) polite = true;
  please();
  const bool lasting = reader.take("always") || reader.take("from now on");
  if (lasting) reader.take(",");

  constexpr std::array<std::string_view, 8> kStrong = {
      "remember",     "don't forget", "dont forget", "do not forget",
      "never forget", "memorize",     "memorise",    "save to memory"};
  constexpr std::array<std::string_view, 3> kWeak = {"keep in mind", "make a note", "bear in mind"};
  const bool strong = reader.take_any(kStrong);
  if (!strong && !reader.take_any(kWeak)) return {};
  constexpr std::array<std::string_view, 5> kLater = {"for me", "for later", "for next time",
                                                      "for the future", "for future chats"};
  reader.take_any(kLater);

  bool marked = false, colon = false;
  if (reader.take("this:") || reader.take("the following:") || reader.take("these things:") ||
      reader.take("these facts:") || reader.take("that:") || reader.take(":")) {
    marked = colon = true;
  } else if (reader.take("that") || reader.take(",") || reader.take("-")) {
    marked = true;
    reader.take("that");
  }
  const std::string_view rest = trim(reader.rest());
  constexpr std::array<std::string_view, 9> kPointing = {"",      ".",  "!",   "this", "this.",
                                                         "this!", "it", "it.", "that"};
  if (std::ranges::find(kPointing, rest) != kPointing.end()) {
    if (question && !asked) return {};
    if (colon) return {Where::kHere, reader.at(), true};
    return {strong && (polite || asked || marked || !rest.empty()) ? Where::kBefore : Where::kNone,
            0, false};
  }
  const Found here{Where::kHere, reader.at(), colon};
  if (question && !(asked && marked)) return {};
  if (!strong) return speaks_of_self(rest) ? here : Found{};
  if (marked) return here;
  if (reader.peek("to") || reader.peek("not to"))
    return lasting || rest.find("from now on") != std::string::npos ||
                   rest.find("always") != std::string::npos
               ? here
               : Found{};
  if (reader.peek_any(kFirstPerson)) return here;
  constexpr std::array<std::string_view, 14> kOther = {"when",  "how",   "where", "if",   "me",
                                                       "us",    "what",  "who",   "why",  "this",
                                                       "these", "those", "it",    "about"};
  return polite && !reader.peek_any(kOther) ? here : Found{};
}

Found find_save_chinese(std::string_view text, bool question) {
  Reader reader(text);
  constexpr std::array<std::string_view, 8> kOpen = {"你好", "您好", "对了", "另外",
                                                     "还有", "好的", "，",   ","};
  while (reader.take_texts(kOpen)) {
  }
  constexpr std::array<std::string_view, 14> kPolite = {
      "请你", "请您", "请",       "麻烦你", "麻烦您", "麻烦", "帮我",
      "帮忙", "你要", "你一定要", "一定要", "要",     "务必", "我希望你"};
  bool polite = false;
  constexpr std::array<std::string_view, 5> kAsk = {"你能不能", "能不能", "你可以", "你能", "可以"};
  const bool asked = reader.take_texts(kAsk);
  while (reader.take_texts(kPolite)) polite = true;
  constexpr std::array<std::string_view, 14> kStrong = {
      "记住了", "记住",   "记一下",     "记下来",   "记下",     "牢记",       "别忘记了",
      "别忘记", "别忘了", "不要忘记了", "不要忘记", "不要忘了", "千万别忘了", "存到记忆里"};
  const bool strong = reader.take_texts(kStrong);
  if (!strong && !reader.take_text("记得")) return {};
  if (question && !asked) return {};
  reader.take_text("一下");
  const std::string_view after = reader.rest();
  if (after.starts_with("的") || after.starts_with("过") || after.starts_with("没")) return {};
  constexpr std::array<std::string_view, 7> kThis = {"这些事",   "这件事",   "这一点", "这点",
                                                     "以下内容", "以下信息", "这个"};
  const bool pointing = reader.take_texts(kThis);
  constexpr std::array<std::string_view, 4> kPause = {"：", ":", "，", ","};
  const bool colon = reader.rest().starts_with("：") || reader.rest().starts_with(":");
  const bool paused = reader.take_texts(kPause);
  std::string_view rest = trim(reader.rest());
  for (const std::string_view end : {"。", "！", "!", ".", "哦", "了", "啊", "吧"})
    if (rest == end) rest = {};
  if (rest.empty()) {
    if (colon) return {Where::kHere, reader.at(), true};
    return {polite || pointing || strong ? Where::kBefore : Where::kNone, 0, false};
  }
  if (pointing && !paused) return {};  // "记住这个单词": of something else
  const Found here{Where::kHere, reader.at(), colon};
  if (strong) return here;
  // "记得" alone also recalls: only a wish, or what is said of oneself, is to be kept.
  return polite || paused || rest.starts_with("我") || rest.starts_with("以后") ? here : Found{};
}

struct Pattern {
  std::string_view begin;
  std::vector<std::string_view> but_not;  // what may not follow
};

const std::vector<Pattern>& english_patterns() {
  static const std::vector<std::string_view> kThings = {"this", "that", "it",   "these", "those",
                                                        "you",  "your", "how",  "what",  "the",
                                                        "her",  "him",  "them", "when",  "where"};
  static const std::vector<std::string_view> kAmounts = {
      "bit", "little", "lot", "few", "couple", "big fan of your", "fan of your"};
  static const std::vector<Pattern> patterns = {
      {"my name is", {"not"}},
      {"my name's", {}},
      {"you can call me", {}},
      {"call me", {"back", "when", "if", "at", "later", "a", "an", "crazy"}},
      {"people call me", {}},
      {"i'm called", {}},
      {"i am called", {}},
      {"i go by", {"the"}},
      {"i am a", kAmounts},
      {"i am an", {}},
      {"i'm a", kAmounts},
      {"i'm an", {}},
      {"im a", kAmounts},
      {"i live in", {"hope", "fear"}},
      {"i live near", {}},
      {"i live with", {}},
      {"i'm from", {}},
      {"i am from", {}},
      {"i come from", {}},
      {"i was born", {}},
      {"i grew up in", {}},
      {"i'm based in", {}},
      {"i am based in", {}},
      {"i work as", {}},
      {"i work at", {}},
      {"i work for", {}},
      {"i work in", {}},
      {"i study", {"this", "that"}},
      {"i speak", {"to"}},
      {"i like", kThings},
      {"i really like", kThings},
      {"i love", kThings},
      {"i prefer", kThings},
      {"i enjoy", kThings},
      {"i hate", kThings},
      {"i dislike", kThings},
      {"i don't like", kThings},
      {"i do not like", kThings},
      {"i'm allergic to", {}},
      {"i am allergic to", {}},
      {"i'm vegetarian", {}},
      {"i am vegetarian", {}},
      {"i'm vegan", {}},
      {"i am vegan", {}},
      {"my favourite", {}},
      {"my favorite", {}},
      {"my birthday is", {}},
      {"my hobby is", {}},
      {"my hobbies are", {}},
      {"my job is", {}},
      {"my native language is", {}},
      {"my pronouns are", {}}};
  return patterns;
}

// "I have two cats", "my wife is called Eva"
bool is_about_family(Reader reader) {
  constexpr std::array<std::string_view, 20> kKin = {
      "dog",       "dogs",    "cat",     "cats", "son",     "sons",  "daughter",
      "daughters", "brother", "sister",  "wife", "husband", "child", "children",
      "kids",      "kid",     "allergy", "pet",  "partner", "twins"};
  if (reader.take("i have") || reader.take("i've got")) {
    constexpr std::array<std::string_view, 8> kHow = {"a",    "an",  "two",      "three",
                                                      "four", "one", "an older", "a younger"};
    if (!reader.take_any(kHow)) return false;
    return reader.peek_any(kKin);
  }
  if (!reader.take("my") ||
      !(reader.take_any(kKin) || reader.peek("wife's") || reader.peek("husband's") ||
        reader.peek("son's") || reader.peek("daughter's") || reader.peek("dog's") ||
        reader.peek("cat's") || reader.peek("partner's")))
    return false;
  const std::string_view rest = reader.rest();
  return rest.starts_with("is called") || rest.starts_with("is named") ||
         rest.starts_with("are called") || rest.find("'s name is") < 10;
}

bool suggests_english(std::string_view lower) {
  Reader reader(lower);
  skip_openings(reader);
  if (is_about_family(reader)) return true;
  for (const Pattern& pattern : english_patterns()) {
    Reader each = reader;
    if (!each.take(pattern.begin)) continue;
    if (each.rest().empty() && pattern.begin.find("veg") == std::string::npos) continue;
    if (!each.peek_any(pattern.but_not)) return true;
  }
  return false;
}

bool suggests_chinese(std::string_view clause) {
  static const std::vector<std::string_view> kThings = {"这", "那",   "你",  "您",
                                                        "它", "上面", "刚才"};
  static const std::vector<Pattern> patterns = {
      {"我叫", {"你", "他", "她", "什么", "了", "不"}},
      {"我的名字叫", {}},
      {"我的名字是", {}},
      {"叫我", {"去", "来", "怎"}},
      {"你可以叫我", {}},
      {"我姓", {}},
      {"我是", {"说", "想",   "不是", "否",   "在", "因为", "觉得", "问",   "指",   "谁", "什么",
                "怎", "为了", "要",   "如何", "你", "来问", "来找", "今天", "昨天", "刚", "这"}},
      {"我住在", {}},
      {"我家在", {}},
      {"我来自", {}},
      {"我出生", {}},
      {"我从事", {}},
      {"我在读", {"这", "一"}},
      {"我今年", {"要", "想"}},
      {"我喜欢", kThings},
      {"我很喜欢", kThings},
      {"我最喜欢", kThings},
      {"我更喜欢", kThings},
      {"我爱吃", {}},
      {"我爱看", {}},
      {"我讨厌", kThings},
      {"我不喜欢", kThings},
      {"我不吃", {}},
      {"我偏好", kThings},
      {"我的生日", {}},
      {"我的爱好", {}},
      {"我的职业", {}},
      {"我的工作是", {}},
      {"我的母语", {}},
      {"我养了", {}},
      {"我会说", {}}};
  Reader reader(clause);
  constexpr std::array<std::string_view, 9> kOpen = {
      "你好", "您好", "嗨", "大家好", "对了", "其实", "另外", "顺便说一下", "顺便说一句"};
  while (reader.take_texts(kOpen)) {
  }
  const std::string_view rest = reader.rest();
  if (rest.starts_with("我对") && rest.find("过敏") < 40) return true;
  if (rest.starts_with("我在") &&
      (rest.find("工作") < 60 || rest.find("上班") < 60 || rest.find("上学") < 60))
    return true;
  for (const std::string_view have : {"我有一只", "我有两只", "我有一个", "我有两个"})
    if (rest.starts_with(have))
      for (const std::string_view kin :
           {"猫", "狗", "儿子", "女儿", "孩子", "弟弟", "妹妹", "哥哥", "姐姐"})
        if (rest.find(kin) < 24) return true;
  for (const Pattern& pattern : patterns) {
    if (!rest.starts_with(pattern.begin)) continue;
    const std::string_view follows = trim(rest.substr(pattern.begin.size()));
    if (!follows.empty() && std::ranges::none_of(pattern.but_not, [&](std::string_view word) {
          return follows.starts_with(word);
        }))
      return true;
  }
  return false;
}

// Where the clauses of a sentence begin.
std::vector<size_t> clause_begins(std::string_view sentence) {
  std::vector<size_t> begins = {0};
  for (const std::string_view comma : {"，", ",", "；", "：", "！", "~"})
    for (size_t at = 0; (at = sentence.find(comma, at)) != std::string::npos;) {
      at += comma.size();
      begins.push_back(at);
    }
  std::ranges::sort(begins);
  return begins;
}

std::string suggestion_in(std::string_view sentence, std::string_view lower) {
  const auto fact_from = [&](size_t begin) -> std::string {
    const size_t end = end_of_fact(lower.substr(begin));
    const bool whole = begin + end == lower.size();
    if (whole && is_question(lower)) return {};
    return normalise(sentence.substr(begin, end));
  };
  if (suggests_english(lower)) {
    Reader reader(lower);
    skip_openings(reader);
    return fact_from(reader.at());
  }
  for (const size_t begin : clause_begins(lower)) {
    if (!suggests_chinese(lower.substr(begin))) continue;
    Reader reader(lower.substr(begin));
    constexpr std::array<std::string_view, 9> kOpen = {
        "你好", "您好", "嗨", "大家好", "对了", "其实", "另外", "顺便说一下", "顺便说一句"};
    while (reader.take_texts(kOpen)) {
    }
    return fact_from(begin + reader.at());
  }
  return {};
}

// A paragraph's rest behind a colon, as one fact: "remember:\n- I like tea\n- I live in Rome".
std::string_view paragraph_from(std::string_view text, size_t begin) {
  size_t from = begin;
  while (from < text.size() && (text[from] == '\n' || text[from] == ' ')) ++from;
  return text.substr(from, std::min(text.find("\n\n", from), text.size()) - from);
}

std::string join_list(std::string_view paragraph) {
  std::string joined;
  for (size_t begin = 0; begin < paragraph.size();) {
    const size_t end = std::min(paragraph.find('\n', begin), paragraph.size());
    std::string_view line = trim(paragraph.substr(begin, end - begin));
    begin = end + 1;
    for (const std::string_view bullet : {"- ", "* ", "• "})
      if (line.starts_with(bullet)) line.remove_prefix(bullet.size());
    if (line.empty()) continue;
    if (!joined.empty()) joined += "; ";
    joined += line;
  }
  return joined;
}

}  // namespace

MemoryHint memory_hint(std::string_view message) {
  std::string text(message.substr(0, kMostHintBytes));
  for (const std::string_view curly : {"’", "‘"})
    for (size_t at = 0; (at = text.find(curly, at)) != std::string::npos; ++at) {
      text[at] = '\'';
      text.erase(at + 1, curly.size() - 1);
    }
  const std::string lower = lower_ascii(blank_quotes(text));
  if (is_task_on_text(lower)) return {};

  MemoryHint hint;
  const std::vector<std::string_view> sentences = split_sentences(text);
  std::string_view before;
  for (size_t i = 0; i < sentences.size(); ++i) {
    const std::string_view sentence = sentences[i];
    const auto at = static_cast<size_t>(sentence.data() - text.data());
    const std::string_view plain = std::string_view(lower).substr(at, sentence.size());
    const bool blanked = plain.empty() || plain.front() == ' ';  // it begins in a quotation
    const bool material = trim(before).ends_with(":") || trim(before).ends_with("：");
    if (text.size() > kLongMessage && i > 0) break;
    if (blanked || material) {
      before = sentence;
      continue;
    }
    if (hint.save.empty()) {
      const bool question = is_question(plain.substr(0, end_of_fact(plain)));
      const auto keep = [&](const Found& found, size_t offset) {
        if (found.where == Where::kBefore) {
          hint.save = normalise(offset > 0 ? sentence.substr(0, offset) : before);
        } else if (found.where == Where::kHere && found.paragraph) {
          hint.save = normalise(join_list(paragraph_from(text, at + offset + found.begin)));
        } else if (found.where == Where::kHere) {
          const size_t begin = offset + found.begin;
          hint.save = normalise(sentence.substr(begin, end_of_fact(plain.substr(begin))));
        }
        return !hint.save.empty();
      };
      if (!keep(find_save_english(plain, question), 0)) {
        // "我叫小明，请记住。"
        for (const size_t begin : clause_begins(plain))
          if (keep(find_save_chinese(plain.substr(begin), question), begin)) break;
      }
      if (hint.save.empty())
        if (const size_t comma = plain.rfind(", please remember"); comma != std::string::npos)
          keep(find_save_english(plain.substr(comma + 2), question), comma);
    }
    if (hint.suggest.empty() && !is_question(plain.substr(0, end_of_fact(plain))))
      hint.suggest = suggestion_in(sentence, plain);
    before = sentence;
  }
  if (!hint.save.empty()) hint.suggest.clear();
  return hint;
}

MemoryHint memory_hint(const store::User& user, std::string_view message) {
  const auto on = [&](const char* setting) {
    const auto it = user.settings.find(setting);
    return it == user.settings.end() || !it->is_boolean() || it->get<bool>();
  };
  if (!on("memory")) return {};
  MemoryHint hint = memory_hint(message);
  if (!on("suggest_memories")) hint.suggest.clear();
  return hint;
}

}  // namespace parley::app
