// What keeps strangers from guessing and flooding.
#pragma once

#include <mutex>

#include "app/passwords.h"
#include "app/throttle.h"

namespace parley::app {

class Guard {
 public:
  // Failed log-ins and sign-ups, by name and by address.
  Throttle failures{10, std::chrono::minutes(5)};
  // Sessions made without one, by address.
  Throttle sessions{300, std::chrono::minutes(5)};
  PasswordQueue passwords;
  std::mutex accounts;  // held while it is checked that an admin remains, and changed
};

}  // namespace parley::app
