#include "base/interrupt.h"

#include <unistd.h>

#include <array>
#include <csignal>

namespace parley::base {
namespace {

volatile std::sig_atomic_t g_interrupted = 0;
int g_guards = 0;  // guards alive: only the outermost touches the handlers
struct sigaction g_old_int, g_old_term;

// oneDNN's generated products let the stack pointer point into a buffer on the heap while they
// run. A signal that came then would have its frame (kilobytes with AVX-512) written below that
// buffer, over other people's memory. So the handler has a stack of its own.
alignas(64) std::array<char, size_t{256} << 10> g_stack;
bool g_stack_is_ours = false;

void use_own_stack() {
  stack_t current{};
  if (sigaltstack(nullptr, &current) != 0 || !(current.ss_flags & SS_DISABLE)) return;
  stack_t ours{};
  ours.ss_sp = g_stack.data();
  ours.ss_size = g_stack.size();
  g_stack_is_ours = sigaltstack(&ours, nullptr) == 0;
}

void leave_own_stack() {
  if (!g_stack_is_ours) return;
  stack_t none{};
  none.ss_flags = SS_DISABLE;
  sigaltstack(&none, nullptr);
  g_stack_is_ours = false;
}

void on_signal(int signal) {
  if (g_interrupted && signal == SIGINT) _exit(130);
  g_interrupted = 1;
}

}  // namespace

InterruptGuard::InterruptGuard() {
  if (g_guards++ > 0) return;
  g_interrupted = 0;
  use_own_stack();
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_ONSTACK;
  sigemptyset(&action.sa_mask);
  sigaction(SIGINT, &action, &g_old_int);
  sigaction(SIGTERM, &action, &g_old_term);
}

InterruptGuard::~InterruptGuard() {
  if (--g_guards > 0) return;
  sigaction(SIGINT, &g_old_int, nullptr);
  sigaction(SIGTERM, &g_old_term, nullptr);
  leave_own_stack();
  g_interrupted = 0;
}

bool interrupted() { return g_interrupted != 0; }
void clear_interrupt() { g_interrupted = 0; }

}  // namespace parley::base
