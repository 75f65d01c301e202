// SPDX-License-Identifier: Apache-2.0
// What belongs to the whole process, and is no model's to change.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <xmmintrin.h>

#include <algorithm>
#include <cfenv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <optional>
#include <thread>

#include "plugins/child_process.h"
#include "plugins/conformance/checks.h"
#include "plugins/conformance/learner.h"
#include "plugins/plugin_call.h"
#include "plugins/process_state.h"

namespace potluck::conformance {

namespace {

/// Rounding, flush-to-zero and traps of this thread: MXCSR but for the six bits that say what has happened.
struct FloatingPointMode {
  unsigned int bits = _mm_getcsr() & ~0x3fu;
  int rounding = std::fegetround();
  bool operator==(const FloatingPointMode&) const = default;
};

std::vector<std::string> environment() {
  std::vector<std::string> all;
  for (char** one = environ; one != nullptr && *one != nullptr; ++one) {
    const std::string text = *one;
    if (!text.starts_with("__KMP_")) all.push_back(text);  // a runtime of OpenMP notes there that it is loaded
  }
  return all;
}

/// Soft and hard limits, one after the other, and the priority.
std::vector<uint64_t> limits() {
  std::vector<uint64_t> all = {static_cast<uint64_t>(getpriority(PRIO_PROCESS, 0) + 20)};
  for (int which = 0; which < static_cast<int>(RLIM_NLIMITS); ++which) {
    if (which == RLIMIT_CORE) continue;  // a child is made to leave none
    rlimit limit = {};
    getrlimit(static_cast<__rlimit_resource>(which), &limit);
    all.insert(all.end(), {limit.rlim_cur, limit.rlim_max});
  }
  return all;
}

/// What a process gives to those that it starts.
struct Inherited {
  std::vector<std::string> environment;
  std::vector<uint64_t> limits;
};
Inherited of_host;

int64_t threads_of_process() {
  std::error_code none;
  const std::filesystem::directory_iterator tasks("/proc/self/task", none);
  return none ? 0 : std::distance(begin(tasks), end(tasks));
}

/// The standard output or the standard error stream of this process, which is led into memory.
class Printed {
 public:
  explicit Printed(int descriptor) : memory_(memfd_create("potluck-printed", MFD_CLOEXEC)) {
    std::fflush(stdout);  // what the host had not yet printed as this process was forked
    if (memory_ >= 0) dup2(memory_, descriptor);
  }
  ~Printed() {
    if (memory_ >= 0) close(memory_);
  }
  Printed(const Printed&) = delete;
  Printed& operator=(const Printed&) = delete;

  /// Whether something was written since this was asked last.
  bool more() {
    const off_t end = memory_ >= 0 ? lseek(memory_, 0, SEEK_END) : 0;
    const bool more = end > seen_;
    seen_ = end;
    return more;
  }

 private:
  int memory_;
  off_t seen_ = 0;
};

/// Looks at the process before and behind each call of a plugin. What can be put right is.
class ProcessWatch final : public CallWatcher {
 public:
  ProcessWatch() : output_(STDOUT_FILENO), errors_(STDERR_FILENO) { watch_calls(this); }
  ~ProcessWatch() override { watch_calls(nullptr); }
  ProcessWatch(const ProcessWatch&) = delete;
  ProcessWatch& operator=(const ProcessWatch&) = delete;

  void entering(const char*) override {
    state_.emplace();
    descriptors_.emplace();
    mode_ = {};
  }

  void left(const char* call) override {
    const FloatingPointMode mode;
    for (const std::string& one : state_->restore()) note(one, call);
    // That of evaluate has a check of its own.
    if (mode != mode_ && std::string(call) != "evaluate") note("the floating-point mode", call);
    if (environment() != known_.environment) note("the environment", call);
    if (limits() != known_.limits) note("priority or limits", call);
    known_ = {environment(), limits()};
    if (const std::vector<int> lost = descriptors_->lost(); !lost.empty())
      note(fmt::format("descriptors that others had opened ({})", fmt::join(lost, ", ")), call);
    std::fflush(stdout);
    if (output_.more()) note("what stands on the standard output", call);
    if (errors_.more()) note("what stands on the standard error stream", call);
  }

