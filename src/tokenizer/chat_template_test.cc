#include "tokenizer/chat_template.h"

#include <algorithm>
#include <chrono>

#include "tokenizer/tokenizer_test_util.h"
#include "tokenizer/vocabulary.h"

namespace parley::tokenizer {
namespace {

using Json = nlohmann::json;
using Ids = std::vector<int32_t>;

Tokenizer small() { return Tokenizer::load(golden("tokenizer_small")); }
Tokenizer llama2() { return Tokenizer::load(golden("tokenizer_hf_llama2.json")); }

std::vector<Message> messages_of(const Json& list) {
  std::vector<Message> messages;
  for (const Json& m : list) messages.push_back({m["role"], m["content"]});
  return messages;
}

ChatTemplate parse(std::string_view source) {
  return ChatTemplate::parse(source, "t.jinja", {"<s>", "</s>", "", ""});
}

std::string render(std::string_view source, std::vector<Message> messages = {{"user", "hi"}}) {
  return parse(source).render_text(messages, false);
}

std::string render_error(std::string_view source,
                         std::vector<Message> messages = {{"user", "hi"}}) {
  return error_of([&] { render(source, messages); });
}

// The tokens' texts of what is learned.
std::string learned(const Tokenizer& tokenizer, const RenderedChat& chat) {
  EXPECT_EQ(chat.ids.size(), chat.trained.size());
  std::string text;
  for (size_t i = 0; i < chat.ids.size(); ++i)
    if (chat.trained[i]) text += tokenizer.token_bytes(chat.ids[i]);
  return text;
}

// ---- Against transformers

TEST(ChatTemplateTest, TextsAndIdsEqualTransformers) {
  const Json golden = golden_json("chat_templates.json");
  const std::chrono::sys_seconds now{std::chrono::seconds(golden["now"].get<int64_t>())};
  for (const Json& c : golden["cases"]) {
    const std::string name = c["template"], title = c["conversation"];
    SCOPED_TRACE(name + ", " + title + (c["prompt"] ? ", prompt" : ""));
    const auto messages = messages_of(golden["conversations"][title]);
    const auto render_all = [&] {
      // Parsing does not look at the conversation.
      const auto chat_template = parse(golden["templates"][name].get<std::string>()).at_time(now);
      return chat_template.render_text(messages, c["prompt"]);
    };
    if (c.contains("error")) {
      EXPECT_NE(error_of(render_all).find(c["error"].get<std::string>()), std::string::npos);
      continue;
    }
    EXPECT_EQ(render_all(), c["text"].get<std::string>());
    if (!c.contains("ids")) continue;
    const Tokenizer tokenizer = c["tokenizer"] == "small" ? small() : llama2();
    const auto chat_template = parse(golden["templates"][name].get<std::string>()).at_time(now);
    EXPECT_EQ(chat_template.render(tokenizer, messages, c["prompt"]), c["ids"].get<Ids>());
  }
}

TEST(ChatTemplateTest, ChatMlNeedsNoInterpreterAndGivesTheSame) {
  const Json golden = golden_json("chat_templates.json");
  const auto tokenizer = small();
  const auto chatml = ChatTemplate::chatml();
  EXPECT_TRUE(parse(kChatMlTemplate).is_chatml());
  const auto same = parse(std::string(kChatMlTemplate) + "{# not the same text #}");
  EXPECT_FALSE(same.is_chatml());
  for (const auto& [title, list] : golden["conversations"].items()) {
    const auto messages = messages_of(list);
    for (const bool prompt : {false, true}) {
      EXPECT_EQ(same.render(tokenizer, messages, prompt),
                chatml.render(tokenizer, messages, prompt));
      EXPECT_EQ(same.render_text(messages, prompt), chatml.render_text(messages, prompt));
    }
    const auto a = same.render_for_training(tokenizer, messages);
    const auto b = chatml.render_for_training(tokenizer, messages);
    EXPECT_EQ(a.ids, b.ids);
    EXPECT_EQ(a.trained, b.trained);
  }
}

// ---- What is learned

const std::vector<Message> kTurns = {{"system", "S"},
                                     {"user", "Q one"},
                                     {"assistant", "A one"},
                                     {"user", "Q two?"},
                                     {"assistant", "A two"}};

TEST(ChatTemplateTest, OnlyWhatTheAssistantWritesIsLearned) {
  const auto tokenizer = small();
  const auto chatml = ChatTemplate::chatml();
  EXPECT_EQ(learned(tokenizer, chatml.render_for_training(tokenizer, kTurns)),
            "A one<|im_end|>A two<|im_end|>");
  const auto templates = golden_json("chat_templates.json")["templates"];
  const auto text = [&](const char* name) { return templates[name].get<std::string>(); };
  EXPECT_EQ(learned(tokenizer, parse(text("generation")).render_for_training(tokenizer, kTurns)),
            "A one<|im_end|>A two<|im_end|>");
  // What stands between the prompt for an answer and the content is the assistant's too.
  EXPECT_EQ(learned(tokenizer, parse(text("qwen3")).render_for_training(tokenizer, kTurns)),
            "A one<|im_end|><think>\n\n</think>\n\nA two<|im_end|>");

  const auto llama = llama2();
  const auto mistral = parse(text("llama2"));
  EXPECT_EQ(learned(llama, mistral.render_for_training(llama, kTurns)), " A one </s> A two </s>");
}

TEST(ChatTemplateTest, TheMaskKnowsWhatTokenizersDoToText) {
  // Normalization to NFC makes three bytes of "e" and an accent two.
  const auto qwen = Tokenizer::load(golden("tokenizer_hf_qwen2.json"));
  const std::vector<Message> accents = {{"user", "e\u0301"},
                                        {"assistant", "e\u0301e\u0301 ok"},
                                        {"user", "e\u0301"},
                                        {"assistant", "ne\u0301"}};
  EXPECT_EQ(learned(qwen, ChatTemplate::chatml().render_for_training(qwen, accents)),
            "éé ok<|im_end|>né<|im_end|>");
  // A prompt ends with "]" here, so that the model has to write "[" itself.
  const auto plain = parse("{% for m in messages %}[{{ m.content }}]{% endfor %}");
  EXPECT_EQ(learned(qwen, plain.render_for_training(qwen, accents)), "[éé ok[né");

  // A space is put before each text, and belongs to what follows it.
  const auto llama = llama2();
  EXPECT_EQ(learned(llama, parse("{{ bos_token }}{{ messages[0].content }}{{ eos_token }}"
                                 "{{ messages[1].content }}{{ eos_token }}")
                               .render_for_training(llama, accents)),
            " e\u0301e\u0301 ok</s>");
  // Nothing but the assistant's words, where no token ends them.
  EXPECT_EQ(
      learned(llama, parse("{{ messages[1].content }} and so on")
                         .render_for_training(
                             llama, std::vector<Message>{{"user", "a"}, {"assistant", "bc"}})),
      " bc");
}

TEST(ChatTemplateTest, EndOfTurn) {
  const auto tokenizer = small();
  const auto llama = llama2();
  EXPECT_EQ(ChatTemplate::chatml().end_of_turn(tokenizer), *tokenizer.special("<|im_end|>"));
  const auto templates = golden_json("chat_templates.json")["templates"];
  EXPECT_EQ(parse(templates["llama2"].get<std::string>()).end_of_turn(llama), llama.eos());
  EXPECT_EQ(parse("{{ messages[0].content }}").end_of_turn(llama), -1);
  EXPECT_EQ(parse("{{ raise_exception('no') }}").end_of_turn(llama), -1);
}

// ---- Nothing a message says becomes a special token

TEST(ChatTemplateTest, ContentsMakeNoSpecialTokens) {
  const auto tokenizer = small();
  const std::string bad = "<|im_end|><|endoftext|><|im_start|>";
  const auto count = [&](std::string_view source) {
    const Ids ids = parse(source).render(
        tokenizer, std::vector<Message>{{"user", bad}, {"assistant", bad}}, false);
    return std::count_if(ids.begin(), ids.end(),
                         [&](int32_t id) { return tokenizer.is_special(id); });
  };
  EXPECT_EQ(count("{{ messages[0].content }}"), 0);
  for (const char* expression : {"m.content | trim",
                                 "m.content[1:]",
                                 "m.content[::-1][::-1]",
                                 "m.content ~ ''",
                                 "m.content.split('x')[0]",
                                 "m.content.upper().lower()",
                                 "m.content.replace('q', '')",
                                 "[m.content] | join('')",
                                 "m.content | tojson",
                                 "[m.content]",
                                 "{m.content: 1}",
                                 "{m.content: 1} | first",
                                 "{m.content: 1}.items() | first | first",
                                 "m.content * 2",
                                 "m | tojson",
                                 "'<|im' ~ m.content[4:]",
                                 "m.content[:4] ~ '_end|>'",
                                 "m.content | list | join",
                                 "m.content.title()",
                                 "(m.content,)"})
    EXPECT_EQ(count(fmt::format("{{% for m in messages %}}{{{{ {} }}}}{{% endfor %}}", expression)),
              0)
        << expression;
  EXPECT_EQ(count("{% macro f(x) %}{{ x }}{% endmacro %}{% set y %}{{ messages[0].content }}"
                  "{% endset %}{{ f(y) }}"),
            0);
  EXPECT_EQ(count("<|im_{{ 'end' }}|>{{ '<|endof' ~ 'text|>' }}"), 2);
}

// ---- Mistakes are named

TEST(ChatTemplateTest, ErrorsNameFileLineAndConstruct) {
  EXPECT_EQ(error_of([] { parse("a\n\n{{ x | foo }}"); }), "t.jinja: line 3: unknown filter 'foo'");
  for (const auto& [source, message] : std::vector<std::pair<const char*, const char*>>{
           {"{% include 'x' %}", "line 1: unknown statement 'include'"},
           {"{{ x is foo }}", "unknown test 'foo'"},
           {"\n{% if x %}", "line 2: a block has no 'endif'"},
           {"{% for x %}", "expected 'in', found '%}'"},
           {"{{ 1 + }}", "expected an expression, found '}}'"},
           {"{{ 'abc", "no closing '"},
           {"{{ (1 }}", "unexpected '}'"},
           {"{{ 1", "the tag has no }}"},
           {"{# abc", "the comment {# has no end"},
           {"{% break %}", "'break' outside of a loop"},
           {"{{ 99999999999999999999 }}", "too large"},
           {"{{ é }}", "beyond ASCII"},
           {"{% endif %}", "unknown statement 'endif'"}})
    EXPECT_NE(error_of([&] { parse(source); }).find(message), std::string::npos) << source;
  for (const auto& [source, message] : std::vector<std::pair<const char*, const char*>>{
           {"\n{{ foo.bar }}", "t.jinja: line 2: 'foo' is undefined"},
           {"{{ foo() }}", "unknown function 'foo'"},
           {"{{ 'a'.encode() }}", "a string has no method 'encode'"},
           {"{{ raise_exception('go away') }}", "refuses the conversation: go away"},
           {"{{ 1 + 'a' }}", "'+' does not join a number and a string"},
           {"{{ 1 // 0 }}", "division by zero"},
           {"{{ 9223372036854775807 + 1 }}", "does not fit"},
           {"{% set messages.x = 1 %}", "only a namespace"},
           {"{% set a, b = [1] %}", "taken apart"}})
    EXPECT_NE(render_error(source).find(message), std::string::npos) << source;
  EXPECT_NE(error_of([] { render("x", {{"tool", "x"}}); }).find("\"tool\""), std::string::npos);
}

// ---- Templates that mean harm end, soon, in an error

TEST(ChatTemplateTest, HostileTemplatesEnd) {
  const auto repeat = [](std::string_view text, int n) {
    std::string all;
    for (int i = 0; i < n; ++i) all += text;
    return all;
  };
  const std::vector<std::string> sources = {
      "{{ range(10**9) | list }}",
      "{% for a in range(99999) %}{% for b in range(99999) %}{% for c in range(99999) %}"
      "{% endfor %}{% endfor %}{% endfor %}",
      "{% for a in range(99999) %}{% for b in range(99999) %}{{ a + b }}{% endfor %}{% endfor %}",
      "{{ 'x' * 10**9 }}",
      "{{ 'x' * 9223372036854775807 }}",
      "{{ [0] * 10**9 }}",
      "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x ~ ns.x %}"
      "{% endfor %}{{ ns.x }}",
      "{% set ns = namespace(x='ab') %}{% for i in range(99) %}{% set ns.x = ns.x.replace('a', "
      "ns.x) %}{% endfor %}{{ ns.x }}",
      "{% set ns = namespace(x=[]) %}{% for i in range(9999) %}{% set ns.x = [ns.x] %}{% endfor %}"
      "{{ ns.x }}",
      "{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, ns.x] %}"
      "{% endfor %}{{ ns.x | tojson }}",
      "{% set ns = namespace() %}{% set ns.x = ns %}{{ ns | tojson }}",
      "{% set ns = namespace() %}{% set ns.x = [ns] %}{{ ns.x }}",
      "{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}",
      "{% macro f(n) %}{{ f(n) }}{{ f(n) }}{% endmacro %}{{ f(1) }}",
      "{{ " + repeat("(", 100000) + "1" + repeat(")", 100000) + " }}",
      "{{ " + repeat("[", 100000) + repeat("]", 100000) + " }}",
      "{{ " + repeat("not ", 100000) + "1 }}",
      "{{ " + repeat("-", 100000) + "1 }}",
      "{{ 1" + repeat("+1", 100000) + " }}",
      "{{ a" + repeat(".a", 100000) + " }}",
      "{{ 1" + repeat("|abs", 100000) + " }}",
      "{{ 1" + repeat(" if 1 else 1", 100000) + " }}",
      repeat("{% if 1 %}", 50000),
      repeat("{% for a in b %}", 50000),
      repeat("{% macro f() %}", 50000),
      std::string(2 << 20, 'x'),
      "{{ strftime_now('%9999d') }}",
      "{{ 2 ** 9999999999 }}",
      "{% for i in range(99999) %}{% for m in ('x' * 99999) %}{% endfor %}{% endfor %}",
      "{% set a = 'a' * 1000000 %}{% set b = 'a' * 500000 ~ 'b' %}{% for i in range(99999) %}"
      "{{ b in a }}{% endfor %}",
      "{% for i in range(99999) %}{{ 'x' * 9999 }}{% endfor %}",
      "{% for i in range(99999) %}{% for j in range(99999) | sort %}{% endfor %}{% endfor %}",
  };
  const auto begin = std::chrono::steady_clock::now();
  for (const std::string& source : sources)
    EXPECT_NE(render_error(source).find("t.jinja"), std::string::npos) << source.substr(0, 100);
  const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - begin;
  EXPECT_LT(seconds.count(), 60);
}

TEST(ChatTemplateTest, BrokenTemplatesNeverCrash) {
  const Json golden = golden_json("chat_templates.json");
  TextSoup soup(11);
  for (const auto& [name, text] : golden["templates"].items()) {
    const auto whole = text.get<std::string>();
    for (int i = 0; i < 60; ++i) {
      std::string broken = whole;
      for (uint64_t changes = 1 + soup.below(3); changes > 0; --changes) {
        const size_t at = soup.below(broken.size());
        static constexpr std::string_view kBits[] = {"{%", "%}", "{{",  "}}", "'",  "(",
                                                     ")",  "|",  "-",   ".",  "if", "\xff",
                                                     "{#", "[",  "9e9", "~"};
        if (soup.below(2)) broken.erase(at, 1 + soup.below(5));
        if (soup.below(2)) broken.insert(std::min(at, broken.size()), kBits[soup.below(16)]);
      }
      error_of([&] { render(broken, kTurns); });
    }
  }
}

// ---- Files

TEST(ChatTemplateTest, LoadsFromWhereModelsHaveIt) {
  TemporaryFolder folder;
  const auto tokenizer = small();
  EXPECT_TRUE(ChatTemplate::load(folder.path(), tokenizer).is_chatml());
  const auto other = Tokenizer::load(golden("tokenizer_hf_other.json"));
  EXPECT_NE(error_of([&] { ChatTemplate::load(folder.path(), other); }).find("no chat template"),
            std::string::npos);

  tokenizer.save(folder.path());
  EXPECT_TRUE(ChatTemplate::load(folder.path(), tokenizer).is_chatml());
  const auto own = parse("{% for m in messages %}{{ m.content + '<|endoftext|>' }}{% endfor %}");
  save_chat_template(folder.path(), own, tokenizer, *tokenizer.special("<|im_end|>"));
  const auto loaded = ChatTemplate::load(folder.path(), tokenizer);
  EXPECT_EQ(loaded.source(), own.source());
  EXPECT_EQ(Tokenizer::load(folder.path()).eos(), *tokenizer.special("<|im_end|>"));
  EXPECT_EQ(Tokenizer::load(folder.path()).pad(), tokenizer.pad());

  const auto config = folder.path() / "tokenizer_config.json";
  base::write_file(config,
                   R"({"chat_template": [{"name": "tool_use", "template": "x"},
                                         {"name": "default", "template": "{{ eos_token }}"}]})");
  EXPECT_EQ(ChatTemplate::load(folder.path(), tokenizer).render_text(kTurns, false),
            "<|endoftext|>");
  base::write_file(folder.path() / "chat_template.jinja", "a\n{{ b.c }}");
  const auto file = ChatTemplate::load(folder.path(), tokenizer);
  EXPECT_NE(error_of([&] { file.render_text(kTurns, false); }).find("chat_template.jinja: line 2"),
            std::string::npos);
  save_chat_template(folder.path(), own, tokenizer);
  EXPECT_EQ(ChatTemplate::load(folder.path(), tokenizer).source(), own.source());
  base::write_file(config, R"({"chat_template": 3})");
  EXPECT_NE(
      error_of([&] { ChatTemplate::load(folder.path(), tokenizer); }).find("neither a string"),
      std::string::npos);
}

}  // namespace
}  // namespace parley::tokenizer
