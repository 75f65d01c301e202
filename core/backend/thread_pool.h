// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace potluck {

/// Threads that share out numbered pieces of work. Worker 0 is the thread that calls. Work that comes again within
/// microseconds finds the others awake: they look for it a while before they sleep.
class ThreadPool {
 public:
  /// Starts `workers` - 1 threads. Where the machine refuses one (a limit on processes, no memory for its stack) there
  /// are as many as it gave: workers() says how many.
  explicit ThreadPool(int workers);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int workers() const { return static_cast<int>(threads_.size()) + 1; }

  /// Calls work(piece, worker) for every piece, each once, and returns when all are done. The first exception is
  /// thrown again here after the others have finished; pieces not yet begun are then left out.
  void run(int64_t pieces, const std::function<void(int64_t piece, int worker)>& work);

 private:
  /// Returns once `done` holds or it is time to sleep.
  template <class Done>
  static void look_for(Done done);
  void serve(int worker);
  void take_pieces(int worker);

  std::vector<std::thread> threads_;
  std::mutex mutex_;
  std::condition_variable wake_, finished_;
  std::atomic<uint64_t> round_{0};  ///< these three change under the mutex
  std::atomic<int> busy_{0};
  std::atomic<bool> closing_{false};
  const std::function<void(int64_t, int)>* work_ = nullptr;
  std::atomic<int64_t> next_{0};
  int64_t pieces_ = 0;
  std::exception_ptr failure_;
};

/// Threads that this process may use: a container's share rather than the machine's.
int usable_threads();

/// How many threads at most a process may have that is to have `wanted`: it starts them, and ends them again. They are
/// taken as they are now; other processes of the user may take or leave some.
int startable_threads(int wanted);

}  // namespace potluck
