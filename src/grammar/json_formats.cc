#include "grammar/json_formats.h"

#include <utility>

namespace parley::grammar {
namespace {

#define PARLEY_DATE                                                                             \
  "[1-9]\\d{3}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12]\\d|3[01])|(?:0[469]|11)-(?:0[1-9]|[12]\\d|" \
  "30)|02-(?:0[1-9]|1\\d|2[0-8]))"
#define PARLEY_TIME                                                                  \
  "(?:[01]\\d|2[0-3]):[0-5]\\d:[0-5]\\d(?:\\.\\d{1,6})?(?:Z|[+-](?:[01]\\d|2[0-3]):" \
  "[0-5]\\d)"
#define PARLEY_DURATION_TIME \
  "T(?:\\d{1,6}H(?:\\d{1,6}M(?:\\d{1,6}S)?)?|\\d{1,6}M(?:\\d{1,6}S)?|\\d{1,6}S)"
#define PARLEY_HOST                                     \
  "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\\." \
  "[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?){0,2}"
#define PARLEY_OCTET "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)"
#define PARLEY_HEX4 "[0-9a-fA-F]{1,4}"
#define PARLEY_PATH "(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"

constexpr std::pair<std::string_view, std::string_view> kFormats[] = {
    {"date", PARLEY_DATE},
    {"time", PARLEY_TIME},
    {"date-time", PARLEY_DATE "T" PARLEY_TIME},
    {"duration",
     "P(?:\\d{1,6}W|(?:\\d{1,6}Y(?:\\d{1,6}M(?:\\d{1,6}D)?)?|\\d{1,6}M(?:\\d{1,6}D)?|"
     "\\d{1,6}D)(?:" PARLEY_DURATION_TIME ")?|" PARLEY_DURATION_TIME ")"},
    {"email", "[A-Za-z0-9_+-]{1,20}(?:\\.[A-Za-z0-9_+-]{1,20}){0,2}@" PARLEY_HOST},
    {"hostname", PARLEY_HOST},
    {"ipv4", PARLEY_OCTET "(?:\\." PARLEY_OCTET "){3}"},
    {"ipv6", "(?:" PARLEY_HEX4 ":){7}" PARLEY_HEX4 "|(?:" PARLEY_HEX4 ":){1,7}:|(?:" PARLEY_HEX4
             ":){1,6}:" PARLEY_HEX4 "|(?:" PARLEY_HEX4 ":){1,5}(?::" PARLEY_HEX4
             "){1,2}|(?:" PARLEY_HEX4 ":){1,4}(?::" PARLEY_HEX4 "){1,3}|(?:" PARLEY_HEX4
             ":){1,3}(?::" PARLEY_HEX4 "){1,4}|(?:" PARLEY_HEX4 ":){1,2}(?::" PARLEY_HEX4
             "){1,5}|" PARLEY_HEX4 ":(?::" PARLEY_HEX4 "){1,6}|:(?:(?::" PARLEY_HEX4 "){1,7}|:)"},
    {"uuid", "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}"},
    {"uri", "[a-z][a-z0-9+.-]{0,19}://" PARLEY_HOST "(?::[1-9]\\d{0,3})?(?:/" PARLEY_PATH
            "*)*(?:\\?(?:" PARLEY_PATH "|[/?])*)?(?:#(?:" PARLEY_PATH "|[/?])*)?"},
};

}  // namespace

std::optional<std::string_view> format_pattern(std::string_view format) {
  for (const auto& [name, pattern] : kFormats)
    if (name == format) return pattern;
  return std::nullopt;
}

std::string_view known_formats() {
  return "date, time, date-time, duration, email, hostname, ipv4, ipv6, uuid, uri";
}

}  // namespace parley::grammar
