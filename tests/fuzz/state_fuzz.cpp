// SPDX-License-Identifier: Apache-2.0
// The state in a checkpoint whose SHA-256 is right: a run that goes on from it may end with an error and no other way.
#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

#include "core/error.h"
#include "core/methods/method.h"
#include "core/sampling/run/run.h"
#include "tests/core/energies.h"
#include "tests/fuzz/fuzz_folder.h"

namespace {

using namespace potluck;

const Energy& energy() {
  static const auto normal = testing::normal_energy(testing::line("x", 2), 1);
  return normal;
}

RunOptions options_of(const std::string& name) {
  RunOptions options;
  options.method = name;
  for (const SettingDescription& option : method(name).options) options.values.push_back(preset_value(option, name));
  options.chains = 4;
  options.warmup = 60;
  options.steps = 4;
  options.threads = 1;
  options.checkpoint_every = 30;
  return options;
}

/// The state in the middle of the warm-up, and that of the end.
std::vector<std::vector<std::byte>> states_of(const std::string& method) {
  class All final : public Observer {
   public:
    void checkpointed(std::span<const std::byte> state, int64_t) override {
      states.emplace_back(state.begin(), state.end());
    }
    std::vector<std::vector<std::byte>> states;
  } all;
  Observer* observers[] = {&all};
  const std::atomic<bool> go_on{false};
  run({&energy(), {{}}, 1}, *default_start(energy().variables()), options_of(method), observers, go_on);
  return std::move(all.states);
}

/// Bytes of the input are laid over a sound state: three numbers say where, the rest says what.
std::vector<std::byte> damaged(std::vector<std::byte> state, const uint8_t* data, size_t size) {
  while (size >= 4) {
    const size_t at = (size_t{data[0]} | size_t{data[1]} << 8) % (state.size() + 1);
    const size_t count = std::min<size_t>({size_t{data[2]} % 16, size - 3, state.size() - at});
    if (count == 0) state.resize(at);  // cut short
    std::memcpy(state.data() + at, data + 3, count);
    data += 3 + count;
    size -= 3 + count;
  }
  return state;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const std::array<std::string, 4> methods = {"mala", "hmc", "parallel_tempering", "langevin"};
  static const std::array<std::vector<std::vector<std::byte>>, 4> states = {
      states_of(methods[0]), states_of(methods[1]), states_of(methods[2]), states_of(methods[3])};
  if (size < 1) return 0;
  const size_t method = data[0] % methods.size();
  const auto& own = states[method];
  const std::vector<std::byte> state = damaged(own[data[0] / methods.size() % own.size()], data + 1, size - 1);
  // Steps beyond the present one are the run's own business, and may be many.
  const std::atomic<bool> stop{size % 2 == 0};
  try {
    run({&energy(), {{}}, 1}, *default_start(energy().variables()), options_of(methods[method]), {}, stop, state);
  } catch (const Error&) {
  }
  return 0;
}
