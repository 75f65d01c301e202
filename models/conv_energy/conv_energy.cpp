// SPDX-License-Identifier: Apache-2.0
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/pixel_unshuffle.h>

#include "models/preconditioned/modulated_silu.h"
#include "models/preconditioned/preconditioned_energy.h"

namespace potluck::models {
namespace {

using plugin::Setting;
using plugin::Setup;

/// A convolutional encoder to one number. Every stage halves the image: the first convolves 5x5, the others 3x3. Each
/// has a scale and a shift of its channels by noise and label, and silu; there is no normalisation. The last map goes
/// through one hidden layer to the number h.
class Encoder {
 public:
  static constexpr const char* kX = "an image [height, width] or [channels, height, width]";
  static plugin::Facts facts() { return {}; }

  Encoder(ParameterMaker& maker, int64_t features) {
    const Setup& setup = maker.setup();
    const std::span<const int64_t> shape = setup.shape("x");
    if (shape.size() < 2 || shape.size() > 3 || shape[shape.size() - 2] < kLeastExtent || shape.back() < kLeastExtent)
      throw setup.input_error("x",
                              "must be an image [height, width] or [channels, height, width] of at least 8 x 8, got " +
                                  shape_in_words({shape.begin(), shape.end()}));
    image_ = {shape.size() == 3 ? shape[0] : 1, shape[shape.size() - 2], shape.back()};
    const std::span<const int64_t> channels = setup.integers("channels");
    if (channels.empty()) throw setup.setting_error("channels", "must have one number or more, got none");
    int64_t before = image_[0], height = image_[1], width = image_[2];
    for (size_t stage = 0; stage < channels.size(); ++stage) {
      const int64_t extent = stage == 0 ? 5 : 3, fan_in = before * extent * extent;
      const std::string name = "stage_" + std::to_string(stage);
      stages_.push_back({maker.normal(name + "_weight", {channels[stage], before, extent, extent},
                                      std::sqrt(2 / static_cast<double>(fan_in))),
                         Modulation(maker, name, channels[stage], features)});
      before = channels[stage];
      height = (height + 1) / 2;
      width = (width + 1) / 2;
    }
    const int64_t flat = before * height * width, hidden = setup.integer("hidden");
    hidden_weight_ = maker.normal("hidden_weight", {hidden, flat}, std::sqrt(2 / static_cast<double>(flat)));
    hidden_modulation_ = Modulation(maker, "hidden", hidden, features);
    last_weight_ = maker.normal("last_weight", {hidden}, 0.1 / std::sqrt(static_cast<double>(hidden)));
  }

  at::Tensor value(const at::Tensor& u, const at::Tensor& features) const { return run(u, features, &modulated_silu); }
  at::Tensor pair(const at::Tensor& u, const at::Tensor& features) const {
    return run(u, features, &modulated_silu_pair);
  }

 private:
  static constexpr int64_t kLeastExtent = 8;

  struct Stage {
    at::Tensor weight;
    Modulation modulation;
  };

  template <class Activation>
  at::Tensor run(const at::Tensor& u, const at::Tensor& features, Activation activation) const {
    at::Tensor map = u.reshape({u.size(0), image_[0], image_[1], image_[2]});
    for (size_t stage = 0; stage < stages_.size(); ++stage) {
      const at::Tensor& weight = stages_[stage].weight;
      const at::Tensor z = stage == 0 ? first_convolution(map, weight) : at::conv2d(map, weight, {}, 2, 1);
      map = activation(z, stages_[stage].modulation(features));
    }
    const at::Tensor hidden = activation(linear_map(map.flatten(1), hidden_weight_), hidden_modulation_(features));
    return plugin::sum_rows(hidden.mul(last_weight_));
  }

  /// 5x5 with stride 2, as 3x3 with stride 1 on blocks of 2x2 numbers, in which LibTorch's gradient with respect to the
  /// image is four times as fast.
  static at::Tensor first_convolution(const at::Tensor& image, const at::Tensor& weight) {
    const at::Tensor even = at::constant_pad_nd(image, {0, image.size(3) % 2, 0, image.size(2) % 2});
    const int64_t out = weight.size(0), in = weight.size(1);
    const at::Tensor blocks = at::constant_pad_nd(weight, {0, 1, 0, 1})
                                  .reshape({out, in, 3, 2, 3, 2})
                                  .permute({0, 1, 3, 5, 2, 4})
                                  .reshape({out, 4 * in, 3, 3});
    return at::conv2d(at::pixel_unshuffle(even, 2), blocks, {}, 1, 1);
  }

  std::array<int64_t, 3> image_{};  ///< channels, height, width
  std::vector<Stage> stages_;
  at::Tensor hidden_weight_, last_weight_;
  Modulation hidden_modulation_;
};

class ConvEnergy : public PreconditionedEnergy<Encoder> {
 public:
  static constexpr const char* name = "conv_energy";
  static constexpr const char* summary = "A learned energy of images: a convolutional network beside a Gaussian part";
  static constexpr const char* reference = kPreconditioningReference;
  static constexpr Setting settings[] = {
      plugin::integer("channels", "channels of each stage; each halves the image")
          .list()
          .at_least(1)
          .preset("32, 64, 128, 256"),
      plugin::integer("hidden", "numbers in the hidden layer behind the last stage").at_least(1).preset("128"),
      fixed_noise_setting()};
  using PreconditionedEnergy::PreconditionedEnergy;
};

}  // namespace
}  // namespace potluck::models

POTLUCK_EXPORT_PLUGIN("potluck.conv_energy", POTLUCK_VERSION, "Apache-2.0", "The Potluck authors",
                      "A learned energy of images: a convolutional network beside a Gaussian part",
                      potluck::plugin::TorchModel<potluck::models::ConvEnergy>);
