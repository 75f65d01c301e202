// SPDX-License-Identifier: Apache-2.0
#include "plugins/process_state.h"

#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <clocale>
#include <cstdlib>
#include <cstring>

#include "plugins/library.h"

namespace potluck {

namespace {

// caffe2::TypeMeta, which these take and return, is a class of one 16-bit number and goes as such.
constexpr char kGetDefaultType[] = "_ZN3c1017get_default_dtypeEv";
constexpr char kSetDefaultType[] = "_ZN3c1017set_default_dtypeEN6caffe28TypeMetaE";

struct DefaultTypeFunctions {
  uint16_t (*get)() = nullptr;
  void (*set)(uint16_t) = nullptr;
};

/// Asked for once LibTorch has been opened, which never goes again; before that each time.
const DefaultTypeFunctions* default_type_functions() {
  static std::atomic<const DefaultTypeFunctions*> found{nullptr};
  if (const DefaultTypeFunctions* known = found.load(std::memory_order_acquire)) return known;
  const auto get = libtorch_function(kGetDefaultType);
  const auto set = libtorch_function(kSetDefaultType);
  if (get == nullptr || set == nullptr) return nullptr;
  static const DefaultTypeFunctions functions = {reinterpret_cast<uint16_t (*)()>(get),
                                                 reinterpret_cast<void (*)(uint16_t)>(set)};
  found.store(&functions, std::memory_order_release);
  return &functions;
}

bool same_file(const struct stat& one, const struct stat& other) {
  return one.st_dev == other.st_dev && one.st_ino == other.st_ino;
}

bool same_action(const struct sigaction& one, const struct sigaction& other) {
  return one.sa_handler == other.sa_handler && one.sa_flags == other.sa_flags;
}

bool same_signals(const sigset_t& one, const sigset_t& other) {
  for (int signal = 1; signal < NSIG; ++signal) {
    if (sigismember(&one, signal) != sigismember(&other, signal)) return false;
  }
  return true;
}

template <typename Timer>
bool ticks(Timer which) {
  itimerval timer = {};
  return getitimer(which, &timer) == 0 && (timer.it_value.tv_sec != 0 || timer.it_value.tv_usec != 0);
}

std::vector<int> open_descriptors() {
  std::vector<int> open;
  DIR* const folder = opendir("/proc/self/fd");
  if (folder == nullptr) return open;
  while (const dirent* entry = readdir(folder)) {
    const int descriptor = std::atoi(entry->d_name);
    if (entry->d_name[0] != '.' && descriptor != dirfd(folder)) open.push_back(descriptor);
  }
  closedir(folder);
  return open;
}

}  // namespace

std::optional<DefaultType> DefaultType::now() {
  const DefaultTypeFunctions* const functions = default_type_functions();
  if (functions == nullptr) return std::nullopt;
  return DefaultType(functions->get());
}

void DefaultType::restore() const {
  const DefaultTypeFunctions* const functions = default_type_functions();
  if (functions->get() != type_) functions->set(type_);
}

ProcessState::ProcessState()
    : folder_(open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)),
      umask_(umask(077)),
      c_locale_(std::setlocale(LC_ALL, nullptr)),
      thread_locale_(uselocale(nullptr)),
      type_(DefaultType::now()) {
  umask(umask_);
  for (size_t i = 0; i < kSignals.size(); ++i) sigaction(kSignals[i], nullptr, &actions_[i]);
  pthread_sigmask(SIG_SETMASK, nullptr, &mask_);
  for (size_t i = 0; i < kTimers.size(); ++i) ticking_[i] = ticks(kTimers[i]);
}

ProcessState::~ProcessState() {
  if (folder_ >= 0) close(folder_);
}

bool ProcessState::in_folder() const {
  struct stat was, is;
  if (folder_ < 0 || fstat(folder_, &was) != 0) return true;  // there is none to go back to
  return stat(".", &is) == 0 && same_file(was, is);
}

bool ProcessState::has_locale() const {
  return c_locale_ == std::setlocale(LC_ALL, nullptr) && uselocale(nullptr) == thread_locale_ &&
         std::locale() == locale_;
}

bool ProcessState::has_mask() const {
  sigset_t mask;
  pthread_sigmask(SIG_SETMASK, nullptr, &mask);
  return same_signals(mask, mask_);
}

bool ProcessState::is_now() const {
  const mode_t mode = umask(umask_);
  umask(mode);
  if (mode != umask_ || !in_folder() || !has_locale() || !has_mask()) return false;
  for (size_t i = 0; i < kSignals.size(); ++i) {
    struct sigaction action;
    sigaction(kSignals[i], nullptr, &action);
    if (!same_action(action, actions_[i])) return false;
  }
  for (size_t i = 0; i < kTimers.size(); ++i)
    if (ticks(kTimers[i]) != ticking_[i]) return false;
  const auto type = DefaultType::now();
  return !type_ || !type || *type == *type_;
}

std::vector<std::string> ProcessState::restore() const {
  std::vector<std::string> changed;
  if (!in_folder() && fchdir(folder_) == 0) changed.push_back("the working folder");
  if (umask(umask_) != umask_) changed.push_back("the mode of new files");
  if (!has_locale()) {
    std::locale::global(locale_);
    std::setlocale(LC_ALL, c_locale_.c_str());
    uselocale(thread_locale_);
    changed.push_back("the locale");
  }
  bool signals = false;
  for (size_t i = 0; i < kSignals.size(); ++i) {
    struct sigaction action;
    sigaction(kSignals[i], nullptr, &action);
    if (same_action(action, actions_[i])) continue;
    sigaction(kSignals[i], &actions_[i], nullptr);
    signals = true;
  }
  if (!has_mask()) {
    pthread_sigmask(SIG_SETMASK, &mask_, nullptr);
    signals = true;
  }
  bool timers = false;
  for (size_t i = 0; i < kTimers.size(); ++i) {
    if (ticking_[i] || !ticks(kTimers[i])) continue;
    const itimerval stopped = {};
    setitimer(kTimers[i], &stopped, nullptr);
    timers = true;
  }
  if (timers) changed.push_back("a timer");
  if (signals) changed.push_back("what signals do");
  if (const auto type = DefaultType::now(); type_ && type && *type != *type_) {
    type_->restore();
    changed.push_back("LibTorch's default type");
  }
  return changed;
}

void ProcessState::restore_mode_of_files() const { umask(umask_); }

OpenDescriptors::OpenDescriptors() : OpenDescriptors(open_descriptors()) {}

OpenDescriptors::OpenDescriptors(const std::vector<int>& among) {
  for (const int descriptor : among) {
    struct stat file;
    if (fstat(descriptor, &file) == 0) known_.push_back({descriptor, file.st_dev, file.st_ino});
  }
}

std::vector<int> OpenDescriptors::lost() const {
  std::vector<int> lost;
  for (const Known& known : known_) {
    struct stat file;
    if (fstat(known.descriptor, &file) != 0 || file.st_dev != known.device || file.st_ino != known.file) {
      lost.push_back(known.descriptor);
    }
  }
  return lost;
}

}  // namespace potluck
