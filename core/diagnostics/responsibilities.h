// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace potluck {

/// One operator on energies. Its operands are numbers of values: those of the experts come first, then the results of
/// the operators before it.
struct EnergyOperator {
  enum class Kind {
    kSum,      ///< constant + sum_i number_i E_i
    kMixture,  ///< -log sum_i exp(number_i - E_i), number_i = log a_i - log Z_i
    kCeiling,  ///< -strength s(E), s(E) = -w log(exp(-E/w) + exp(-c/w)), w = softness
  };
  Kind kind = Kind::kSum;
  std::vector<int64_t> operands = {};
  std::vector<double> numbers = {};  ///< [operands]; none of kCeiling
  double constant = 0;
  double strength = 0, ceiling = 0, softness = 1;
};

/// A branch of a mixture in a composite.
struct WatchedBranch {
  std::string name;        ///< of its energy
  double weight = 0;       ///< a_i, those of a mixture sum to 1
  double log_z_error = 0;  ///< standard error of the log Z_i that it was given
};

/// A mixture in a composite, where the energies of its experts tell the responsibilities of its branches.
struct WatchedMixture {
  std::string name;
  int64_t result = 0;  ///< the operator that mixes: its operands are the branches
  std::vector<WatchedBranch> branches;
  int64_t parent = -1;         ///< the mixture that it stands in a branch of: its place in Mixtures::mixtures, or -1
  int64_t parent_branch = -1;  ///< that branch
  /// Empty: the expectation of each responsibility is the branch's weight, exactly. Else why it need not be.
  std::string unjudged;
};

/// The mixtures of a composite, in the order of the tree, and how the energies of its experts tell those of their
/// branches.
struct Mixtures {
  int64_t experts = 0;
  std::vector<EnergyOperator> operators;
  std::vector<WatchedMixture> mixtures;

  int64_t branches() const;  ///< of all mixtures
};

/// What share of a state each branch of each mixture is responsible for,
///
///   r_i(x) = a_i exp(-E_i(x)) / Z_i / sum_j a_j exp(-E_j(x)) / Z_j;
///
/// of a mixture inside a branch, times the responsibility of that branch. In float64.
class Responsibilities {
 public:
  explicit Responsibilities(const Mixtures& mixtures);

  /// @param expert_energy  of one state: experts, `stride` numbers apart
  /// @return [branches of all mixtures], valid until the next call; 0 where no branch has any density
  const std::vector<double>& of(const double* expert_energy, int64_t stride);

 private:
  double value_of(const EnergyOperator& op) const;
  void add_mixture(const WatchedMixture& mixture);

  const Mixtures& mixtures_;
  std::vector<double> values_;  ///< [experts + operators]
  std::vector<double> shares_;
  std::vector<size_t> first_;  ///< [mixtures] of shares_
};

/// What the draws say of a branch.
struct BranchShare {
  std::string mixture, branch;
  double weight = 0;          ///< the product of those on the way from the target
  double weight_error = 0;    ///< its standard error, where log Z are estimates
  double share = 0;           ///< mean of its responsibility over the draws
  double standard_error = 0;  ///< of the share, from the draws; NaN where it is not known
  double score = 0;           ///< branch_score(); NaN where the branch is not judged
  std::string unjudged = {};  ///< why not
};

/// The standard error that log Z of the branches, as estimates, give a branch's weight:
///
///   a_i^2 ((1 - a_i)^2 s_i^2 + sum_(j != i) a_j^2 s_j^2),  to first order.
double weight_error(const std::vector<WatchedBranch>& branches, size_t branch);

/// How far the mean responsibility m of a branch is from its weight a, in standard errors, with the sign of m - a. Two
/// figures must agree that it is far, so the lesser of them counts:
///
///   |m - a| / sqrt(s^2 + w^2)   s of the draws, w that of the weight;
///   sqrt(2 N D(m, a))           D(m, a) = m log(m/a) + (1 - m) log((1 - m)/(1 - a)).
///
/// The second holds where a branch was hardly ever met and s says nothing: responsibilities lie in [0, 1], so that the
/// mean of N independent ones of mean a is beyond m with a probability of at most exp(-N D) (Hoeffding 1963, theorem
/// 1); of a branch that was never met it is (1 - a)^N. There a is moved towards m by six times w.
/// @param independent  N: effective draws, at least the independent chains
double branch_score(double share, double standard_error, double weight, double weight_error, double independent);

/// "branch far: 0.000 of the draws, weight 0.9"
std::string branch_text(const BranchShare& branch);

}  // namespace potluck
