// SPDX-License-Identifier: Apache-2.0
#include "plugins/plugin_call.h"

#include <fmt/format.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstring>

#include "core/error.h"
#include "plugins/model_fault.h"

namespace potluck {

namespace {

constexpr size_t kPage = 4096;

/// A page that is zero again in every process that is forked off this one, however that is done.
struct HostPage {
  std::atomic<bool> host;
};

/// A page that this process shares with those that are forked off it. The texts of a call stand at one address in all.
struct StrayPage {
  std::atomic<bool> came_back;
  PluginCall from;
};

void* new_page(int sharing) {
  void* const page = mmap(nullptr, kPage, PROT_READ | PROT_WRITE, sharing | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) throw PluginError(fmt::format("no memory for a call of a plugin: {}", std::strerror(errno)));
  return page;
}

struct Pages {
  HostPage* host;
  StrayPage* strays;
};

Pages make_pages() {
  void* const host = new_page(MAP_PRIVATE);
  // A kernel older than 4.14 cannot: there a forked process passes for the host.
  if (madvise(host, kPage, MADV_WIPEONFORK) != 0) errno = 0;
  const Pages pages = {new (host) HostPage{true}, new (new_page(MAP_SHARED)) StrayPage{}};
  return pages;
}

/// Never unmapped: calls are made until the process has ended.
Pages& pages() {
  static Pages all = make_pages();
  return all;
}

/// The call that a thread is in. Readable by any thread while its thread lives.
struct ThreadCalls {
  std::atomic<const PluginCall*> now{nullptr};
  std::atomic<bool> known{false};
};
constinit thread_local ThreadCalls thread_calls;

/// More threads than a run has; those beyond are not found by call_of_any_thread().
std::array<std::atomic<const ThreadCalls*>, 1024> all_threads;

/// A handler has no room on a stack that has overflowed: it gets one of its own.
class HandlerStack {
 public:
  HandlerStack() {
    stack_t before{};
    if (sigaltstack(nullptr, &before) != 0 || (before.ss_flags & SS_DISABLE) == 0) return;
    void* const memory = mmap(nullptr, kBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) return;
    stack_.ss_sp = memory;
    stack_.ss_size = kBytes;
    sigaltstack(&stack_, nullptr);
  }
  ~HandlerStack() {
    if (stack_.ss_sp == nullptr) return;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
    munmap(stack_.ss_sp, kBytes);
  }
  HandlerStack(const HandlerStack&) = delete;
  HandlerStack& operator=(const HandlerStack&) = delete;

 private:
  static constexpr size_t kBytes = size_t{1} << 16;
  stack_t stack_{};
};

/// Enters a thread into the list for as long as it lives.
class KnownThread {
 public:
  KnownThread() {
    thread_calls.known = true;
    for (std::atomic<const ThreadCalls*>& place : all_threads) {
      const ThreadCalls* free = nullptr;
      if (!place.compare_exchange_strong(free, &thread_calls)) continue;
      place_ = &place;
      return;
    }
  }
  ~KnownThread() {
    if (place_ != nullptr) *place_ = nullptr;
  }
  KnownThread(const KnownThread&) = delete;
  KnownThread& operator=(const KnownThread&) = delete;

 private:
  HandlerStack stack_;
  std::atomic<const ThreadCalls*>* place_ = nullptr;
};

std::atomic<CallNote*> call_note{nullptr};  ///< null: nobody wants to know

std::atomic<CallWatcher*> call_watcher{nullptr};  ///< null: nobody watches

void note_begin(const PluginCall& call) {
  CallNote* const note = call_note.load(std::memory_order_relaxed);
  if (note == nullptr) return;
  ++note->inside;
  note->call = call.call;
}

void note_end(const PluginCall* before) {
  CallNote* const note = call_note.load(std::memory_order_relaxed);
  if (note == nullptr) return;
  if (--note->inside == 0)
    note->call = nullptr;
  else if (before != nullptr)
    note->call = before->call;
}

void get_known() { static thread_local const KnownThread known; }

}  // namespace

PluginCallScope::PluginCallScope(const PluginCall& call) : call_(call) {
  pages();
  if (!thread_calls.known.load(std::memory_order_relaxed)) get_known();
  before_ = thread_calls.now.load(std::memory_order_relaxed);
  thread_calls.now.store(&call_, std::memory_order_release);
  note_begin(call_);
}

PluginCallScope::~PluginCallScope() {
  if (!pages().host->host.load(std::memory_order_relaxed)) {
    StrayPage& strays = *pages().strays;
    strays.from = call_;
    strays.came_back.store(true, std::memory_order_release);
    _exit(0);
  }
  thread_calls.now.store(before_, std::memory_order_release);
  note_end(before_);
}

void check_for_strays() {
  const StrayPage& strays = *pages().strays;
  if (!strays.came_back.load(std::memory_order_acquire)) return;
  const PluginCall& from = strays.from;
  throw ModelFault(
      fmt::format("{}'{}' ({} {}) forked in {}, and the new process came back from the call. It was ended. A plugin "
                  "that starts a process must end it there, with _exit() where exec fails",
                  from.model != nullptr ? "model " : "plugin ", from.model != nullptr ? from.model : from.plugin,
                  from.plugin, from.version, from.call));
}

void watch_calls(CallWatcher* watcher) { call_watcher.store(watcher); }

WatchedCall::WatchedCall() {
  if (CallWatcher* const watcher = call_watcher.load(std::memory_order_relaxed))
    watcher->entering(call_of_this_thread()->call);
}

WatchedCall::~WatchedCall() {
  if (CallWatcher* const watcher = call_watcher.load(std::memory_order_relaxed))
    watcher->left(call_of_this_thread()->call);
}

void note_calls(CallNote* note) { call_note.store(note); }

void become_host() {
  if (pages().host->host.load(std::memory_order_relaxed)) return;
  pages() = make_pages();
}

const PluginCall* call_of_this_thread() noexcept { return thread_calls.now.load(std::memory_order_acquire); }

bool this_thread_calls_plugins() noexcept { return thread_calls.known.load(std::memory_order_relaxed); }

const PluginCall* call_of_any_thread() noexcept {
  for (const std::atomic<const ThreadCalls*>& place : all_threads) {
    const ThreadCalls* const thread = place.load(std::memory_order_acquire);
    if (thread == nullptr) continue;
    if (const PluginCall* const call = thread->now.load(std::memory_order_acquire)) return call;
  }
  return nullptr;
}

}  // namespace potluck
