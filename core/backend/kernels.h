// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <span>

#include "core/backend/group.h"
#include "core/random/philox.h"

namespace potluck {

/// One piece of a splitting of Langevin dynamics (Leimkuhler & Matthews 2013), with the scale s of the metric and g the
/// gradient of the state that is read:
struct Piece {
  enum class Kind : uint8_t {
    kKick,     ///< B: v <- v - amount s g
    kDrift,    ///< A: x <- fold(x + amount s v), v changes sign with every fold
    kRefresh,  ///< O: v <- amount v + noise z; held coordinates get v = 0
    kKinetic,  ///< log_ratio += amount |v|^2 / 2
    kWatch     ///< first of the pieces: Group::left is set where the energy at the proposal, behind the piece before,
               ///< is kDivergence T above where the trajectory began
  };
  Kind kind = Kind::kRefresh;
  double amount = 0;
  double noise = 0;
  Purpose purpose = Purpose::kMomentum;
};

/// No splitting has more pieces between two evaluations.
inline constexpr int kMostPieces = 8;

/// For Kernels::split. @throws SettingError where there are more.
void check_pieces(std::span<const Piece> pieces);

/// The moves that methods are made of, for a group of chains. One implementation a device; both are made of the
/// elements of core/random/element.h. `step` counts from the first step of the warm-up and addresses the noise. Frozen
/// rows and held coordinates stay as they are. Moves count what they fold back at a face.
///
/// With a scale s the coordinates are u = x / s: drift is multiplied by s^2 and noise by s. Where Group has row_step
/// and row_temperature, step sizes and noises are those of the row.
class Kernels {
 public:
  virtual ~Kernels() = default;

  /// Freezes the rows whose current energy or gradient is not finite, and counts the |gradient|^2 and the energies of
  /// the others: a step that proposes nothing ends with it.
  virtual void freeze_failed(Group& group, uint32_t step) const = 0;

  /// x <- fold(x - drift g + noise z)
  virtual void langevin(Group& group, uint32_t step, double drift, double noise) const = 0;

  /// freeze_failed() of the step before, then langevin(): in one pass over the gradients where a backend can.
  virtual void checked_langevin(Group& group, uint32_t step, double drift, double noise) const {
    freeze_failed(group, step - 1);
    langevin(group, step, drift, noise);
  }

  /// x <- x - drift clip(g) + noise z, then put on the face (clamp) or reflected; counts what was clipped.
  virtual void clipped_langevin(Group& group, uint32_t step, double drift, double noise, double clip,
                                bool clamp) const = 0;

  /// y' = x - drift g + noise z into `unfolded`, y = fold(y') into `proposal`.
  virtual void propose_langevin(Group& group, uint32_t step, double drift, double noise) const = 0;

  /// x <- fold(x + amount g) in the free coordinates that do not stay (Block::stays): a step of the probability flow
  /// from one level of noise to the next, amount = (sigma' - sigma) sigma. Of blocks that are told which those are.
  virtual void flow(Group& group, double amount) const = 0;

  /// x <- fold(given + deviation z) in the group's noisy givens, z of purpose kGiven, in frozen rows too. With
  /// deviation 0 they are what is given to the bit.
  virtual void blur_given(Group& group, uint32_t step, double deviation) const = 0;

  /// log_ratio += <x - y', g_x + s g_y>/2 + step_size (|g_y|^2 - |g_x|^2)/4, the proposal of propose_langevin against
  /// its way back, in the unfolded space.
  virtual void add_langevin_ratio(Group& group, double step_size) const = 0;

  /// The pieces in their order, from one state's position, gradient and velocity into another's position and velocity;
  /// both may be the same. A velocity that the first piece refreshes whole (amount 0) is not read.
  /// @throws SettingError for more than kMostPieces
  virtual void split(Group& group, uint32_t step, State from, State to, std::span<const Piece> pieces) const = 0;

  /// log_ratio <- 0
  virtual void clear_ratio(Group& group) const = 0;

  /// Accepts each row's proposal with probability min(1, a),
  ///   log a = (E(x) - E(y) - log_ratio)/T.
  /// A proposal at +infinity is rejected as a divergence. So is one that is not a number where an overflow made it one:
  /// its trajectory had left (Group::left), or an expert is at +infinity and another one's energy or share took that
  /// away. Any other that is not a number is rejected and counted. Accepted rows take over position, gradient, energies
  /// and, where they live on, velocities; with `flip` a rejected row's velocity changes sign. Counts acceptance, energy
  /// error, divergences and the |gradient|^2 and energies of the state that a row then is in; clears Group::left.
  virtual void decide(Group& group, uint32_t step, bool flip) const = 0;

  /// v <- v / |v| over all blocks.
  virtual void normalise_velocity(Group& group, State state) const = 0;

  /// The exact flow of the isokinetic kick for a time (Robnik, De Luca, Silverstein & Seljak 2023, eq. 21), g of one
  /// state, v of one, unit vectors in d = group.dimension coordinates:
  ///   e = -s g/|s g|, delta = time |s g| / (T (d - 1)),
  ///   v <- (v + e (sinh delta + (e.v)(cosh delta - 1))) / (cosh delta + (e.v) sinh delta)
  ///   log_ratio += T (d - 1) log(cosh delta + (e.v) sinh delta)
  virtual void isokinetic_kick(Group& group, State gradient, State velocity, double time) const = 0;

  /// Around an unadjusted step whose kinetic changes go to log_ratio: log_ratio <- -E before it; after it the square of
  /// (log_ratio + E)/T is counted as its energy error.
  virtual void begin_energy_error(Group& group) const = 0;
  virtual void end_energy_error(Group& group) const = 0;

  /// trajectory_slope += a (reach D <y - m, v_y> - D^2 / 4), D = |y - m|^2 - |x - m|^2, with a the probability of
  /// acceptance that decide will find, everything in coordinates u and m the blocks' centres. Where reach = t / p, t
  /// the time of the trajectory, this is the slope, in log t, of C(t) / t^p but for a positive factor, C the ChEES
  /// criterion D^2/4 (Hoffman, Radul & Sountsov 2021, eq. 5). Call before decide.
  virtual void add_trajectory_slope(Group& group, double reach) const = 0;

  /// Proposes to every second pair of neighbouring rungs, (0, 1), (2, 3), ... or with `odd` (1, 2), (3, 4), ..., to
  /// exchange their states, and does so with probability min(1, a),
  ///   log a = (1/T_r - 1/T_{r+1}) (E_r - E_{r+1})
  /// Positions, gradients and energies change places; velocities stay with their temperature, which is as exact. A pair
  /// with a frozen row stays as it is. Counts attempts, acceptance and round trips.
  virtual void swap(Group& group, uint32_t step, bool odd) const = 0;

  /// proposal <- label, of one of the group's label blocks. Between two draws of labels they are the same.
  virtual void begin_labels(Group& group, const LabelBlock& labels) const = 0;
  /// proposal[row, element] <- category in all rows.
  virtual void offer_label(Group& group, const LabelBlock& labels, int64_t element, int64_t category) const = 0;
  /// Draws label[row, element] from P(k) = exp(-E_k/T) / sum of all, E_k in category_energy, which is used up, by one
  /// uniform and the inverse of the cumulated probabilities: core/backend/rows/labels.h. A row of which some E_k is
  /// NaN or -infinity takes that label and freezes there. The bits are the same on all devices where the E_k are.
  virtual void draw_label(Group& group, const LabelBlock& labels, int64_t element, uint32_t step) const = 0;
};

}  // namespace potluck
