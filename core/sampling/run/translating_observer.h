// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "core/sampling/run/run.h"

namespace potluck {

/// Stands between a run in coordinates of its own and those who observe it: they see draws in the user's coordinates,
/// and all else as it comes. The chains' part of a checkpoint is in the run's coordinates, where the run goes on.
class TranslatingObserver : public Observer {
 public:
  void began(const Beginning& beginning) final {
    for (Observer* observer : observers_) observer->began(beginning);
  }
  void drew(const Draw& draw) final {
    seen_ = draw;
    translate(seen_);
    for (Observer* observer : observers_) observer->drew(seen_);
  }
  void record(const Draw&) final {
    for (Observer* observer : observers_) observer->record(seen_);
  }
  void progressed(const Progress& progress) final {
    for (Observer* observer : observers_) observer->progressed(progress);
  }
  void checkpointed(std::span<const std::byte> state, int64_t draws) final {
    for (Observer* observer : observers_) observer->checkpointed(state, draws);
  }

 protected:
  explicit TranslatingObserver(std::span<Observer* const> observers) : observers_(observers) {}

 private:
  /// Points what is changed of a draw to arrays of this object, which stay until the next.
  virtual void translate(Draw& draw) = 0;

  std::span<Observer* const> observers_;
  Draw seen_;  ///< the last draw
};

}  // namespace potluck
