#include "cli/app_place.h"

#include <sys/stat.h>

#include <cstdlib>

#include "base/error.h"
#include "base/files.h"

namespace parley::cli {

std::string app_database(const std::string& database) {
  if (!database.empty()) return database;
  const char* data = std::getenv("XDG_DATA_HOME");
  const char* home = std::getenv("HOME");
  base::fs::path folder;
  if (data && *data)
    folder = data;
  else if (home && *home)
    folder = base::fs::path(home) / ".local" / "share";
  else
    base::fail(
        "there is no home directory for the chat app's database: give --database FILE, or "
        "--app off");
  folder /= "parley";
  std::error_code error;
  base::fs::create_directories(folder, error);
  if (!error) ::chmod(folder.c_str(), 0700);
  if (error)
    base::fail(
        "{}: cannot be made for the chat app's database ({}): give --database FILE, or "
        "--app off",
        folder.string(), error.message());
  return (folder / "parley.db").string();
}

}  // namespace parley::cli
