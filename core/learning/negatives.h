// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "core/chains/chains.h"
#include "core/learning/batch.h"
#include "core/methods/method.h"
#include "core/sampling/start/start.h"
#include "core/state_archive.h"

namespace potluck {

/// How the negatives of an update are drawn.
struct NegativeOptions {
  MethodChoice method;  ///< without blocks; labels that move are drawn by gibbs beside it
  int64_t steps = 20;   ///< of an update
  enum class Start : uint8_t {
    kNoise,  ///< uniform in bounded supports, standard normal elsewhere
    kData    ///< at the data of the update
  };
  Start start = Start::kNoise;     ///< where a chain begins that begins anew
  int64_t buffer = 10'000;         ///< chains that go on where they stood; 0: every chain begins anew in each update
  double restart = 0.05;           ///< share of the buffer's chains that begin anew
  std::vector<size_t> conditions;  ///< categorical variables that stay as the data had them where a chain began
  std::vector<Held> held;          ///< one per variable
  uint32_t seed = 1;
  int threads = 1;
};

/// Draws of the model for contrastive divergence: a chain for each row of a batch, moved by a method of runs.
///
/// A buffer has the states of many chains (persistent contrastive divergence, Tieleman 2008; a replay buffer, Du &
/// Mordatch 2019). Updates take its chains in turn, so that all of them age alike: row r of update u is chain
/// (u rows + r) mod buffer. Chains that failed begin anew when it is their turn. Which of the others do is a function
/// of seed, update and row, and so is the noise of their steps.
class Negatives {
 public:
  /// @param energy  outlives the object, and is made for chains (most_rows_of_run())
  /// @param rows    of a batch
  /// @throws SettingError where the method cannot move these variables as a training needs it
  Negatives(const Energy& energy, int64_t rows, NegativeOptions options);

  /// Moves the chains of an update. @param data  rows of that update
  /// @throws NumericalError where all of them failed
  void draw(int64_t update, const Batch& data);

  const Batch& states() const { return states_; }  ///< [rows], of the last update
  bool failed(int64_t row) const { return failed_[static_cast<size_t>(row)] != 0; }
  bool any() const { return drawn_; }              ///< draw() was called, in this process or before
  double restarted() const { return restarted_; }  ///< share of the last update's chains

  void persist(StateArchive& archive);

 private:
  int64_t slot(int64_t update, int64_t row) const { return (update * states_.rows() + row) % buffer_.rows(); }
  bool begins_anew(int64_t update, int64_t row) const;
  void place(int64_t update, const Batch& data);
  void place_noise(int64_t update, int64_t row);
  void move(int64_t update);
  void keep(int64_t update);

  const Energy& energy_;
  const NegativeOptions options_;
  std::unique_ptr<Method> method_;
  std::unique_ptr<Chains> chains_;
  std::unique_ptr<Start> noise_;
  std::vector<std::byte> untouched_;  ///< the chains before anything happened to them
  ChainsState state_;
  Batch states_, buffer_;
  std::vector<uint8_t> failed_;  ///< [rows]
  std::vector<uint8_t> filled_;  ///< [buffer]
  bool drawn_ = false;
  double restarted_ = 0;
};

}  // namespace potluck