  /// "the working folder (create), the locale (evaluate)", each once.
  const std::vector<std::string>& changes() const { return changes_; }
  void note(const std::string& what, const std::string& where) {
    const std::string change = fmt::format("{} ({})", what, where);
    if (std::find(changes_.begin(), changes_.end(), change) == changes_.end()) changes_.push_back(change);
  }

 private:
  Printed output_, errors_;
  std::optional<ProcessState> state_;
  std::optional<OpenDescriptors> descriptors_;
  FloatingPointMode mode_;
  Inherited known_ = of_host;  // models were created here before this watch began
  std::vector<std::string> changes_;
};

/// Every call that the model has, from its creation to its end.
void call_everything(const Subject& subject) {
  const potluck_model_kind& table = *subject.kind().table;
  const Model model = subject.create();
  const Batch batch = subject.points(model, 37, 140);
  evaluate(model, batch);
  energies(model, batch);
  log_normaliser(model, batch);
  Arrays open(model, repeated(model, batch, 0, 1));
  for (size_t i = 0; i < batch.values.size(); ++i)
    if (!subject.kind().inputs[i].parent && !subject.kind().inputs[i].categorical) open.pointers()[i] = nullptr;
  model.quadratic(open.pointers());
  if (model.facts().draw_uniforms > 0) draw(model, batch, subject.uniforms(37 * model.facts().draw_uniforms, 141));
  for (size_t i = 0; i < batch.values.size(); ++i)
    if (subject.slots()[i].categories > 0) category_energies(model, batch, i);
  if (table.parameters == nullptr || table.parameter_gradient == nullptr) return;
  Learner learner(subject, subject.best_precision());
  const Lesson lesson = learner.lesson(37, 142);
  if (!learner.learns() || lesson.batch.rows == 0) return;
  for (const Sought sought : {Sought{true, false}, Sought{true, true}}) learner.gradient(lesson, sought);
  for (size_t p = 0; p < learner.parameters().size(); ++p)
    if (learner.parameters()[p].trainable) return learner.move(p, 0, number_of(learner.parameters()[p], 0));
}

/// What a model leaves to be done as the process ends, such as handlers of atexit(), is done in a child.
std::string end_of_process(const Subject& subject) {
  const ChildEnd end = run_in_child_process(
      [&](const ChildReport&) {
        call_everything(subject);
        std::exit(0);
      },
      subject.patience());
  if (!end.in_time) return "it did not end";
  return end.signal != 0 && end.call.empty() ? "it crashed (" + signal_text(end.signal) + ")" : "";
}

/// Whether more threads run than `before`. One that has ended may be listed for a moment.
bool more_threads_than(int64_t before) {
  for (int look = 0; look < 100 && threads_of_process() > before; ++look)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return threads_of_process() > before;
}

}  // namespace

void remember_host() { of_host = {environment(), limits()}; }

Finding check_process_is_left_alone(const Subject& subject) {
  constexpr const char* kAdvice =
      "The process is the host's: set none of it, in no call, print nothing, and end threads in destroy()";
  const int64_t threads = threads_of_process();
  ProcessWatch watch;
  const auto finding = [&] {
    return failed(fmt::format("the process must be as it was before a call, got changes of: {}",
                              fmt::join(watch.changes(), ", ")),
                  kAdvice);
  };
  try {
    call_everything(subject);
  } catch (const FailedCheck& failure) {
    if (watch.changes().empty())
      return not_applicable(fmt::format("a call fails for another reason: {}", failure.what()));
    return finding();
  } catch (...) {
    if (watch.changes().empty()) throw;
    return finding();
  }
  // A library that a plugin is linked with may have threads of its own for as long as the process lives.
  if (subject.kind().plugin_torch == "none" && more_threads_than(threads))
    watch.note("the threads that run", "after destroy");
  if (!watch.changes().empty()) return finding();
  if (const std::string wrong = end_of_process(subject); !wrong.empty())
    return failed(fmt::format("the process must end without a word once the model is destroyed, got: {}", wrong),
                  "Leave nothing to be done then: no atexit(), no destructor of a static object that needs others");
  return passed("folder, rights, locale, signals, timers, environment, limits, descriptors, threads and streams");
}

}  // namespace potluck::conformance
