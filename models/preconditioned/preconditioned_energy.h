// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/silu.h>

#include <numbers>

#include "models/preconditioned/linear_map.h"
#include "models/preconditioned/parameters.h"

namespace potluck::models {

constexpr const char* kPreconditioningReference =
    "T. Karras, M. Aittala, T. Aila and S. Laine (2022). Elucidating the design space of diffusion-based generative "
    "models. Section 5; here for the gradient of a scalar energy";

/// The noise of a model whose composition leaves the input out.
constexpr double kFixedNoisePreset = 0.1;
constexpr plugin::Setting fixed_noise_setting() {
  return plugin::real("fixed_noise", "the noise where the input `noise` is left out").at_least(0).preset("0.1");
}

/// An energy of numbers that are blurred by noise, trained by denoising score matching; from the scalar output h of a
/// network (Karras, Aittala, Aila & Laine 2022, made the gradient of an energy; docs/models/conv_energy.md derives it):
///
///   E(x, sigma, label) = |v|^2 / (2 V) - (s / sigma) h(u, c, label) + o(c, label)
///   v = x - m,  V = sigma^2 + s^2,  u = v / sqrt(V),  c = log(sigma / s) / 4
///
/// m and s are the mean of the data and the root mean square distance from it, per number (the buffers data_mean and
/// data_scale). sigma^2 is the square of the noise plus that of kLeastNoise s, so that every level has a finite energy.
/// o is a polynomial in c for each label (label_offset), which starts at 0: score matching does not see it.
///
/// Network(ParameterMaker&, features) has
///   at::Tensor value(const at::Tensor& u, const at::Tensor& features) const       h [B], float64
///   at::Tensor pair(const at::Tensor& u, const at::Tensor& features) const        u [2 B, ...]: values and after them
///                                                                  derivatives along a direction; so is h, [2 B]
/// with features [B, kFeatures] that say noise and label, and grows linearly in u at most.
template <class Network>
class PreconditionedEnergy {
 public:
  static constexpr plugin::Input inputs[] = {
      plugin::continuous("x", Network::kX),
      plugin::continuous("noise", "standard deviation of the noise in x").parent().optional(),
      plugin::categorical("label", "what x shows; -1: not said").parent().optional().may_be_none()};

  explicit PreconditionedEnergy(const plugin::Setup& setup) : PreconditionedEnergy(setup, ParameterMaker(setup)) {}

  plugin::Facts facts() const {
    plugin::Facts facts = Network::facts();
    facts.integrable = true;
    facts.bounded_on_boxes = true;
    facts.rows_alone = true;
    return facts;
  }

  at::Tensor energy(const std::vector<at::Tensor>& given) const {
    const std::vector<at::Tensor> bound = whole_blocks(given);
    const Level level = level_of(bound);
    const at::Tensor v = bound[0].sub(mean_);
    const at::Tensor h = network_.value(v.mul(spread(level.narrowing, v)), features(level, bound));
    return assembled(level, v, h, bound).narrow(0, 0, given[0].size(0));
  }

  /// Along x only.
  std::optional<plugin::TorchSlope> slope(const std::vector<at::Tensor>& given,
                                          const std::vector<at::Tensor>& tangents) const {
    if (tangents[1].defined()) return std::nullopt;
    const std::vector<at::Tensor> bound = whole_blocks(given);
    const at::Tensor tangent = whole_blocks({tangents[0]})[0];
    const Level level = level_of(bound);
    const at::Tensor v = bound[0].sub(mean_);
    const at::Tensor narrowing = spread(level.narrowing, v);
    const int64_t rows = v.size(0);
    const at::Tensor pair = network_.pair(at::cat({v.mul(narrowing), tangent.mul(narrowing)}), features(level, bound));
    const at::Tensor along = plugin::sum_rows(v.mul(tangent)).mul(level.curvature);
    const at::Tensor energy = assembled(level, v, pair.narrow(0, 0, rows), bound);
    const at::Tensor slope = along.sub(pair.narrow(0, rows, rows).mul(level.ratio));
    const int64_t asked = given[0].size(0);
    return plugin::TorchSlope{energy.narrow(0, 0, asked), slope.narrow(0, 0, asked)};
  }

