#include "app/interrupt.h"

#include <unistd.h>
#include <csignal>

namespace spate {
namespace {

// A signal handler has nowhere else to put it. NOLINTNEXTLINE(cppcoreguidelines-avoid-non-const-global-variables)
volatile std::sig_atomic_t g_interrupts = 0;

void OnSignal(int) {
  g_interrupts = g_interrupts + 1;
  if (g_interrupts > 1) _exit(130);
}

}  // namespace

InterruptGuard::InterruptGuard() {
  g_interrupts = 0;
  std::signal(SIGINT, OnSignal);
  std::signal(SIGTERM, OnSignal);
}

InterruptGuard::~InterruptGuard() {
  std::signal(SIGINT, SIG_DFL);
  std::signal(SIGTERM, SIG_DFL);
}

bool InterruptGuard::interrupted() const { return g_interrupts > 0; }

}  // namespace spate
