#include "base/interrupt.h"

#include <unistd.h>
#include <csignal>

namespace parley::base {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;
int g_guards = 0;  // guards alive: only the outermost touches the handlers
struct sigaction g_old_int, g_old_term;

void on_signal(int signal) {
  if (g_interrupted && signal == SIGINT) _exit(130);
  g_interrupted = 1;
}

}  // namespace

InterruptGuard::InterruptGuard() {
  if (g_guards++ > 0) return;
  g_interrupted = 0;
  struct sigaction action {};
  action.sa_handler = on_signal;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &g_old_int);
  sigaction(SIGTERM, &action, &g_old_term);
}

InterruptGuard::~InterruptGuard() {
  if (--g_guards > 0) return;
  sigaction(SIGINT, &g_old_int, nullptr);
  sigaction(SIGTERM, &g_old_term, nullptr);
  g_interrupted = 0;
}

bool interrupted() { return g_interrupted != 0; }
void clear_interrupt() { g_interrupted = 0; }

}  // namespace parley::base
