// SPDX-License-Identifier: Apache-2.0
#include <cmath>

#include "models/ising_like/ising_like_terms.h"
#include "models/row_model/draw.h"
#include "models/row_model/row_model.h"

namespace potluck::models {
namespace {

/// Smoothness of a picture: E = J/2 sum over neighbouring pixels (x_i - x_j)^2 + m/2 sum_i (x_i - mean)^2, each pair
/// once, neighbours to the left, right, above and below, free edges.
///
/// Gaussian with precision J L + m I, L the grid's Laplacian, whose eigenvectors are products of cosines with
/// eigenvalues (2 - 2 cos(pi k/height)) + (2 - 2 cos(pi l/width)). Without m the level of a picture is free and exp(-E)
/// has no finite integral.
template <class Real>
class IsingLike : public RowModel<IsingLikeTerms, Real> {
 public:
  static constexpr const char* name = "ising_like";
  static constexpr const char* summary = "Smoothness on a grid: neighbouring pixels attract each other";
  static constexpr const char* reference =
      "Besag 1974, Spatial interaction and the statistical analysis of lattice systems, J. R. Stat. Soc. B 36";
  static constexpr plugin::Setting settings[] = {
      plugin::real("coupling", "J, how strongly neighbouring pixels attract each other").at_least(0).preset("1"),
      plugin::real("precision", "m, pull of every pixel towards 'mean'; above 0 the density is integrable on its own")
          .at_least(0)
          .preset("0"),
      plugin::real("mean", "the value to which 'precision' pulls").preset("0")};

  explicit IsingLike(const plugin::Setup& setup)
      : RowModel<IsingLikeTerms, Real>(setup),
        coupling_(setup.real("coupling")),
        precision_(setup.real("precision")),
        mean_(setup.real("mean")),
        n_(setup.size()) {
    const std::span<const int64_t> shape = setup.shape();
    if (!shape.empty()) width_ = shape.back();
    if (shape.size() >= 2) height_ = shape[shape.size() - 2];
    const double j = coupling_, m = precision_;
    this->terms_ = {height_,
                    width_,
                    static_cast<Real>(j),
                    static_cast<Real>(j / 2),
                    static_cast<Real>(m),
                    static_cast<Real>(m / 2),
                    static_cast<Real>(mean_)};
    for (int64_t k = 0; k < height_; ++k)
      for (int64_t l = 0; l < width_; ++l)
        spectrum_.push_back(m + j * (eigenvalue(k, height_) + eigenvalue(l, width_)));
  }

  plugin::Facts facts() const {
    plugin::Facts facts = this->row_facts();
    facts.least_energy = 0;
    facts.integrable = precision_ > 0;
    facts.bounded_on_boxes = true;
    facts.draw_uniforms = precision_ > 0 ? 2 * n_ : 0;
    return facts;
  }

  std::optional<double> log_normaliser() const {
    if (precision_ <= 0) return std::nullopt;
    double log_determinant = 0;
    for (double value : spectrum_) log_determinant += std::log(value);
    return (static_cast<double>(n_) * std::log(2 * std::numbers::pi) - planes() * log_determinant) / 2;
  }

  bool quadratic(plugin::QuadraticForm& form) const {
    const auto entry = [&](int64_t row, int64_t column) -> double& { return form.precision[row * n_ + column]; };
    const auto couple = [&](int64_t one, int64_t other) {
      entry(one, one) += coupling_;
      entry(other, other) += coupling_;
      entry(one, other) -= coupling_;
      entry(other, one) -= coupling_;
    };
    for (int64_t i = 0; i < n_; ++i) {
      entry(i, i) += precision_;
      form.linear[i] = precision_ * mean_;
      if (i % width_ + 1 < width_) couple(i, i + 1);
      if ((i / width_) % height_ + 1 < height_) couple(i, i + width_);
    }
    form.constant = static_cast<double>(n_) * precision_ * mean_ * mean_ / 2;
    return true;
  }

  /// Independent normals along the eigenvectors, all pixels at once: none may be held here (the host conditions by the
  /// quadratic form).
  bool draw(const plugin::DrawCall<Real>& draw) const {
    if (precision_ <= 0 || draw.holds_any()) return false;
    const std::vector<double> down = cosines(height_), across = cosines(width_);
    std::vector<double> middle(static_cast<size_t>(height_ * width_));
    for (int64_t b = 0; b < draw.rows(); ++b)
      for (int64_t plane = 0; plane < n_ / (height_ * width_); ++plane) {
        const int64_t first = plane * height_ * width_;
        const std::span<const double> uniforms = draw.uniforms(b);
        // middle = A across', out = mean + down middle, with A(k, l) ~ N(0, 1/spectrum).
        std::fill(middle.begin(), middle.end(), 0.0);
        for (int64_t k = 0; k < height_; ++k)
          for (int64_t l = 0; l < width_; ++l) {
            const int64_t at = k * width_ + l;
            const double amplitude = plugin::normal_of(uniforms[2 * (first + at)], uniforms[2 * (first + at) + 1]) /
                                     std::sqrt(spectrum_[at]);
            for (int64_t column = 0; column < width_; ++column)
              middle[k * width_ + column] += amplitude * across[l * width_ + column];
          }
        for (int64_t row = 0; row < height_; ++row)
          for (int64_t column = 0; column < width_; ++column) {
            double sum = mean_;
            for (int64_t k = 0; k < height_; ++k) sum += down[k * height_ + row] * middle[k * width_ + column];
            draw.out(0, b)[first + row * width_ + column] = static_cast<Real>(sum);
          }
      }
    return true;
  }

 private:
  static double eigenvalue(int64_t k, int64_t length) {
    const double s = std::sin(std::numbers::pi * static_cast<double>(k) / (2 * static_cast<double>(length)));
    return 4 * s * s;
  }
  /// [length, length]: row k is the normalised eigenvector k of a path's Laplacian.
  static std::vector<double> cosines(int64_t length) {
    std::vector<double> table;
    for (int64_t k = 0; k < length; ++k)
      for (int64_t i = 0; i < length; ++i)
        table.push_back(std::sqrt((k == 0 ? 1.0 : 2.0) / static_cast<double>(length)) *
                        std::cos(std::numbers::pi * static_cast<double>(k) * (static_cast<double>(i) + 0.5) /
                                 static_cast<double>(length)));
    return table;
  }
  double planes() const { return static_cast<double>(n_) / static_cast<double>(height_ * width_); }

  double coupling_, precision_, mean_;
  int64_t n_, height_ = 1, width_ = 1;
  std::vector<double> spectrum_;  // of one plane, [height, width]
};

}  // namespace
}  // namespace potluck::models

POTLUCK_EXPORT_PLUGIN("potluck.ising_like", POTLUCK_VERSION, "Apache-2.0", "The Potluck authors",
                      "Smoothness of pictures", potluck::models::IsingLike);
