// Ctrl-C as a question the work can ask, instead of a sudden death.
#pragma once

namespace parley::base {

// From now on SIGINT and SIGTERM set a flag; a second SIGINT while the flag is
// still set ends the process at once. The destructor puts the old handlers back.
// Guards may be nested: the outermost one counts. Made by the main thread, which the system
// gives a process's signals to.
class InterruptGuard {
 public:
  InterruptGuard();
  ~InterruptGuard();
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;
};

bool interrupted();
void clear_interrupt();

}  // namespace parley::base
