#include "server/answer_format.h"

#include "server/context.h"

namespace parley::server {
namespace {

bool is_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 &&
         name.find_first_not_of(
             "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") ==
             std::string::npos;
}

}  // namespace

AnswerFormat read_answer_format(Fields& fields, GrammarCache& grammars) {
  const Json* format = fields.object("response_format");
  if (!format) return {};
  Fields inner(*format, "response_format.");
  const std::string type = inner.required_string("type");
  AnswerFormat answer;
  const auto compile = [&](const std::string& param, const std::string& key,
                           const std::function<grammar::GrammarPtr()>& make) {
    try {
      answer.grammar = grammars.get(type + '\n' + key, make);
    } catch (const ApiError&) {
      throw;
    } catch (const base::Error& error) {
      bad_request(param, fmt::format("Invalid '{}': {}", param, error.what()), "invalid_value");
    }
  };
  if (type == "json_object") {
    answer.json_object = true;
    compile("response_format", {}, [] { return grammar::json_object(); });
  } else if (type == "json_schema") {
    const Json& described = inner.required("json_schema");
    Fields schema_fields(described, "response_format.json_schema.");
    const std::string name = schema_fields.required_string("name");
    if (!is_name(name))
      bad_request("response_format.json_schema.name",
                  "Invalid 'response_format.json_schema.name': 1 to 64 letters, digits, "
                  "underscores and dashes are allowed.",
                  "invalid_value");
    schema_fields.string("description");
    schema_fields.boolean("strict", false);  // the schema is always kept to
    const Json& schema = schema_fields.required("schema");
    schema_fields.reject_unknown();
    compile("response_format.json_schema.schema", dump(schema),
            [&] { return grammar::from_json_schema(schema); });
  } else if (type == "regex" || type == "grammar") {
    const std::string text = inner.required_string(type);
    compile("response_format." + type, text,
            [&] { return type == "regex" ? grammar::from_regex(text) : grammar::from_gbnf(text); });
  } else if (type != "text") {
    bad_request("response_format.type",
                fmt::format("Invalid value: '{}'. Supported values are: 'text', 'json_object', "
                            "'json_schema', 'regex' and 'grammar'.",
                            type.substr(0, 100)),
                "invalid_value");
  }
  inner.reject_unknown();
  return answer;
}

}  // namespace parley::server