  /// h grows linearly, and the offsets do not depend on x.
  template <class Real>
  bool gaussian_part(const plugin::Call<Real>& given, std::span<double> curvature, std::span<double> mean) const {
    const double scale = scale_.item<double>(), floor = kLeastNoise * scale;
    const double noise = given.input(1) != nullptr ? static_cast<double>(given.input(1)[0]) : fixed_noise_;
    const at::Tensor centre = mean_.to(at::kCPU, at::kDouble).contiguous();
    for (size_t j = 0; j < curvature.size(); ++j) {
      curvature[j] = 1 / (noise * noise + floor * floor + scale * scale);
      mean[j] = centre.data_ptr<double>()[j];
    }
    return true;
  }

  std::vector<plugin::TorchParameter> parameters() { return parameters_; }

 private:
  static constexpr double kLeastNoise = 1e-3;  ///< in units of the data's scale
  static constexpr int64_t kBlock = 32;        ///< rows; two of the widest vectors of float32 numbers
  static constexpr int64_t kFeatures = 64;
  static constexpr int64_t kWaves = 4;    ///< sines and cosines of c, of wave lengths 8, 4, 2, 1
  static constexpr int64_t kOffsets = 4;  ///< of each label: the polynomial's coefficients of 1, c, c^2, c^3

  PreconditionedEnergy(const plugin::Setup& setup, ParameterMaker maker)
      : fixed_noise_(setup.real("fixed_noise")),
        noisy_(setup.has_input("noise")),
        labelled_(setup.has_input("label")),
        labels_(count_of_labels(setup)),
        mean_(maker.constant("data_mean", {setup.shape("x").begin(), setup.shape("x").end()}, 0, false)),
        scale_(maker.constant("data_scale", {1}, 1, false)),
        level_weight_(maker.normal("level_weight", {kFeatures, 2 * kWaves}, std::sqrt(1.0 / kWaves))),
        level_bias_(maker.constant("level_bias", {kFeatures}, 0)),
        label_embedding_(maker.normal("label_embedding", {labels_ + 1, kFeatures}, 1)),
        feature_weight_(maker.normal("feature_weight", {kFeatures, kFeatures}, std::sqrt(2.0 / kFeatures))),
        feature_bias_(maker.constant("feature_bias", {kFeatures}, 0)),
        label_offset_(maker.constant("label_offset", {labels_ + 1, kOffsets}, 0)),
        network_(maker, kFeatures),
        parameters_(maker.made()) {
    if (setup.has_input("noise") && setup.size("noise") != 1)
      throw setup.input_error("noise", "must be one number, got " + std::to_string(setup.size("noise")));
    if (noisy_ && fixed_noise_ != kFixedNoisePreset)
      throw setup.setting_error("fixed_noise", "must be left out where the input 'noise' is bound, got " +
                                                   plugin::shown(fixed_noise_) + ". Remove it, or leave 'noise' out");
    if (setup.has_weights() && !(scale_.item<double>() > 0))
      throw setup.weight_error(setup.weight("data_scale"), "must be > 0, got " + plugin::shown(scale_.item<double>()));
  }

  /// Labels that the embedding has rows for, beside the row for none.
  static int64_t count_of_labels(const plugin::Setup& setup) {
    if (!setup.has_input("label")) return labels_of_weights(setup).value_or(0);
    if (setup.size("label") != 1)
      throw setup.input_error("label", "must be one label, got " + std::to_string(setup.size("label")));
    const int64_t bound = setup.categories("label");
    const std::optional<int64_t> trained = labels_of_weights(setup);
    if (bound == 0) {  // a literal
      if (!trained)
        throw setup.input_error("label",
                                "must be a variable where there are no weights, since a label alone does not say "
                                "how many there are");
      const std::span<const double> value = setup.held_values(2);
      if (!value.empty() && value[0] >= static_cast<double>(*trained))
        throw setup.input_error("label", "must be below the " + std::to_string(*trained) +
                                             " labels of the weights, got " + plugin::shown(value[0]));
      return *trained;
    }
    if (trained && *trained != bound)
      throw setup.input_error("label", "must have the " + std::to_string(*trained) +
                                           " categories of the weights, got " + std::to_string(bound));
    return bound;
  }
  static std::optional<int64_t> labels_of_weights(const plugin::Setup& setup) {
    if (!setup.has_weights()) return std::nullopt;
    const plugin::Weight embedding = setup.weight("label_embedding");
    const std::vector<int64_t> shape(embedding.shape().begin(), embedding.shape().end());
    if (shape.size() != 2 || shape[0] < 1)
      throw setup.weight_error(embedding, "must have the shape [1 + labels, " + std::to_string(kFeatures) + "], got " +
                                              shape_in_words(shape));
    return shape[0] - 1;
  }

