// parley user: accounts of the chat app, for administrators without a browser.
#include <fmt/format.h>
#include <termios.h>
#include <unistd.h>

#include <iostream>

#include "app/accounts.h"
#include "app/passwords.h"
#include "base/error.h"
#include "base/log.h"
#include "cli/app_place.h"
#include "cli/commands.h"
#include "cli/output.h"
#include "store/store.h"

namespace parley::cli {
namespace {

constexpr const char* kUserExamples = R"(Examples:
  parley user add ada --admin
  parley user invite --days 3
  parley user passwd ada < password.txt
  parley user disable bob; parley user enable bob
  parley user list --db postgresql://parley@db.example/parley
Accounts count where `parley serve` runs with --users on. A server sees changes at once.
A password is asked for at the terminal, or read as one line from standard input.
)";

struct UserOptions {
  std::string database, name;
  bool admin = false;
  int64_t days = 7, daily_tokens = -1;
};

using StorePtr = std::unique_ptr<store::Store>;

StorePtr open(const UserOptions& options) {
  return store::Store::open(app_database(options.database));
}

store::User find(store::Store& store, const std::string& name) {
  const auto user = store.user_by_name(name);
  if (!user) base::fail("there is no user '{}'; `parley user list` shows them", name);
  return *user;
}

store::User change_account(store::Store& store, const store::Id& id,
                           const std::function<void(store::User&)>& change) {
  const auto user = store.change_user(id, change);
  if (!user) base::fail("this user was removed meanwhile");
  return *user;
}

// A line from the terminal that is not shown.
std::string read_hidden(const std::string& prompt) {
  fmt::print(stderr, "{}: ", prompt);
  termios before{};
  const bool hidden = tcgetattr(STDIN_FILENO, &before) == 0;
  if (hidden) {
    termios silent = before;
    silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
  }
  std::string line;
  const bool read = static_cast<bool>(std::getline(std::cin, line));
  if (hidden) {
    tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    fmt::print(stderr, "\n");
  }
  if (!read) base::fail("a password is needed: one line on standard input");
  return line;
}

std::string read_password() {
  const bool terminal = isatty(STDIN_FILENO) == 1;
  std::string password = read_hidden(terminal ? "New password" : "Reading the password");
  if (password.ends_with('\r')) password.pop_back();
  app::require_good_password(password);
  if (terminal && read_hidden("Once more") != password)
    base::fail("the two passwords are not the same; nothing was changed");
  return password;
}

app::Json user_json(store::Store& store, const store::User& user) {
  app::Json json = app::to_json(user);
  json["password"] = !user.password_hash.empty();
  json["tokens_today"] = store.usage(user.id, app::day_of(store::now()));
  json["conversations"] = store.count_conversations(user.id);
  return json;
}

void list_users(const UserOptions& options, bool json) {
  const StorePtr store = open(options);
  for (const store::User& user : store->users()) {
    const app::Json line = user_json(*store, user);
    if (json) {
      write_out(line.dump() + "\n");
      continue;
    }
    const std::string state = user.disabled                ? "disabled"
                              : user.password_hash.empty() ? "no password"
                                                           : "good";
    const std::string quota =
        user.daily_tokens > 0 ? fmt::format("/{}", user.daily_tokens) : std::string();
    write_out(fmt::format("{}  {:<6} {:<11} since {}  {} chats  {}{} tokens today  {}\n", user.id,
                          user.role, state, app::day_of(user.created),
                          line["conversations"].get<int64_t>(), line["tokens_today"].get<int64_t>(),
                          quota, user.name));
  }
}

void add(const UserOptions& options, bool json) {
  const StorePtr store = open(options);
  const std::string name = app::checked_name(options.name);
  if (store->user_by_name(name)) base::fail("there is a user '{}' already", name);
  const std::string hash = app::hash_password(read_password());
  store::User user = app::add_account(*store, name, hash, options.admin ? "admin" : "user");
  if (options.daily_tokens > 0)
    user = change_account(*store, user.id,
                          [&](store::User& now) { now.daily_tokens = options.daily_tokens; });
  if (json)
    write_out(user_json(*store, user).dump() + "\n");
  else
    spdlog::info("{} can log in", user.name);
}

void invite(const UserOptions& options, bool json) {
  const StorePtr store = open(options);
  const auto fresh = app::add_invitation(*store, options.admin ? "admin" : "user", options.days);
  if (json) {
    const app::Json line = {{"id", fresh.invitation.id},
                            {"role", fresh.invitation.role},
                            {"expires", fresh.invitation.expires},
                            {"code", fresh.code}};
    write_out(line.dump() + "\n");
    return;
  }
  spdlog::info("good for one account until {}; the code is shown this once:",
               app::day_of(fresh.invitation.expires));
  write_out(fresh.code + "\n");
}

void set_password(const UserOptions& options) {
  const StorePtr store = open(options);
  find(*store, options.name);
  const std::string hash = app::hash_password(read_password());
  const store::User user = change_account(*store, find(*store, options.name).id,
                                          [&](store::User& now) { now.password_hash = hash; });
  store->remove_sessions_of(user.id, "");
  spdlog::info("{} has a new password, and is logged out everywhere", user.name);
}

void set_disabled(const UserOptions& options, bool disabled) {
  const StorePtr store = open(options);
  const store::User user = find(*store, options.name);
  if (disabled && user.role == "admin" && !app::another_admin(*store, user.id))
    base::fail("{} is the last administrator who can log in: add another one first", user.name);
  change_account(*store, user.id, [&](store::User& now) { now.disabled = disabled; });
  if (disabled) store->remove_sessions_of(user.id, "");
  spdlog::info("{} {}", user.name, disabled ? "can no longer log in" : "can log in again");
}

}  // namespace

void add_user(CLI::App& app, Common& common) {
  auto options = std::make_shared<UserOptions>();
  CLI::App* command = app.add_subcommand("user", "accounts of the chat app of `parley serve`");
  command->footer(kUserExamples);
  command->require_subcommand(1);
  const auto sub = [&](const char* name, const char* meaning, bool named = false) {
    CLI::App* made = command->add_subcommand(name, meaning);
    made->add_option("--db,--database", options->database,
                     "SQLite file or postgresql://… (default: the one of `parley serve`)");
    if (named) made->add_option("name", options->name, "the user's name")->required();
    return made;
  };
  sub("list", "the users there are")->callback([options, &common] {
    list_users(*options, common.json);
  });

  CLI::App* add_command = sub("add", "make an account", true);
  add_command->add_flag("--admin", options->admin, "an administrator");
  add_command->add_option("--daily-tokens", options->daily_tokens, "quota; 0: as the others")
      ->check(CLI::NonNegativeNumber);
  add_command->callback([options, &common] { add(*options, common.json); });

  CLI::App* invite_command = sub("invite", "make an invitation, and show its code once");
  invite_command->add_flag("--admin", options->admin, "for an administrator");
  invite_command->add_option("--days", options->days, "until it ends")
      ->check(CLI::Range(1, 365))
      ->capture_default_str();
  invite_command->callback([options, &common] { invite(*options, common.json); });

  sub("passwd", "set a new password", true)->callback([options] { set_password(*options); });
  sub("disable", "nobody logs in with it any more", true)->callback([options] {
    set_disabled(*options, true);
  });
  sub("enable", "undo disable", true)->callback([options] { set_disabled(*options, false); });
}

}  // namespace parley::cli
