#include "server/fields.h"

#include <gtest/gtest.h>

namespace parley::server {
namespace {

// "param code" of the error that reading gives; "fine" without one.
template <typename Read>
std::string error_of(const std::string& json, Read&& read) {
  try {
    const Json body = parse_body(json);
    Fields fields(body);
    read(fields);
    return "fine";
  } catch (const ApiError& error) {
    EXPECT_EQ(error.status, 400);
    return error.param + " " + error.code;
  }
}

TEST(ParseBody, RefusesWhatIsNoObject) {
  for (const char* body :
       {"", "[]", "1", "\"x\"", "null", "{", "{\"a\":}", "{\"a\":1}x", "{\"a\":\"\xff\"}",
        "{\"a\":\"\\ud800\"}", "{'a':1}", "nul", "{\"a\":NaN}", "{\"a\":1e999}"})
    EXPECT_THROW(parse_body(body), ApiError) << body;
  EXPECT_THROW(parse_body(std::string(1'000'000, '[')), ApiError);
  std::string deep = "{\"a\":";
  for (int i = 0; i < 200; ++i) deep += "[";
  for (int i = 0; i < 200; ++i) deep += "]";
  EXPECT_THROW(parse_body(deep + "}"), ApiError);
  EXPECT_EQ(parse_body(R"({"a": [[[1]]]})").size(), 1u);
}

TEST(Fields, TypesAndRanges) {
  const auto integer = [](Fields& f) { f.integer("n", 1, 128); };
  EXPECT_EQ(error_of(R"({"n": 5})", integer), "fine");
  EXPECT_EQ(error_of(R"({"n": null})", integer), "fine");
  EXPECT_EQ(error_of("{}", integer), "fine");
  EXPECT_EQ(error_of(R"({"n": 5.0})", integer), "fine");
  EXPECT_EQ(error_of(R"({"n": 5.5})", integer), "n invalid_type");
  EXPECT_EQ(error_of(R"({"n": "5"})", integer), "n invalid_type");
  EXPECT_EQ(error_of(R"({"n": true})", integer), "n invalid_type");
  EXPECT_EQ(error_of(R"({"n": 0})", integer), "n integer_below_min_value");
  EXPECT_EQ(error_of(R"({"n": 129})", integer), "n integer_above_max_value");
  EXPECT_EQ(error_of(R"({"n": 99999999999999999999})", integer), "n invalid_type");
  EXPECT_EQ(error_of(R"({"n": 18446744073709551615})", integer), "n integer_above_max_value");
  const auto number = [](Fields& f) { f.number("t", 0, 2); };
  EXPECT_EQ(error_of(R"({"t": 2})", number), "fine");
  EXPECT_EQ(error_of(R"({"t": 2.01})", number), "t decimal_above_max_value");
  EXPECT_EQ(error_of(R"({"t": -0.1})", number), "t decimal_below_min_value");
  EXPECT_EQ(error_of(R"({"t": "warm"})", number), "t invalid_type");
  const auto array = [](Fields& f) { f.array("a", 1, 2); };
  EXPECT_EQ(error_of(R"({"a": []})", array), "a empty_array");
  EXPECT_EQ(error_of(R"({"a": [1, 2, 3]})", array), "a array_above_max_length");
  EXPECT_EQ(error_of(R"({"a": {}})", array), "a invalid_type");
}

TEST(Fields, MissingAndUnknown) {
  EXPECT_EQ(error_of("{}", [](Fields& f) { f.required_string("model"); }),
            "model missing_required_parameter");
  EXPECT_EQ(error_of(R"({"model": 1})", [](Fields& f) { f.required_string("model"); }),
            "model invalid_type");
  EXPECT_EQ(error_of(R"({"a": 1, "b": 2})",
                     [](Fields& f) {
                       f.ignore("a");
                       f.reject_unknown();
                     }),
            "b unknown_parameter");
  EXPECT_EQ(error_of(R"({"inner": {"x": "y"}})",
                     [](Fields& f) { Fields(*f.object("inner"), "inner.").integer("x", 0, 1); }),
            "inner.x invalid_type");
}

TEST(ApiError, Body) {
  ApiError error(429, "slow \"down\"\xff", "", "rate_limit_exceeded");
  error.retry_after = 1.2;
  const http::Response response = error_response(error);
  EXPECT_EQ(response.status, 429);
  const Json json = Json::parse(response.body)["error"];
  EXPECT_EQ(json["type"], "requests");
  EXPECT_EQ(json["code"], "rate_limit_exceeded");
  EXPECT_TRUE(json["param"].is_null());
  EXPECT_EQ(json.size(), 4u);
}

}  // namespace
}  // namespace parley::server