  /// The rows that were given, filled up to a multiple of kBlock with copies of the first. LibTorch computes the last
  /// few numbers of an array, those that fill no vector, with other functions than the rest, which have other last
  /// bits.
  static std::vector<at::Tensor> whole_blocks(const std::vector<at::Tensor>& given) {
    const int64_t rows = given[0].size(0), missing = (kBlock - rows % kBlock) % kBlock;
    if (missing == 0) return given;
    std::vector<at::Tensor> filled;
    for (const at::Tensor& each : given) {
      if (!each.defined()) {
        filled.emplace_back();
        continue;
      }
      std::vector<int64_t> shape = each.sizes().vec();
      shape[0] = missing;
      filled.push_back(at::cat({each, each.narrow(0, 0, 1).detach().expand(shape)}));
    }
    return filled;
  }

  /// What depends on the noise alone: [B] in float64.
  struct Level {
    at::Tensor curvature;  ///< 1 / V
    at::Tensor narrowing;  ///< 1 / sqrt(V)
    at::Tensor ratio;      ///< s / sigma
    at::Tensor c;
  };
  Level level_of(const std::vector<at::Tensor>& bound) const {
    const at::Tensor scale = scale_.to(at::kDouble);
    const at::Tensor noise =
        noisy_ ? bound[1].reshape({-1}).to(at::kDouble) : at::full({bound[0].size(0)}, fixed_noise_, scale.options());
    const at::Tensor square = scale.square();
    const at::Tensor sigma_square = noise.square().add(square.mul(kLeastNoise * kLeastNoise));
    const at::Tensor curvature = sigma_square.add(square).reciprocal();
    return {curvature, curvature.sqrt(), sigma_square.div(square).rsqrt(), sigma_square.div(square).log().div(8)};
  }

  /// A number for every row, as a factor of its numbers.
  static at::Tensor spread(const at::Tensor& of_row, const at::Tensor& x) {
    std::vector<int64_t> shape(static_cast<size_t>(x.dim()), 1);
    shape[0] = of_row.size(0);
    return of_row.to(x.scalar_type()).reshape(shape);
  }

  /// [B, ...]: the row of `table` [1 + labels, ...] for each row's label; its first row is for none.
  at::Tensor rows_of(const at::Tensor& table, const std::vector<at::Tensor>& bound) const {
    if (!labelled_) return table.narrow(0, 0, 1);
    return table.index_select(0, bound[2].reshape({-1}).add(1));
  }

  at::Tensor features(const Level& level, const std::vector<at::Tensor>& bound) const {
    const at::Tensor c = level.c.to(level_weight_.scalar_type()).unsqueeze(1);
    const at::Tensor waves = at::arange(kWaves, c.options()).exp2().mul(std::numbers::pi / 4).mul(c);  // [B, kWaves]
    const at::Tensor basis = at::cat({waves.sin(), waves.cos()}, 1);
    const at::Tensor hidden =
        at::silu(linear_map(basis, level_weight_, level_bias_).add(rows_of(label_embedding_, bound)));
    return at::silu(linear_map(hidden, feature_weight_, feature_bias_));
  }

  at::Tensor assembled(const Level& level, const at::Tensor& v, const at::Tensor& h,
                       const std::vector<at::Tensor>& bound) const {
    const at::Tensor powers = level.c.unsqueeze(1).pow(at::arange(kOffsets, level.c.options()));
    const at::Tensor offset = rows_of(label_offset_, bound).to(at::kDouble).mul(powers).sum(1);
    return plugin::sum_rows(v.square()).mul(level.curvature).mul(0.5).sub(h.mul(level.ratio)).add(offset);
  }

  double fixed_noise_;
  bool noisy_, labelled_;
  int64_t labels_;
  at::Tensor mean_, scale_, level_weight_, level_bias_, label_embedding_, feature_weight_, feature_bias_, label_offset_;
  Network network_;
  std::vector<plugin::TorchParameter> parameters_;
};

}  // namespace potluck::models
