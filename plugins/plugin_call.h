// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>

namespace potluck {

/// A call into a plugin that is under way. The texts live at least as long as the call.
struct PluginCall {
  const char* plugin;   ///< id, "acme.ising"
  const char* version;  ///< "1.2.0"
  const char* model;    ///< "acme.ising.pairs"; null where the call is not of one model
  const char* call;     ///< "evaluate"
};

/// From construction to destruction, this thread is in a call of a plugin. What ends or crashes the process meanwhile
/// can be said to be that call's doing. The cost is that of a few stores.
///
/// A plugin may fork in a call. The copy of the process that comes back from it is not the host: it would write to the
/// host's files and answer in its place. It is ended here, and the host is told (check_for_strays()).
class PluginCallScope {
 public:
  explicit PluginCallScope(const PluginCall& call);
  ~PluginCallScope();
  PluginCallScope(const PluginCallScope&) = delete;
  PluginCallScope& operator=(const PluginCallScope&) = delete;

 private:
  PluginCall call_;
  const PluginCall* before_;
};

/// @throws ModelFault where a process that a plugin had forked came back from a call since this process began.
void check_for_strays();

/// Where a child process notes its calls, in memory that its parent sees too. The text is a literal of the program,
/// which stands at one address in both.
struct CallNote {
  std::atomic<const char*> call{nullptr};  ///< the call that was entered last, while a thread is in one
  std::atomic<int> inside{0};              ///< calls that are under way, those within others too
  std::atomic<bool> report_closed{false};  ///< the child could not report what it had found
};

/// From now on this process notes its calls there. For children, whose end their parent tells of.
void note_calls(CallNote* note);

/// Sees each call of a plugin on its way in and out, before the host puts anything right behind it.
class CallWatcher {
 public:
  virtual ~CallWatcher() = default;
  virtual void entering(const char* call) = 0;
  virtual void left(const char* call) = 0;
};

/// From now on this one watches, or nobody (null). For processes in which one thread calls plugins.
void watch_calls(CallWatcher* watcher);

/// Within a PluginCallScope: the call itself, from entering() to left().
class WatchedCall {
 public:
  WatchedCall();
  ~WatchedCall();
  WatchedCall(const WatchedCall&) = delete;
  WatchedCall& operator=(const WatchedCall&) = delete;
};

/// Says that this process is a host of its own, and not one that a plugin forked: for children that Potluck starts.
void become_host();

// What follows may be asked in a signal handler.

/// The innermost call of this thread, or null.
const PluginCall* call_of_this_thread() noexcept;
/// Whether this thread has called plugins: others that are in a plugin's code were started by it, or by a library.
bool this_thread_calls_plugins() noexcept;
/// The call that some thread is in, or null.
const PluginCall* call_of_any_thread() noexcept;

}  // namespace potluck
