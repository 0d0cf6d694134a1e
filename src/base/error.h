// Errors: what a user did wrong is an Error, what a programmer did wrong is a CHECK.
#pragma once

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <utility>

namespace parley::base {

// A mistake in files, flags, requests or data. The message says what is wrong,
// where (file, line), and what to do about it. Caught only at main(), at a
// request's boundary and at a thread's boundary.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// A mistake on the command line: the program ends with exit code 2, not 1.
class UsageError : public Error {
 public:
  using Error::Error;
};

// Throws Error with a formatted message: fail("{}: no such file", path).
template <typename... Args>
[[noreturn]] void fail(fmt::format_string<Args...> format, Args&&... args) {
  throw Error(fmt::format(format, std::forward<Args>(args)...));
}

namespace internal {
[[noreturn]] void check_failed(const char* file, int line, const char* condition,
                               const std::string& message);
}  // namespace internal

}  // namespace parley::base

// Stops the program when the condition does not hold: for programmer mistakes
// only, never reached by user input. Prints the message, which should show the
// shapes or values: PARLEY_CHECK(a == b, "a {} b {}", a, b).
#define PARLEY_CHECK(condition, ...)                                         \
  do {                                                                       \
    if (!(condition)) [[unlikely]]                                           \
      ::parley::base::internal::check_failed(__FILE__, __LINE__, #condition, \
                                             ::fmt::format(__VA_ARGS__));    \
  } while (false)
