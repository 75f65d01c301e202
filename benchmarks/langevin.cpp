// SPDX-License-Identifier: Apache-2.0

// Times the sampler and the bare pieces it is made of, in one process, on the CPU or on a GPU. Prints one JSON line a
// case; those of a GPU have 0 threads.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <boost/program_options.hpp>
#include <iostream>

#include "benchmarks/bare_pieces.h"
#include "benchmarks/composed.h"
#include "core/device/devices.h"
#include "core/error.h"
#ifdef POTLUCK_HAVE_CUDA
#include "benchmarks/cuda_pieces.h"
#endif

namespace potluck::benchmarks {

namespace {

struct Wanted {
  Effort effort;
  std::string device;
  std::vector<std::string> cases;  ///< empty: all
  std::vector<int> threads;

  bool wants(const std::string& name) const {
    return cases.empty() || std::find(cases.begin(), cases.end(), name) != cases.end();
  }
};

void sample(const ScratchFolder& folder, const Wanted& wanted, const std::string& name, int64_t n,
            const std::vector<std::string>& energies, const std::string& method, double step_size, int64_t chains) {
  for (const int threads : wanted.threads) {
    const Composed composed(folder, composition_text(n, energies, "e", method, step_size, chains), threads);
    print({name, "potluck", method, chains, n, threads}, composed.time_sampling(wanted.effort));
  }
}

std::string gaussian(const ScratchFolder& folder, const std::string& name, int64_t n) {
  return fmt::format("{}: {{model: gaussian, weights: {}, inputs: x}}", name, folder.write_precision(n));
}

/// Eight isotropic Gaussians of standard deviation 1/2 on a circle of radius 4.
std::string ring_of_gaussians() {
  const double half = 2.8284271247461903;
  const std::vector<double> means = {4, 0, half, half, 0, 4, -half, half, -4, 0, -half, -half, 0, -4, half, -half};
  return fmt::format("e: {{model: gaussian_mixture, settings: {{mean: [{}], variance: 0.25}}, inputs: x}}",
                     fmt::join(means, ", "));
}

void gaussian_cases(const ScratchFolder& folder, const Wanted& wanted) {
  const std::pair<int64_t, int64_t> sizes[] = {{1024, 2}, {1024, 128}, {4096, 784}};
  for (const auto& [chains, n] : sizes) {
    if (!wanted.wants(fmt::format("gaussian{}", n))) continue;
    const std::vector<std::string> energies = {gaussian(folder, "e", n)};
    sample(folder, wanted, "gaussian", n, energies, "langevin", 0.01, chains);
    if (n == 128) sample(folder, wanted, "gaussian", n, energies, "mala", 0.05, chains);
    for (const int threads : wanted.threads) {
      print({"gaussian", "matrix product", "", chains, n, threads},
            time_matrix_product(chains, n, threads, wanted.effort));
      print({"gaussian", "noise and update", "", chains, n, threads},
            time_noise_and_update(row_kernels(), chains, n, threads, wanted.effort));
    }
  }
}

/// Noise with update on one core, for each vector width of this processor.
void noise_cases(const Wanted& wanted) {
  for (const RowKernels* kernels : all_row_kernels())
    print({"noise", fmt::format("noise and update {}", kernels->name), "", 128, 128, 1},
          time_noise_and_update(*kernels, 128, 128, 1, wanted.effort));
}

/// Four experts on one variable: each alone, then their product, and their mixture by weights that absorb Z. Energies
/// and gradients only, a tile in one thread, so that no expert pays for the noise.
void composite_case(const ScratchFolder& folder, const Wanted& wanted) {
  const int64_t n = 128, chains = 1024;
  const std::vector<std::string> experts = {"gaussian", "narrow", "quartic", "student"};
  const std::vector<std::string> energies = {
      gaussian(folder, "gaussian", n),
      "narrow: {model: gaussian, settings: {mean: 1, variance: 0.5}, inputs: x}",
      "quartic: {model: quartic, inputs: x}",
      "student: {model: student_t, settings: {degrees_of_freedom: 5}, inputs: x}",
      "product: {product: [gaussian, narrow, quartic, student]}",
      "mixture: {mixture: [gaussian, narrow, quartic, student], unnormalised: true}"};
  const auto time = [&](const std::string& target, const std::string& program) {
    const Composed composed(folder, composition_text(n, energies, target, "langevin", 0.01, chains), 1);
    print({"composite", program, "energy and gradient", composed.plan().most_rows(), n, 1},
          composed.time_evaluation(wanted.effort));
  };
  for (const std::string& expert : experts) time(expert, "expert " + expert);
  time("product", "product of the experts");
  time("mixture", "mixture of the experts");
}

constexpr const char* kDeviceCases[] = {"gaussian2", "gaussian128", "gaussian784", "mixture", "quartic"};

/// One of kDeviceCases on CUDA device 0. The quartic's arrays are larger than any cache: it runs at the speed of
/// memory.
void device_case([[maybe_unused]] const ScratchFolder& folder, [[maybe_unused]] const Wanted& wanted,
                 [[maybe_unused]] const std::string& name) {
#ifdef POTLUCK_HAVE_CUDA
  const auto time = [&](const std::string& label, int64_t n, const std::string& energy, const std::string& method,
                        double step_size, int64_t chains) {
    const Composed composed(folder, composition_text(n, {energy}, "e", method, step_size, chains), 1,
                            Device{Device::Kind::kCuda, 0});
    print({label, "potluck", composed.method(), chains, n, 0}, composed.time_moving(wanted.effort));
  };
  const auto time_gaussian = [&](int64_t n, const std::string& method, double step_size, int64_t chains) {
    time("gaussian", n, gaussian(folder, "e", n), method, step_size, chains);
  };
  if (name == "gaussian2") time_gaussian(2, "langevin", 0.01, 1024);
  if (name == "gaussian128") {
    time_gaussian(128, "langevin", 0.01, 1024);
    time_gaussian(128, "mala", 0.05, 1024);
    time_gaussian(128, "hmc, trajectory_length: 0.4", 0.1, 1024);
  }
  if (name == "gaussian784") time_gaussian(784, "langevin", 0.01, 4096);
  if (name == "mixture") time("mixture", 2, ring_of_gaussians(), "langevin", 0.01, 1024);
  if (name != "quartic") return;
  constexpr int64_t kChains = 32768, kNumbers = 1024;
  time("quartic", kNumbers, "e: {model: quartic, inputs: x}", "langevin", 0.001, kChains);
  time("quartic", kNumbers, "e: {model: quartic, inputs: x}", "mala", 0.001, kChains);
  print({"quartic", "device copy", "", kChains, kNumbers, 0}, time_device_copy(kChains, kNumbers, wanted.effort));
  print({"quartic", "noise and update", "", kChains, kNumbers, 0},
        time_device_update(kChains, kNumbers, wanted.effort));
#endif
}

void run_device_cases(const Wanted& wanted) {
  if (cuda_devices().empty())
    throw SettingError("--device must be cpu, got cuda: this build or machine has no CUDA device");
  const ScratchFolder folder;
  for (const char* name : kDeviceCases)
    if (wanted.wants(name)) device_case(folder, wanted, name);
}

void run_cases(const Wanted& wanted) {
  const ScratchFolder folder;
  gaussian_cases(folder, wanted);
  if (wanted.wants("mixture")) sample(folder, wanted, "mixture", 2, {ring_of_gaussians()}, "langevin", 0.01, 1024);
  if (wanted.wants("quartic"))
    sample(folder, wanted, "quartic", 784, {"e: {model: quartic, inputs: x}"}, "langevin", 0.001, 1024);
  if (wanted.wants("composite")) composite_case(folder, wanted);
  if (wanted.wants("noise")) noise_cases(wanted);
}

int main_program(int count, char** words) {
  namespace options = boost::program_options;
  Wanted wanted;
  options::options_description known("langevin_benchmark: a JSON line a case");
  known.add_options()("help", "this text")("seconds", options::value(&wanted.effort.seconds)->default_value(1),
                                           "about how long a repeat takes")(
      "repeats", options::value(&wanted.effort.repeats)->default_value(5), "the least time of so many counts")(
      "threads", options::value(&wanted.threads)->multitoken()->default_value({1, 2}, "1 2"), "numbers of threads")(
      "cases", options::value(&wanted.cases)->multitoken(),
      "of gaussian2 gaussian128 gaussian784 mixture quartic composite noise; all where none is named")(
      "device", options::value(&wanted.device)->default_value("cpu"),
      "cpu, or cuda: the first GPU, on which the last two cases are not timed");
  options::variables_map given;
  options::store(options::parse_command_line(count, words, known), given);
  options::notify(given);
  if (given.count("help")) {
    std::cout << known;
    return 0;
  }
  if (wanted.device != "cpu" && wanted.device != "cuda")
    throw SettingError(fmt::format("--device must be cpu or cuda, got {}", wanted.device));
  wanted.device == "cpu" ? run_cases(wanted) : run_device_cases(wanted);
  return 0;
}

}  // namespace

}  // namespace potluck::benchmarks

int main(int count, char** words) {
  try {
    return potluck::benchmarks::main_program(count, words);
  } catch (const std::exception& error) {
    std::cerr << "langevin_benchmark: " << error.what() << '\n';
    return 1;
  }
}
