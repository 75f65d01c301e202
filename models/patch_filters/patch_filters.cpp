// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "models/learned/initial_numbers.h"
#include "models/patch_filters/potential.h"
#include "potluck/model.hpp"

namespace potluck::models {
namespace {

using namespace potluck::plugin;

/// A field of experts (Roth & Black 2005): learned linear filters over all patches of an image, whose answers are
/// mostly small.
///
///   E(x) = sum over patches p, sum over filters k  alpha_k phi(J_k . x_p)  +  precision/2 sum_i (x_i - mean)^2
///
/// Patches lie at every place where they fit. phi grows linearly at most, so that the last term is the Gaussian part,
/// and the density is integrable where precision > 0. Gradients, also those of slopes by the parameters, are by hand.
template <class Real>
class PatchFilters {
 public:
  static constexpr const char* name = "patch_filters";
  static constexpr const char* summary =
      "A learned energy of images: linear filters over all patches (field of experts)";
  static constexpr const char* reference =
      "S. Roth and M. J. Black (2005). Fields of experts: a framework for learning image priors. CVPR";
  static constexpr Input inputs[] = {
      continuous("x", "an image [height, width] or [channels, height, width], or a signal [n]")};
  static constexpr Setting settings[] = {
      integer("filters", "how many filters there are").at_least(1).at_most(65536).preset("16"),
      integer("patch", "height and width of a patch").at_least(1).at_most(1024).preset("3"),
      choice("potential", {"student_t", "smooth_l1"},
             "phi of an answer y: student_t is log(1 + y^2/2), smooth_l1 is sqrt(1 + y^2) - 1")
          .preset("student_t"),
      real("precision", "pull of every number towards 'mean'; above 0 the density is integrable on its own")
          .at_least(0)
          .preset("0"),
      real("mean", "the value to which 'precision' pulls").preset("0")};

  explicit PatchFilters(const Setup& setup)
      : potential_(static_cast<Potential>(setup.choice("potential"))),
        filters_(setup.integer("filters")),
        precision_(setup.real("precision")),
        mean_(setup.real("mean")) {
    lay_out(setup);
    const std::vector<double> filter = initial_numbers(setup, "filters", {filters_, size_},
                                                       [&](std::vector<double>& numbers) { begin(setup, numbers); });
    const std::vector<double> log_alpha =
        initial_numbers(setup, "log_alpha", {filters_},
                        [](std::vector<double>& numbers) { std::fill(numbers.begin(), numbers.end(), std::log(0.1)); });
    filter_.assign(filter.begin(), filter.end());
    log_alpha_.assign(log_alpha.begin(), log_alpha.end());
    across_.resize(filter_.size());
    alpha_.resize(log_alpha_.size());
    parameters_changed(nullptr);
  }

  Facts facts() const {
    Facts facts;
    facts.least_energy = 0;
    facts.integrable = precision_ > 0;
    facts.bounded_on_boxes = true;
    facts.workspace_bytes = static_cast<size_t>(2 * size_ + 4 * filters_) * sizeof(Real);
    return facts;
  }

  double energy(const Row<Real>& row) const {
    const std::span<const Real> x = row.input();
    const std::span<Real> gradient = row.gradient();
    const Workspace at = workspace(row.call());
    double energy = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const Real off = x[i] - static_cast<Real>(mean_);
      energy += precision_ / 2 * static_cast<double>(off * off);
      if (!gradient.empty()) gradient[i] = static_cast<Real>(precision_) * off;
    }
    for_each_patch([&](int64_t first) {
      answers_at(x.data() + first, at.patch, at.answer);
      for (int64_t k = 0; k < filters_; ++k) {
        const Phi<Real> phi = phi_of(potential_, at.answer[k]);
        energy += static_cast<double>(alpha_[k]) * static_cast<double>(phi.value);
        at.pull[k] = alpha_[k] * phi.slope;
      }
      if (!gradient.empty()) add_pulls(at, gradient.data() + first);
    });
    return energy;
  }

  std::vector<Parameter> parameters() {
    return {{"filters", filter_.data(), {filters_, size_}, true}, {"log_alpha", log_alpha_.data(), {filters_}, true}};
  }

  void parameters_changed(void*) {
    for (int64_t k = 0; k < filters_; ++k) {
      alpha_[k] = std::exp(log_alpha_[k]);
      for (int64_t j = 0; j < size_; ++j) across_[j * filters_ + k] = filter_[k * size_ + j];
    }
  }

  /// With y = J x_p and d = J t_p, of the cotangent c and the tangent t of a row:
  ///   by J_k          alpha_k ((c phi' + d phi'') x_p + phi' t_p)
  ///   by log alpha_k  alpha_k (c phi + d phi')
  void parameter_gradient(const ParameterCall<Real>& wanted) const {
    const Call<Real>& call = wanted.call();
    const Workspace at = workspace(call);
    Real *of_filter = wanted.sum(0), *of_alpha = wanted.sum(1);
    for (int64_t b = 0; b < call.rows(); ++b) {
      const Real* x = call.input() + b * call.size();
      const Real* tangent = wanted.tangent() ? wanted.tangent() + b * call.size() : nullptr;
      const Real cotangent = wanted.cotangent() ? static_cast<Real>(wanted.cotangent()[b]) : Real(0);
      for_each_patch([&](int64_t first) {
        answers_at(x + first, at.patch, at.answer);
        if (tangent) answers_at(tangent + first, at.along, at.change);
        for (int64_t k = 0; k < filters_; ++k) {
          const Phi<Real> phi = phi_of(potential_, at.answer[k]);
          const Real change = tangent ? at.change[k] : Real(0);
          const Real of_patch = alpha_[k] * (cotangent * phi.slope + change * phi.curvature);
          const Real of_tangent = alpha_[k] * phi.slope;
          Real* sum = of_filter + k * size_;
          for (int64_t j = 0; j < size_; ++j) sum[j] += of_patch * at.patch[j];
          for (int64_t j = 0; j < size_ && tangent; ++j) sum[j] += of_tangent * at.along[j];
          of_alpha[k] += alpha_[k] * (cotangent * phi.value + change * phi.slope);
        }
      });
    }
  }

