// SPDX-License-Identifier: Apache-2.0
#include "apps/process/own_stack.h"

#include <pthread.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <ucontext.h>

#include <algorithm>
#include <cstddef>

namespace potluck {
namespace {

// Energies that are nested 500 deep take 2 MB; what most systems give is taken for enough.
constexpr size_t kEnough = size_t{8} << 20, kEnoughOfThread = size_t{2} << 20;

/// Whether the stack of this thread, which grows as it is used, may become large enough.
bool may_grow() {
  rlimit limit = {RLIM_INFINITY, RLIM_INFINITY};
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur >= kEnough) return true;
  limit.rlim_cur = std::min<rlim_t>(limit.rlim_max, kEnough);
  return setrlimit(RLIMIT_STACK, &limit) == 0 && limit.rlim_cur >= kEnough;
}

/// By default they have what the limit was as the process began.
void give_threads_enough() {
  pthread_attr_t attributes;
  if (pthread_getattr_default_np(&attributes) != 0) return;
  size_t size = 0;
  if (pthread_attr_getstacksize(&attributes, &size) == 0 && size < kEnoughOfThread &&
      pthread_attr_setstacksize(&attributes, kEnoughOfThread) == 0)
    pthread_setattr_default_np(&attributes);
  pthread_attr_destroy(&attributes);
}

struct Call {
  const std::function<int()>* work = nullptr;
  int result = 0;
  ucontext_t before, within;
};

Call* call = nullptr;  // makecontext() hands on numbers only

void enter() { call->result = (*call->work)(); }

}  // namespace

int run_on_enough_stack(const std::function<int()>& work) {
  give_threads_enough();
  if (may_grow()) return work();
  void* const stack =
      mmap(nullptr, kEnough, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);
  Call own;
  if (stack == MAP_FAILED || getcontext(&own.within) != 0) return work();
  own.work = &work;
  own.within.uc_stack.ss_sp = stack;
  own.within.uc_stack.ss_size = kEnough;
  own.within.uc_link = &own.before;
  call = &own;
  makecontext(&own.within, enter, 0);
  const bool done = swapcontext(&own.before, &own.within) == 0;
  call = nullptr;
  return done ? own.result : work();  // what stands on that stack stays until the process ends
}

}  // namespace potluck
