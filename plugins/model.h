// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"
#include "core/precision.h"
#include "core/settings.h"
#include "plugins/parameters.h"
#include "potluck/plugin.h"

namespace potluck {

/// An input as the model declares it.
struct InputDescription {
  std::string name;
  bool categorical = false;
  bool parent = false;  ///< the model is conditional on it; false: it is drawn
  std::string summary;
  bool optional = false;     ///< a composition may leave it out
  bool may_be_none = false;  ///< of a categorical one: a row's label may be -1, which says that none is given
};

/// A model that a loaded plugin offers. Lives as long as the process: plugins are never unloaded.
struct ModelKind {
  std::string name;  ///< "gaussian", "acme.smoothness"
  std::string summary;
  std::string reference;
  std::vector<InputDescription> inputs;
  std::vector<SettingDescription> settings;
  std::string plugin_id;
  std::string plugin_version;
  std::string plugin_file;
  std::string plugin_sha256;
  std::string plugin_torch = "none";  ///< the LibTorch it was built with, "2.11.0+cu130"
  const potluck_model_kind* table = nullptr;

  int input(const std::string& name) const;    ///< index, or -1
  int setting(const std::string& name) const;  ///< index, or -1
  bool has_gaussian_part() const;              ///< whether the plugin's table has that function, of minor version 2
  bool has_statistics() const;                 ///< statistics, add_statistics and fit, of minor version 3
  bool has_log_normaliser_gradient() const;    ///< of minor version 3
};

/// A named array of numbers from a weights file. `bytes` holds row-major values of `type`.
struct Weight {
  std::string name;
  int32_t type = POTLUCK_FLOAT32;
  std::vector<int64_t> shape;
  std::vector<std::byte> bytes;
};

/// What a composition binds to one declared input.
struct Slot {
  std::vector<int64_t> shape;
  int64_t categories = 0;
  std::vector<double> least, most;  ///< per coordinate; both empty: the real line
  /// Numbers that stand at one value in every evaluation; both empty: none is known to.
  std::vector<uint8_t> held = {};
  std::vector<double> value = {};
  bool left_out = false;  ///< an optional input that reads nothing
  int64_t size() const;   ///< 0 where left out
};

struct ModelSetup {
  Device device;
  Precision precision = Precision::kFloat32;
  int64_t most_rows = 1;
  std::vector<Slot> slots;           ///< one per declared input
  std::vector<SettingValue> values;  ///< one per declared setting
  std::span<const Weight> weights;   ///< empty: no weights file
  uint64_t initial_key[2] = {0, 0};
};

/// Why a model refused its setup, and what it was about, so that the caller can point at file:line.
class ModelCreateError : public Error {
 public:
  ModelCreateError(const std::string& text, int32_t status_, int32_t about_, int32_t index_)
      : Error(text), status(status_), about(about_), index(index_) {}
  int32_t status;  ///< POTLUCK_BAD_SETTING, ...
  int32_t about;   ///< POTLUCK_ABOUT_SETTING, ...
  int32_t index;   ///< of the setting, input or weight
};

/// A created model: the host's side of the door. Every call checks the status and turns a failure into an error that
/// names plugin, version, model, call and shapes. The floating-point mode and LibTorch's default type are kept round
/// each call, the rest of the process's state (ProcessState) round those that are made once.
class Model {
 public:
  /// @throws ModelCreateError, ModelFault; PluginError where it cannot run on the device ("expert 'ising' (acme.ising
  /// 1.2.0) runs on cpu only, the run is on cuda:0. Use --device cpu, or ask its author for CUDA") or in the precision.
  Model(const ModelKind& kind, const ModelSetup& setup);
  ~Model();
  Model(Model&&) noexcept;
  Model& operator=(Model&&) noexcept;

  const ModelKind& kind() const;
  const ModelSetup& setup() const;  ///< `weights` is emptied after creation
  const potluck_facts& facts() const;
  bool can(uint64_t ability) const { return (facts().abilities & ability) != 0; }
  size_t workspace_bytes(int64_t rows) const;
  /// The plugin's own model, for calls that have no method here. The caller guards them (FloatingPointGuard).
  potluck_model* plugin_model() const;

  /// @throws PluginError on a status other than POTLUCK_OK. Rows that are NaN are the caller's to see.
  void evaluate(const potluck_call& call) const;

  /// log Z for each row of parents; false where the model does not know it. See plugin.h for the arrays.
  bool log_normaliser(const potluck_call& given, double* log_z) const;

  /// The quadratic form over the inputs left open (null in `input`), which together hold n numbers; nothing where the
  /// energy is not quadratic in them or the model does not say.
  struct Quadratic {
    int64_t n = 0;
    std::vector<double> precision;  ///< [n, n]
    std::vector<double> linear;     ///< [n]
    double constant = 0;
  };
  std::optional<Quadratic> quadratic(const void* const* input) const;

  /// E(v) = sum_j curvature[j] (v_j - mean[j])^2 / 2 + a rest of at most linear growth, over all drawn continuous
  /// inputs one after the other, n numbers together.
  struct GaussianPart {
    std::vector<double> curvature;  ///< [n]
    std::vector<double> mean;       ///< [n]
  };
  /// At one row of parents, `input`, in which drawn inputs and those left out are null; nothing where the model does
  /// not know such a part.
  /// @throws ModelFault where a number of it is not finite.
  std::optional<GaussianPart> gaussian_part(const void* const* input) const;

  /// The energies of all labels of categorical input `input` to [rows, n, K]; false where the model does not know them.
  bool category_energies(const potluck_call& call, int32_t input, double* energy) const;

  /// Exact draws on the CPU; false where the model cannot. See plugin.h for the arrays.
  bool draw(const potluck_call& given, const uint8_t* const* held, const double* uniforms, void* const* out) const;

  /// The model's own parameters, on its device; none where it has none. A model may do extra work in every call from
  /// then on: ask only to read or to learn them.
  /// @throws ModelFault for arrays that cannot be: twins, other types, another device, memory that is not there.
  std::vector<ModelParameter> parameters();

  /// Says that the parameters have been written.
  void parameters_changed(void* stream = nullptr);

  /// sum[p] += sum_b cotangent[b] dE_b/dp + sum_b d/dp (tangent_b . dE_b/dx). See plugin.h for the arrays. False where
  /// the model cannot do it, and then nothing was added.
  bool parameter_gradient(const potluck_call& call, const double* cotangent, const void* const* tangent,
                          void* const* sum) const;

  /// The sums over rows of data from which the model finds its parameters.
  struct Statistics {
    int64_t count = 0;         ///< numbers
    bool closed_form = false;  ///< they give the parameters of maximum likelihood; else those of a round of EM
  };
  /// Nothing where the model, in this setup, has none.
  /// @throws ModelFault for a count that is not > 0 or does not fit into memory
  std::optional<Statistics> statistics() const;
  /// sum[k] += what the rows of `call` have of number k. @param sum  [count]
  void add_statistics(const potluck_call& call, int64_t round, double* sum) const;
  /// Sets the parameters; parameters_changed() is the caller's to call. @param sum  [count], over all rows
  /// @throws ModelFault, with the model's own words where the sums leave no valid parameters
  void fit(int64_t round, const double* sum);

  /// sum[p] += sum_b cotangent[b] d log Z_b / dp at each row of parents. False where the model cannot.
  bool log_normaliser_gradient(const potluck_call& given, const double* cotangent, void* const* sum) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace potluck