  bool gaussian_part(const Call<Real>&, std::span<double> curvature, std::span<double> mean) const {
    std::fill(curvature.begin(), curvature.end(), precision_);
    std::fill(mean.begin(), mean.end(), mean_);
    return true;
  }

 private:
  struct Workspace {
    Real *patch, *along;           ///< [size] numbers of a patch, of the state and of a tangent
    Real *answer, *change, *pull;  ///< [filters]
  };

  void lay_out(const Setup& setup) {
    const std::span<const int64_t> shape = setup.shape();
    const int64_t patch = setup.integer("patch");
    const size_t rank = shape.size();
    if (rank < 1 || rank > 3)
      throw setup.input_error("x",
                              "must be a signal [n], or an image [height, width] or [channels, height, width], "
                              "got " +
                                  shape_in_words({shape.begin(), shape.end()}));
    channels_ = rank == 3 ? shape[0] : 1;
    height_ = rank >= 2 ? shape[rank - 2] : 1;
    width_ = shape[rank - 1];
    patch_height_ = rank >= 2 ? patch : 1;
    patch_width_ = patch;
    if (patch_height_ > height_ || patch_width_ > width_)
      throw setup.input_error("x", "must be as large as a patch of " + std::to_string(patch) + " or larger, got " +
                                       shape_in_words({shape.begin(), shape.end()}));
    size_ = channels_ * patch_height_ * patch_width_;
  }

  /// Filters of length 3; several numbers have a sum of 0, so that the level of a patch costs nothing.
  void begin(const Setup& setup, std::vector<double>& numbers) const {
    fill_normal(setup, "filters", 1, numbers);
    for (int64_t k = 0; k < filters_; ++k) {
      double* filter = numbers.data() + k * size_;
      double mean = 0, squares = 0;
      for (int64_t j = 0; j < size_; ++j) mean += filter[j] / static_cast<double>(size_);
      for (int64_t j = 0; j < size_; ++j) {
        if (size_ > 1) filter[j] -= mean;
        squares += filter[j] * filter[j];
      }
      for (int64_t j = 0; j < size_; ++j) filter[j] *= 3 / std::sqrt(squares);
    }
  }

  Workspace workspace(const Call<Real>& call) const {
    Real* first = call.template workspace<Real>();
    return {first, first + size_, first + 2 * size_, first + 2 * size_ + filters_, first + 2 * size_ + 2 * filters_};
  }

  /// Calls use(offset of the patch's first number).
  template <class Use>
  void for_each_patch(const Use& use) const {
    for (int64_t line = 0; line + patch_height_ <= height_; ++line)
      for (int64_t column = 0; column + patch_width_ <= width_; ++column) use(line * width_ + column);
  }

  /// Calls use(offset in the patch, offset from the patch's first number), line by line.
  template <class Use>
  void for_each_line(const Use& use) const {
    int64_t to = 0;
    for (int64_t channel = 0; channel < channels_; ++channel)
      for (int64_t line = 0; line < patch_height_; ++line, to += patch_width_)
        use(to, (channel * height_ + line) * width_);
  }

  /// The patch that begins at `first`, and what each filter answers to it. Its loops run over filters, so that the
  /// order of each sum is that of the numbers, whatever the vector width.
  void answers_at(const Real* first, Real* patch, Real* answer) const {
    for_each_line([&](int64_t to, int64_t from) { std::copy_n(first + from, patch_width_, patch + to); });
    std::fill_n(answer, filters_, Real(0));
    for (int64_t j = 0; j < size_; ++j) {
      const Real number = patch[j];
      const Real* across = across_.data() + j * filters_;
      for (int64_t k = 0; k < filters_; ++k) answer[k] += across[k] * number;
    }
  }

  /// Adds sum_k pull_k J_k to the gradient whose patch begins at `first`.
  void add_pulls(const Workspace& at, Real* first) const {
    std::fill_n(at.along, size_, Real(0));
    for (int64_t k = 0; k < filters_; ++k) {
      const Real* filter = filter_.data() + k * size_;
      for (int64_t j = 0; j < size_; ++j) at.along[j] += at.pull[k] * filter[j];
    }
    for_each_line([&](int64_t from, int64_t to) {
      for (int64_t j = 0; j < patch_width_; ++j) first[to + j] += at.along[from + j];
    });
  }

  Potential potential_;
  int64_t filters_, size_ = 1;  ///< K, and numbers in a patch
  int64_t channels_ = 1, height_ = 1, width_ = 1, patch_height_ = 1, patch_width_ = 1;
  double precision_, mean_;
  std::vector<Real> filter_, log_alpha_;  ///< parameters: J [K, size], [K]
  std::vector<Real> across_, alpha_;      ///< J transposed [size, K], alpha [K]
};

}  // namespace
}  // namespace potluck::models

POTLUCK_EXPORT_PLUGIN("potluck.patch_filters", POTLUCK_VERSION, "Apache-2.0", "The Potluck authors",
                      "A learned energy of images: linear filters over all patches", potluck::models::PatchFilters);
