// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "compose/tree/learn_settings.h"
#include "compose/tree/places.h"
#include "core/diagnostics/until.h"
#include "core/error.h"
#include "core/methods/method_choice.h"
#include "core/sampling/annealing/annealed_options.h"
#include "core/sampling/run/schedule.h"
#include "core/variables/variable.h"
#include "plugins/model.h"

namespace potluck {

struct Node;
using NodePointer = std::shared_ptr<const Node>;

/// What one input of a leaf reads: a part of a variable, or a literal; nothing, where an optional one is left out.
struct Binding {
  /// Index of the variable, or -1 for a literal.
  int variable = -1;
  /// Shape of one row as the model sees it.
  std::vector<int64_t> shape;
  /// [V, size]: which elements of the variable each of the V rows per chain reads; empty: the whole variable, V = 1.
  /// Inside `each`, every binding to a variable has V = number of parts: a part each, or the same elements repeated.
  std::vector<int32_t> index;
  std::vector<double> literal;  ///< [size], where variable is -1 (labels too)
  std::string text;             ///< as the user wrote it, for explain: "image", "upper", "3"
  bool left_out = false;        ///< then `variable` is -1 and `shape` is {0}: no numbers
};

/// A weights file that was read once and is shared by the leaves that name it.
struct WeightsFile {
  std::string path;
  std::string sha256;
  std::vector<Weight> arrays;
  std::map<std::string, std::string> metadata = {};  ///< compose/experts/weights_metadata.h reads what is Potluck's
};

/// exp(-E(x)) of one model.
struct Leaf {
  const ModelKind* kind = nullptr;
  std::vector<SettingValue> settings;          ///< one per declared setting
  std::shared_ptr<const WeightsFile> weights;  ///< or null
  std::string weights_path;                    ///< absolute, where one is named, be it there or not yet; else empty
  std::vector<Binding> inputs;                 ///< one per declared input
  int64_t parts = 1;                           ///< V: rows a chain; more than 1 only inside `each`
  Place model_place;                           ///< where the model is named
  Place weights_place;                         ///< where the weights file is named; unknown where there is none
  std::vector<Place> setting_places;           ///< one per declared setting; where it was left out: model_place
  std::vector<Place> input_places;             ///< one per declared input
};

/// prod_i p_i^w_i
struct Product {
  struct Term {
    NodePointer energy;
    double weight = 1;
  };
  std::vector<Term> terms;
};

/// How log Z of a mixture's branch is estimated where nothing says it (compose/start/branch_estimate.h).
struct LogZEstimation {
  /// Z is the integral over the supports of the branch's variables, which makes it a truncated expert; else over the
  /// whole domain of its models.
  bool on_support = false;
  int64_t repeats = kPresetRepeats;  ///< independent ones, at least 2
  /// Its particles, moves, base and seed are the file's to choose. The seed is not that of `sample`: another seed of a
  /// run draws from the same target.
  AnnealedOptions annealing;
};

/// Draws of a branch, from the particles of its estimate: of each variable the numbers that the branch draws, in their
/// order, [rows, numbers].
struct BranchDraws {
  int64_t rows = 0;  ///< 0: of a run that is gone on with, whose starts are behind it
  std::map<std::string, std::vector<double>> numbers;
};

/// What such an estimate found.
struct LogZEstimate {
  double log_z = 0;
  double standard_error = 0;
  std::shared_ptr<const BranchDraws> draws = {};  ///< none where they were not kept
};

/// sum_i a_i exp(-E_i)/Z_i
struct Mixture {
  struct Branch {
    NodePointer energy;
    double weight = 1;                              ///< scaled so that all sum to 1
    std::optional<double> log_z = {};               ///< the user's number for this branch
    std::optional<LogZEstimation> estimation = {};  ///< asked for in place of a number
    Place log_z_place = {};                         ///< of `log_z`, where it is written
  };
  std::vector<Branch> branches;
  bool unnormalised = false;  ///< the weights absorb Z_i
};

/// exp(+strength s(E)), s(E) = -w log(exp(-E/w) + exp(-c/w)), w = softness; s(E) = E without a ceiling.
struct Not {
  NodePointer energy;
  double strength = 1;
  std::optional<double> ceiling;  ///< counted from the energy's known lower bound, else from 0
  double softness = 1;
};

/// p^(1/T) of this node only.
struct Temper {
  NodePointer energy;
  double temperature = 1;
};

/// p(top) prod p(level | above); each level draws new variables.
struct Hierarchy {
  std::vector<NodePointer> levels;
  bool unnormalised = false;
};

/// Product of one expert over all parts of a view: the energies of the V rows of a chain are summed.
struct Each {
  NodePointer energy;
  std::string over;
  int64_t parts = 1;
};

/// One node of the tree. A node that is written once and used twice is one object.
struct Node {
  std::variant<Leaf, Product, Mixture, Not, Temper, Hierarchy, Each> kind;
  std::string name;  ///< as in `energies`, or a path such as "scene.product[2]" where it was written inline
  Place place;
};

/// Settings of `sample`, already of the right type and inside their bounds.
struct SampleSettings {
  std::string method = "mala";
  std::vector<SettingValue> method_values;  ///< one per option of the method, in its declared order
  std::vector<BlockOptions> blocks;         ///< of a sweep, also where labels move; empty: the method moves everything
  int64_t chains = 64;
  Schedule anneal;
  int64_t warmup = 500;
  int64_t steps = 1000;
  int64_t thin = 1;
  uint32_t seed = 1;
  double temperature = 1;
  Precision precision = Precision::kFloat32;
  int64_t checkpoint_every = 0;  ///< steps; 0: a checkpoint only where the run ends or is interrupted
  Until until;
  int64_t superchain = 1;      ///< neighbouring chains that begin at one point
  std::string start = "auto";  ///< auto, exact, uniform, normal, or a file (npy or safetensors, positions)
};

/// The file of the rows of a variable that a composition is evaluated at.
struct PointsFile {
  int variable = 0;
  std::string file;             ///< absolute
  std::string array;            ///< of a safetensors file; empty: its only one
  std::optional<double> scale;  ///< factor of the file's numbers
  Place place;                  ///< of what names it, for errors: "--at image"
};

struct OutputSettings {
  std::string folder;                 ///< resolved against the composition file; empty: not given
  std::vector<std::string> pictures;  ///< names of variables
};

/// A composition file, read and checked.
struct Composition {
  std::string file;
  std::optional<std::string> piped;  ///< the text of `file`, where it came through a pipe
  std::vector<Variable> variables;
  std::vector<View> views;
  NodePointer target;
  std::map<std::string, NodePointer> energies;  ///< closed ones; open leaves appear where they are used
  std::vector<Held> held;                       ///< one per variable
  std::optional<bool> integrable;               ///< the user's word
  SampleSettings sample;
  bool only_evaluated = false;     ///< read to be evaluated at points: neither integrable nor sampled
  std::vector<PointsFile> points;  ///< of the variables whose rows come from files
  OutputSettings output;
  std::optional<LearnSettings> learn;        ///< none: there is no such section
  std::vector<Held> held_to_sample;          ///< of a composition that is read to train: `held` when it is sampled
  Places places;                             ///< where its values stand, includes and overrides applied
  std::string resolved;                      ///< the whole file as canonical YAML, includes and overrides applied
  std::map<std::string, std::string> files;  ///< path -> SHA-256 of every file that was read
  /// content_key_of_branch() -> its log Z, of the branches that ask for an estimate and have one. Not of the file:
  /// added by who estimates it.
  std::map<std::string, LogZEstimate> estimates;
  std::vector<std::string> warnings;
};

}  // namespace potluck
