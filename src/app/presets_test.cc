#include "app/presets.h"

#include <gtest/gtest.h>

#include <map>
#include <set>

#include "app/app_test_util.h"

namespace parley::app {
namespace {

class Presets : public AppTest {
 protected:
  Presets() : browser_(open()) {}
  Browser browser_;
};

TEST_F(Presets, BuiltInOnesAreInBothLanguages) {
  std::map<std::string, std::set<std::string>> languages;
  std::set<std::string> ids;
  const Json answer = get(browser_, "/presets");
  for (const Json& preset : answer["presets"]) {
    EXPECT_EQ(preset["builtin"], true);
    EXPECT_TRUE(ids.insert(preset["id"].get<std::string>()).second);
    EXPECT_NE(preset["template"].get<std::string>().find("{{text}}"), std::string::npos);
    EXPECT_FALSE(preset["title"].get<std::string>().empty());
    EXPECT_FALSE(preset["system"].get<std::string>().empty());
  }
  for (const BuiltinPreset& preset : builtin_presets())
    languages[std::string(preset.name)].insert(std::string(preset.language));
  EXPECT_GE(languages.size(), 10u);
  for (const auto& [name, all] : languages)
    EXPECT_EQ(all, (std::set<std::string>{"en", "zh"})) << name;
}

TEST_F(Presets, OnesOwn) {
  const Json body = {{"title", " Haiku "},
                     {"system", "You write haiku."},
                     {"template", "A haiku on {{text}}"},
                     {"params", {{"temperature", 1.2}}},
                     {"language", "en"}};
  const Json preset = post(browser_, "/presets", body, 201);
  EXPECT_EQ(preset["title"], "Haiku");
  EXPECT_EQ(preset["builtin"], false);
  EXPECT_EQ(preset["params"]["temperature"], 1.2);
  const std::string path = "/presets/" + preset["id"].get<std::string>();
  EXPECT_EQ(get(browser_, "/presets")["presets"][0], preset);
  const Json changed = call(browser_, "PATCH", path, {{"title", "Haiku 2"}});
  EXPECT_EQ(changed["title"], "Haiku 2");
  EXPECT_EQ(changed["system"], "You write haiku.");
  call(browser_, "DELETE", path);
  EXPECT_EQ(refused(browser_, "DELETE", path, nullptr, 404), "not_found");
}

TEST_F(Presets, AreChecked) {
  EXPECT_EQ(refused(browser_, "POST", "/presets", {{"title", " "}}, 400), "empty");
  EXPECT_EQ(refused(browser_, "POST", "/presets", {{"title", "x"}, {"language", "fr"}}, 400),
            "invalid_value");
  EXPECT_EQ(refused(browser_, "POST", "/presets",
                    {{"title", "x"}, {"params", {{"temperature", 9}}}}, 400),
            "decimal_above_max_value");
  EXPECT_EQ(refused(browser_, "POST", "/presets", {{"title", std::string(300, 'x')}}, 400),
            "too_long");
  EXPECT_EQ(refused(browser_, "PATCH", "/presets/builtin-translate-en", {{"title", "x"}}, 403),
            "builtin");
  EXPECT_EQ(refused(browser_, "DELETE", "/presets/builtin-translate-en", nullptr, 403), "builtin");
}

}  // namespace
}  // namespace parley::app
