// SPDX-License-Identifier: Apache-2.0
// A Gaussian fitted to real pictures: the coats (class 4) of Fashion-MNIST's training images, covariance + 10^-3 I.
// The upper half of test image 10 is given; the lower half's law is the Schur complement, known entry by entry.
//
// What it costs. The conditional covariance has the condition number 2514, its least eigenvalue being the 10^-3 that
// was added, so that MALA's step of 2 10^-4 (acceptance .80) is that of the narrowest directions: 30 moves forget their
// start in those, and hardly move the widest, of variance 2.5, which would need some 10^4 moves. A move of 10^4 chains
// is 10^4 products with a 784 x 784 matrix, 12 GFLOP. So exact draws are what gets there at once; that MALA keeps their
// law is what is shown here, and that it would leave it for another, in the directions in which it moves.
#include <gtest/gtest.h>

#include <Eigen/Eigenvalues>
#include <cmath>
#include <cstdlib>
#include <numeric>

#include "core/files/formats/idx.h"
#include "core/files/formats/safetensors.h"
#include "tests/exactness/composed.h"

namespace potluck::testing {
namespace {

namespace fs = std::filesystem;

constexpr int kPixels = 784, kHalf = 392, kRow = 10;
constexpr int64_t kChains = 10000, kTwinChains = 2000;

fs::path data_folder() {
  const char* own = std::getenv("POTLUCK_FASHION_MNIST");
  return own ? own : "/usr/share/datasets/fashion-mnist";
}

/// Mean and covariance + 10^-3 I of the training images of one class, pixels in [0, 1].
Moments fitted(const Array& images, const Array& labels, int wanted) {
  std::vector<int64_t> of_class;
  for (int64_t i = 0; i < labels.count(); ++i)
    if (labels.at(i) == wanted) of_class.push_back(i);
  Eigen::MatrixXd pixels(kPixels, static_cast<int64_t>(of_class.size()));
  for (size_t i = 0; i < of_class.size(); ++i)
    for (int64_t j = 0; j < kPixels; ++j)
      pixels(j, static_cast<int64_t>(i)) = images.at(of_class[i] * kPixels + j) / 255;
  Moments made;
  made.mean = pixels.rowwise().mean();
  pixels.colwise() -= made.mean;
  made.covariance = pixels * pixels.transpose() / static_cast<double>(of_class.size());
  made.covariance.diagonal().array() += 1e-3;
  return made;
}

void write_weights(const fs::path& file, const Moments& law) {
  const Eigen::MatrixXd& c = law.covariance;  // symmetric: the order of rows and columns does not matter
  Safetensors weights;
  weights.arrays["mean"] = Array::of({kPixels}, std::vector<double>(law.mean.data(), law.mean.data() + kPixels));
  weights.arrays["covariance"] = Array::of({kPixels, kPixels}, std::vector<double>(c.data(), c.data() + c.size()));
  write_safetensors(file, weights);
}

/// The lower half of each chain, less the expected mean: [392, chains].
Eigen::MatrixXd lower_half(const LastDraw& draw, const Moments& expected) {
  const auto chains = static_cast<int64_t>(draw.column[0].size());
  Eigen::MatrixXd lower(kHalf, chains);
  for (int64_t j = 0; j < kHalf; ++j)
    lower.row(j) =
        Eigen::Map<const Eigen::RowVectorXd>(draw.column[static_cast<size_t>(kHalf + j)].data(), chains).array() -
        expected.mean(j);
  return lower;
}

/// The largest |z| of 392 means, SE sqrt(S_ii/n), and of 392 * 393/2 covariances about the known mean, SE
/// sqrt((S_ii S_jj + S_ij^2)/n). For a normal z, P(|z| > 6) is 2 10^-9, for 77 420 of them 1.5 10^-4 in all; a
/// variance's chi-squared tail is e^(sqrt(8/n) 6^3/6) = 2.8 times that at n = 10^4. So 6 serves for the largest.
double worst_entry(const LastDraw& draw, const Moments& expected) {
  const Eigen::MatrixXd lower = lower_half(draw, expected);
  const auto n = static_cast<double>(lower.cols());
  const Eigen::ArrayXd variance = expected.covariance.diagonal();
  const Eigen::ArrayXd mean_z = lower.rowwise().mean().array() / (variance / n).sqrt();
  const Eigen::ArrayXXd s = expected.covariance.array();
  const Eigen::ArrayXXd error = ((variance.matrix() * variance.matrix().transpose()).array() + s * s) / n;
  const Eigen::ArrayXXd covariance_z = ((lower * lower.transpose()).array() / n - s) / error.sqrt();
  return std::max(mean_z.abs().maxCoeff(), covariance_z.abs().maxCoeff());
}

/// Correlation of two rows of numbers of mean zero.
double correlation(const Eigen::RowVectorXd& a, const Eigen::RowVectorXd& b) {
  return a.dot(b) / std::sqrt(a.squaredNorm() * b.squaredNorm());
}

TEST(RealDataTest, TheLowerHalfOfACoatHasItsConditionalLaw) {
  const fs::path data = data_folder();
  ASSERT_TRUE(fs::exists(data / "train-images-idx3-ubyte.gz"))
      << data << " must hold Fashion-MNIST as gzip'ed IDX files. Install Debian's package dataset-fashion-mnist, or "
      << "name their folder in POTLUCK_FASHION_MNIST";
  const Array images = read_idx(data / "train-images-idx3-ubyte.gz");
  const Array labels = read_idx(data / "train-labels-idx1-ubyte.gz");
  const Moments coats = fitted(images, labels, 4), pullovers = fitted(images, labels, 2);

  const std::string text = R"(
variables: {image: {shape: [28, 28]}}
views: {upper: {of: image, slice: ["0:14", ":"]}}
energies:
  coat: {model: gaussian, weights: coat.safetensors, inputs: image}
  pullover: {model: gaussian, weights: pullover.safetensors, inputs: image}
)";
  const std::string given = "\ngiven: [{of: upper, file: t10k-images-idx3-ubyte.gz, row: 10, scale: 1/255}]";
  const std::string sample = "step_size: 2e-4, chains: 10000, steps: 30, thin: 30";
  const auto beside = [&](const fs::path& folder) {
    write_weights(folder / "coat.safetensors", coats);
    write_weights(folder / "pullover.safetensors", pullovers);
    fs::create_symlink(data / "t10k-images-idx3-ubyte.gz", folder / "t10k-images-idx3-ubyte.gz");
  };
  const Composed right(text + "target: coat" + given, sample, beside);
  const Composed dropped(text + "target: coat", sample, beside);
  const Composed other(text + "target: pullover" + given, sample, beside);

