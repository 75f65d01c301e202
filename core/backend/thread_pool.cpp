// SPDX-License-Identifier: Apache-2.0
#include "core/backend/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <chrono>
#include <new>
#include <system_error>
#include <utility>

namespace potluck {

namespace {

/// A step of a thousand small chains and the draw after it take less; waking a thread that sleeps takes as long.
constexpr std::chrono::microseconds kAwake{50};

/// Not std::this_thread::yield(), which on a busy machine gives a neighbour all of its time slice.
void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

}  // namespace

ThreadPool::ThreadPool(int workers) {
  threads_.reserve(static_cast<size_t>(std::max(0, workers - 1)));
  for (int worker = 1; worker < workers; ++worker) {
    try {
      threads_.emplace_back([this, worker] { serve(worker); });
    } catch (const std::system_error&) {
      return;  // those that were started do the work
    } catch (const std::bad_alloc&) {
      return;
    }
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : threads_) thread.join();
}

template <class Done>
void ThreadPool::look_for(Done done) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point until = Clock::now() + kAwake;
  while (!done() && Clock::now() < until) pause();
}

void ThreadPool::run(int64_t pieces, const std::function<void(int64_t, int)>& work) {
  const bool alone = pieces <= 1;  // the others sleep on
  {
    const std::lock_guard lock(mutex_);
    work_ = &work;
    pieces_ = pieces;
    next_ = 0;
    if (!alone) {
      busy_ = static_cast<int>(threads_.size());
      ++round_;
    }
  }
  if (!alone) wake_.notify_all();
  take_pieces(0);
  look_for([this] { return busy_ == 0; });
  std::unique_lock lock(mutex_);
  finished_.wait(lock, [this] { return busy_ == 0; });
  work_ = nullptr;
  if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
}

void ThreadPool::serve(int worker) {
  uint64_t seen = 0;
  while (true) {
    look_for([&] { return closing_ || round_ != seen; });
    {
      std::unique_lock lock(mutex_);
      wake_.wait(lock, [&] { return closing_ || round_ != seen; });
      if (closing_) return;
      seen = round_;
    }
    take_pieces(worker);
    {
      const std::lock_guard lock(mutex_);
      --busy_;
    }
    finished_.notify_one();
  }
}

void ThreadPool::take_pieces(int worker) {
  for (int64_t piece = next_++; piece < pieces_; piece = next_++) {
    try {
      (*work_)(piece, worker);
    } catch (...) {
      const std::lock_guard lock(mutex_);
      if (!failure_) failure_ = std::current_exception();
      next_ = pieces_;
    }
  }
}

int usable_threads() {
  cpu_set_t cores;
  if (sched_getaffinity(0, sizeof cores, &cores) != 0) return 1;
  return CPU_COUNT(&cores);
}

int startable_threads(int wanted) { return ThreadPool(wanted).workers(); }

}  // namespace potluck