  std::vector<int> upper(kHalf);
  std::iota(upper.begin(), upper.end(), 0);
  std::vector<double> shown = read_idx_row(data / "t10k-images-idx3-ubyte.gz", kRow).as_doubles();
  for (double& pixel : shown) pixel /= 255;
  const Moments expected = conditioned(coats, upper, {shown.begin(), shown.begin() + kHalf});
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> spectrum(expected.covariance);
  const double condition = spectrum.eigenvalues()(kHalf - 1) / spectrum.eigenvalues()(0);
  EXPECT_GT(condition, 1e3);
  EXPECT_LT(condition, 1e4);

  const auto start = right.exact_draws();
  const LastDraw draw = right.run(*start);
  EXPECT_LT(worst_entry(draw, expected), kPass);
  EXPECT_GT(draw.summary.acceptance, 0.5);
  EXPECT_LT(draw.summary.acceptance, 0.95);
  for (size_t j = 0; j < kHalf; ++j)
    for (const double pixel : draw.column[j]) ASSERT_EQ(pixel, double{static_cast<float>(shown[j])}) << j;

  // Where the chains stand now against where they began: new in the narrowest direction, where they were in the widest.
  std::vector<double> began(kChains * kPixels);
  double* position[] = {began.data()};
  start->draw(right.composition().sample.seed, 0, kChains, 0, position);
  const Eigen::MatrixXd first =
      Eigen::Map<const Eigen::MatrixXd>(began.data(), kPixels, kChains).bottomRows(kHalf).colwise() - expected.mean;
  const Eigen::MatrixXd last = lower_half(draw, expected);
  const auto along = [&](int64_t k) {
    const Eigen::RowVectorXd direction = spectrum.eigenvectors().col(k).transpose();
    return correlation(direction * first, direction * last);
  };
  EXPECT_LT(along(0), 0.1);
  EXPECT_GT(along(kHalf - 1), 0.9);

  // Twins: the weights of another class, begun at the same starts; and the mask dropped, begun at its own exact draws,
  // for from these starts the upper half comes loose too slowly: 30 moves show 5 SE of it.
  EXPECT_GT(worst_entry(other.run(*start, kTwinChains), expected), kReject);
  EXPECT_GT(worst_entry(dropped.run(*dropped.exact_draws(), kTwinChains), expected), kReject);
}

}  // namespace
}  // namespace potluck::testing
