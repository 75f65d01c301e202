// SPDX-License-Identifier: Apache-2.0
//
// The face of Potluck's engine: read a composition, evaluate its energy, draw samples of it, go on later. All of it is
// in this one header, which is why it is long.
//
//   using namespace potluck::engine;
//   Plugins plugins(PluginOptions{.first = {{"/opt/acme/plugins"}}});
//   Composition scene = Composition::from_file("scene.yaml", plugins);
//   Composite energy(scene);
//   Evaluation there = energy.evaluate({.rows = 2, .values = {{"x", std::vector<double>{0, 1}}}});
//   Sampler sampler(energy);
//   sampler.start();
//   while (sampler.warming_up()) sampler.step(100);
//   for (int i = 0; i < 1000; ++i) { sampler.step(10); use(sampler.draw()); }
//
// Everything here is a value or an object that owns what it needs, but where a sentence says otherwise. Names are
// UTF-8; arrays are dense and row-major, one row a chain or state.
//
// Errors. Every function may throw Error and std::bad_alloc; the destructors, move operations and what is noexcept do
// not. Another std::exception is one of an observer of yours, or a fault of Potluck. After an exception an object is as
// it was before the call, but where a sentence says otherwise.
//
// Threads. Different objects may be used from different threads at once, if they were made from different Plugins. One
// object may be used by one thread at a time. A Composite and a Sampler start threads of their own. Plugins are
// libraries that are opened once in a process and stay open; open them before you start threads that call fork().
#ifndef POTLUCK_ENGINE_H
#define POTLUCK_ENGINE_H

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <functional>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace potluck::engine {

/// "0.1.0"
const char* version() noexcept;

// ---------------------------------------------------------------------------------------------------------- errors

/// What is wrong, at one place.
struct Fault {
  std::string file;  ///< or the override that brought the value, such as "--set sample.steps"; "" where it is unknown
  int line = 0;      ///< from 1; 0 where it is unknown, as of an override
  int column = 0;    ///< likewise
  /// Of the value, as `Overrides::set` takes it: "sample.steps"; or of what a function was given: "points.x", "share".
  /// "" where it is about none.
  std::string path;
  std::string text;        ///< "sample.steps must be >= 1, got 0. …", without the place
  std::string suggestion;  ///< the known name that is nearest to a wrong one; "" where there is none
};

/// What the engine throws. Texts and their advice call an option as `potluck` does: --output is RecordOptions::folder,
/// --overwrite, --device and --threads are those of RecordOptions and Machine, --set and --given those of Overrides,
/// --shape, --support and the like those of CheckOptions. what() is the text that `potluck` prints: one line for each
/// fault, with its place. A value: threads may share one.
class Error : public std::runtime_error {
 public:
  enum class Kind {
    kInput,    ///< a composition, an option, a file that is read, a name that no folder can have: nothing was begun
    kOutput,   ///< a file or folder that the disk, a limit or its permissions do not let be written
    kMachine,  ///< the machine or a limit on the process refuses memory, threads or open files
    kPlugin,   ///< a plugin was refused, or a model failed in a call
    kNumbers   ///< every chain froze, or found no start with density
  };
  Error(Kind kind, const std::string& text, std::vector<Fault> faults = {})
      : std::runtime_error(text), kind_(kind), faults_(std::move(faults)) {}
  Kind kind() const noexcept { return kind_; }
  /// Of a composition all that is wrong, in the order of the file; else one or none.
  const std::vector<Fault>& faults() const noexcept { return faults_; }

 private:
  Kind kind_;
  std::vector<Fault> faults_;
};

// ---------------------------------------------------------------------------------------- this build and this machine

/// What this build has, and what it finds on this machine.
struct Host {
  std::string libtorch;                   ///< the LibTorch that plugins must match: "2.11.0+cu130"
  std::string libtorch_folder;            ///< where it is looked for
  bool cuda = false;                      ///< this build has a CUDA backend
  std::vector<std::string> cuda_devices;  ///< by index: "NVIDIA H100 80GB HBM3"
  std::string instructions;               ///< "x86-64-v4": draws have the same bits on processors that agree in it
  std::string kernels;                    ///< the vector loops that are used: "avx512"
  int threads = 1;                        ///< that this process may use
};
Host host();

// ------------------------------------------------------------------------------------------------------------- words

/// A number as compositions have it: 0.5, 1e-3, 1/255, inf.
/// @throws Error "WHAT must be >= 0, got -1"
double parse_number(const std::string& word, const std::string& what,
                    double least = -std::numeric_limits<double>::infinity(),
                    double most = std::numeric_limits<double>::infinity());
int64_t parse_integer(const std::string& word, const std::string& what,
                      int64_t least = std::numeric_limits<int64_t>::min(),
                      int64_t most = std::numeric_limits<int64_t>::max());

/// The known name that is nearest to a wrong one; "" where none is near enough to be a slip.
std::string nearest_name(const std::string& wrong, const std::vector<std::string>& known);

// --------------------------------------------------------------------------------------------------------- settings

/// A setting of a model or an option of a method.
struct Setting {
  std::string name;
  std::string range;  ///< "real, >= 0, default 0.5"
  std::string unit;   ///< "1" where there is none
  std::string summary;
  bool list = false;  ///< several values
};

/// A sampling method. See docs/which-method.md.
struct Method {
  std::string name, summary, reference;
  bool exact = false;  ///< leaves exp(-E/T) invariant whatever the step size
  std::vector<Setting> options;
};

/// All of them, in alphabetical order.
std::vector<Method> methods();

// ---------------------------------------------------------------------------------------------------------- plugins

/// A file or folder where plugins are looked for.
struct SearchPath {
  std::string path;
  /// Who names it, as lists and errors call that: "--plugin", "POTLUCK_PLUGIN_PATH", "user", "installation".
  std::string name = "the program";
};

struct PluginOptions {
  std::vector<SearchPath> first = {};     ///< searched before what a composition names; must be there
  std::vector<SearchPath> standing = {};  ///< searched after it; looked at where they are there
  bool allow_world_writable = false;      ///< accept plugins to which everybody may write
  /// Folder for what was found out about a plugin that was seen for the first time; empty: each process finds out anew.
  std::string verdicts = {};
  bool trust_verdicts = true;  ///< false: judge every plugin anew
};

/// A plugin that was found, usable or not. What it says of itself is empty where its note could not be read.
struct Plugin {
  std::string file;
  std::string found_by;  ///< SearchPath::name, or the composition that names it
  std::string id, version, licence, torch, compiler;
  int abi = 0;
  unsigned needs_minor = 0;
  std::vector<std::string> models;
  bool usable = false;
  std::string reason;  ///< why it is not usable; empty where it is
};

struct ModelInput {
  std::string name, summary;
  bool categorical = false;
  bool parent = false;    ///< the model is conditional on it; false: it is drawn
  bool optional = false;  ///< a composition may leave it out
};

/// A model that a plugin offers.
struct Model {
  std::string name, summary, reference;
  std::vector<ModelInput> inputs;
  std::vector<Setting> settings;
  std::string plugin_id, plugin_version, plugin_file;
};

/// Finds, judges and opens plugins. What it opens stays open as long as the process. Compositions made from it refer to
/// it and must not outlive it. One thread at a time may use it and what is made from it.
class Plugins {
 public:
  explicit Plugins(PluginOptions options = {});
  ~Plugins();
  Plugins(Plugins&&) noexcept;
  Plugins& operator=(Plugins&&) noexcept;

  /// All that are found, in the order of search. Opens none.
  std::vector<Plugin> list();
  /// What a file says of itself. Opens nothing; `usable` and `found_by` are not filled.
  static Plugin inspect(const std::string& file);
  /// Names of all models that usable plugins offer, sorted. Opens none.
  std::vector<std::string> model_names();
  /// Opens its plugin.
  Model model(const std::string& name);
  /// The models of one plugin, by id or file, in its own order. Opens it.
  std::vector<Model> models_of(const std::string& file_or_id);
  /// JSON Schema (draft 2020-12) of the settings of a model, and of the composition format with all models found.
  std::string settings_schema(const std::string& model);
  std::string composition_schema();

  struct State;
  State& state() noexcept { return *state_; }  ///< for the engine itself

 private:
  std::unique_ptr<State> state_;
};

/// How a model is set up for the conformance checks. Everything has a default that fits most models.
struct CheckOptions {
  std::map<std::string, std::vector<std::string>> settings = {};  ///< words of a setting, several of a list
  std::map<std::string, std::vector<int64_t>> shapes = {};  ///< of an input's row; others are tried from small ones
  std::map<std::string, int64_t> categories = {};           ///< of a categorical input
  std::vector<std::string> left_out = {};                   ///< optional inputs that are not bound
  std::map<std::string, std::pair<double, double>> supports = {};  ///< test points are uniform there, else normal
  /// .npy files of points [rows, shape] near which the model is tested, by input.
  std::map<std::string, std::string> starts = {};
  std::string weights = {};       ///< a safetensors file; empty: none
  uint32_t seed = 1;              ///< of the test points
  int64_t patience_seconds = 60;  ///< for one check; eight times as long for all of a model's
};

/// What a check found.
struct Check {
  enum class Outcome { kPassed, kFailed, kNotApplicable };
  std::string name;
  Outcome outcome = Outcome::kPassed;
  std::string text;    ///< the figure and the bound that it was held against
  std::string advice;  ///< what the author of the model can do; empty where nothing failed
};

struct CheckReport {
  std::string model;
  std::string setup;  ///< "position [3]"; empty where the model accepted none
  std::vector<Check> checks;
  bool passed() const;  ///< no check failed
};

/// Holds a model against what it claims: gradients, rows, threads, memory, log Z, draws. Each check runs in a child
/// process, which a model may crash. The calling process must not have created models with LibTorch or CUDA before.
/// @param model  of these plugins
/// @param progressed  called with the report so far, once the setup is known and as each check ends
/// @throws Error where the options name an input or setting that the model does not have, or points do not fit
CheckReport check_model(Plugins& plugins, const Model& model, const CheckOptions& options = {},
                        const std::function<void(const CheckReport&)>& progressed = {});

// ------------------------------------------------------------------------------------------------------ composition

/// What is changed in a composition before it is read.
struct Overrides {
  struct Setting {
    std::string path;         ///< "sample.steps"
    std::string text;         ///< as it would be written in the file: "500"
    std::string called = {};  ///< what errors call it, such as "--until rhat"; empty: "--set PATH"
  };
  struct Given {
    std::string name;  ///< of a variable or view
    std::string text;  ///< a value, or a file: "3", "photo.png"
  };
  /// A variable whose numbers are those of points.
  struct At {
    std::string name;  ///< of a variable
    /// Of evaluate_files(), the file of its rows: "points.npy", or a map "{file: points.npy, scale: 1/255}" with
    /// `scale` and `array` as `given` has them. Empty: Composite::evaluate() brings them.
    std::string text = {};
    std::string called = {};  ///< what errors call it; empty: "--at NAME"
  };
  std::vector<Setting> set = {};
  std::vector<Given> given = {};
  /// Not empty: the composition is to be evaluated at points, and is not sampled. Nothing of these variables is given,
  /// whatever `given` says; of `sample`, precision and temperature count; the target need not be integrable.
  std::vector<At> at = {};
  /// The folder that relative paths in an override are of, by what errors call it: "--given upper". Of one that is not
  /// named: the working folder.
  std::map<std::string, std::string> folders = {};
};

/// Where the composite of a composition is to be evaluated.
struct Machine {
  /// "auto" (a GPU where there is one and every model can use it, else the CPU), "cpu", "cuda" or "cuda:1".
  std::string device = "auto";
  int threads = 0;         ///< on the CPU; 0: as many as this process may use. Draws do not depend on it
  int64_t local_rank = 0;  ///< of several processes on this machine which one this is: with "cuda" they take turns
  /// Folder where estimates of log Z that a composition asks for are kept from run to run; empty: nowhere.
  std::string log_z_folder = {};
};

/// A variable of a composition.
struct Variable {
  std::string name;
  std::vector<int64_t> shape;                               ///< of one state; empty: one number
  int64_t categories = 0;                                   ///< K: labels 0 ... K-1; 0: real numbers
  double least = -std::numeric_limits<double>::infinity();  ///< of the support
  double most = std::numeric_limits<double>::infinity();
  bool transformed = false;  ///< at the ends of its support, in logit or log coordinates; false: reflected there
  int64_t size = 1;          ///< numbers of one state
  int64_t given = 0;         ///< how many of them are given
};

/// What `sample` says, with its defaults.
struct SampleSettings {
  struct Block {
    std::vector<std::string> variables;
    std::string method;
  };
  /// Numbers that move before the warm-up, level by level, to where they belong.
  struct Anneal {
    std::optional<double> temperature;                  ///< of the first level; none: it does not move
    std::vector<std::pair<std::string, double>> given;  ///< names of variables, and their values at the first level
    int64_t levels = 0;                                 ///< 0: nothing moves
    int64_t steps = 1;                                  ///< of each level
    std::string spacing = "geometric";                  ///< or karras, or linear
    /// Where the given number that moves is a level of noise: chains move along the probability flow from level to
    /// level.
    bool predictor = false;
    bool step_by_level = false;       ///< step sizes before the warm-up are in units of the level's square
    std::optional<double> step_size;  ///< of them; none: auto
    bool noisy_given = false;         ///< given numbers that noise blurs wear noise of the level before the warm-up
  };
  std::string method;
  std::vector<Block> blocks;  ///< of a sweep; empty: `method` moves everything
  int64_t chains = 0, warmup = 0, steps = 0, thin = 1;
  uint32_t seed = 1;
  double temperature = 1;
  bool float64 = false;  ///< of positions and gradients; energies are float64 always
  Anneal anneal;
};

/// A composition, read and checked. Copies share what was read, which never changes. Must not outlive its Plugins.
class Composition {
 public:
  /// Reads a file: YAML as of docs/composition-file.md. Opens the plugins whose models it names.
  /// @throws Error with all that is wrong in faults()
  static Composition from_file(const std::string& file, Plugins& plugins, const Overrides& overrides = {},
                               const Machine& machine = {});
  /// The same of a text. Relative paths in it are of the working folder.
  /// @param name  what errors call it
  static Composition from_text(const std::string& text, Plugins& plugins, const Overrides& overrides = {},
                               const Machine& machine = {}, const std::string& name = "composition");

  /// Reads a file to train its experts: its section `learn` counts, with the data, and weights that it names need not
  /// be there. For TrainingRun only.
  static Composition to_train(const std::string& file, Plugins& plugins, const Overrides& overrides = {},
                              const Machine& machine = {});

  const std::string& file() const noexcept;    ///< or the name of the text
  const std::string& target() const noexcept;  ///< name of the energy that is sampled
  std::string tree() const;                    ///< of energies, a line each, as `potluck explain` prints it
  std::vector<Variable> variables() const;
  SampleSettings sample() const;
  /// The whole composition as YAML, includes and overrides applied.
  const std::string& resolved() const noexcept;
  /// What a person should know, a sentence each.
  std::vector<std::string> warnings() const;

  struct State;
  const State& state() const noexcept { return *state_; }  ///< for the engine itself

 private:
  friend class EarlierRun;
  explicit Composition(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

// -------------------------------------------------------------------------------------------------------- composite

/// Numbers of one variable, row after row: a vector of its own, or a view of an array that somebody else owns and that
/// must be there during the call. Labels are int64_t; a continuous variable takes float or double.
using Numbers = std::variant<std::vector<double>, std::span<const float>, std::span<const double>,
                             std::span<const int64_t>, std::vector<int64_t>>;

/// Points of the space of states.
struct Points {
  int64_t rows = 0;
  /// By name of the variable, [rows, shape]. A variable that is given whole may be left out. Numbers that are given
  /// have the given values, whatever stands here, but for variables of Overrides::at, of which none is.
  std::map<std::string, Numbers> values = {};
  int64_t first_row = 0;  ///< what errors call the first of them
};

struct Evaluation {
  int64_t rows = 0;
  /// [rows], E of the finished composite before the temperature. +infinity: density zero. NaN or -infinity: a model
  /// failed there.
  std::vector<double> energy;
  /// By name of a continuous variable that is not given whole, [rows, shape]: dE/dx, 0 for numbers that are given.
  std::map<std::string, std::vector<double>> gradient;
  std::vector<std::string> experts;   ///< names, in the order of expert_energy
  std::vector<double> expert_energy;  ///< [experts, rows], before weights
};

/// A distinct evaluation of a model in each step.
struct Leaf {
  std::string name;          ///< of the energy that first names it
  std::string model;         ///< with plugin and version
  int64_t rows_a_chain = 1;  ///< more than 1 inside `each`
  int used = 1;              ///< how many places of the tree share the evaluation
  std::string weight;        ///< "1", "0.5", "depends on the state"
};

/// log Z of a composite: the log of the integral of exp(-E) over the natural domain of what it draws. Supports and
/// given numbers do not enter: experts are normalised as their authors meant them.
struct LogZ {
  bool known = false;
  double value = 0;           ///< where it is known
  double standard_error = 0;  ///< where estimates of log Z of branches enter
  std::string how;            ///< how it is known, or why it is not
};

/// A composition whose models are created on a device: an energy that can be evaluated and sampled. Holds what it needs
/// of the composition. Moving one leaves Samplers of it valid; it must outlive them. One thread at a time may call it,
/// and not while a Sampler of it is in a call.
class Composite {
 public:
  enum class Purpose {
    kLook,  ///< to check or explain: nothing is estimated, and evaluate() and Sampler refuse it
    kRun
  };
  using Say = std::function<void(const std::string&)>;

  /// Creates the models. Estimates of log Z that the composition asks for, and that are not kept, are made: minutes.
  /// @param say  hears of what takes long; may be empty
  /// @throws Error with all that the models refuse in faults()
  explicit Composite(const Composition& composition, Purpose purpose = Purpose::kRun, const Say& say = {});
  ~Composite();
  Composite(Composite&&) noexcept;
  Composite& operator=(Composite&&) noexcept;

  const Composition& composition() const noexcept;
  std::string device() const;  ///< "cpu", "cuda:0"
  int threads() const;         ///< on the CPU
  const std::vector<std::string>& experts() const;
  std::vector<Leaf> leaves() const;
  /// Where chains begin: "uniform in the supports".
  std::string start() const;
  /// What is normalised and integrable and why, from where ceilings count, the temperature; a line each.
  std::vector<std::string> explanation() const;
  /// Those of the composition, and what creating the models had to say.
  const std::vector<std::string>& warnings() const;
  LogZ log_z() const;

  /// The energy at points, its gradient, and that of each expert. Works through them in batches, on the threads or the
  /// device of the composite. Numbers are rounded to the precision of the composite, `sample.precision`, before
  /// anything is evaluated: float32 has 7 digits. Energies are summed up in float64.
  /// @throws Error where a variable is missing or has other numbers than `rows` times its size, and where a label or a
  ///   number is outside the support, not finite, or beyond what the precision holds
  Evaluation evaluate(const Points& points);

  struct State;
  State& state() noexcept { return *state_; }  ///< for the engine itself
  const State& state() const noexcept { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

// ------------------------------------------------------------------------------------------------ evaluation of files

/// What is written of the rows of files.
struct FileEvaluationOptions {
  std::string output;      ///< a file named .npz, .nc or .csv: docs/evaluating.md says what it has
  bool overwrite = false;  ///< a file that is there is replaced once the new one is whole
  std::string over = {};   ///< a variable of one label: the energy of each row with every label, and their shares
  bool experts = false;    ///< the energy of each expert too
  bool gradient = false;   ///< dE/dx too; not with `over`
};

struct FileEvaluation {
  bool interrupted = false;  ///< it was stopped: no file was written, and nothing below counts
  int64_t rows = 0;
  double least = 0, most = 0;  ///< finite energies; NaN where there is none
  int64_t impossible = 0;      ///< energies of +infinity
  int64_t failed = 0;          ///< energies that are no number, or -infinity: a model failed there
  int64_t first_failed = -1;   ///< row of the first of them; -1: there is none
};

/// Evaluates a composite at the rows of the files of Overrides::at, a few thousand at a time, and writes what it finds
/// to one file. Memory does not grow with the rows, but for .npy files in Fortran order, which are read whole. One
/// thread at a time may call it with a composite.
/// @param progressed  hears how many rows are done, and of how many; may be empty
/// @param stop        another thread, or a signal handler, may set it: nothing is written then
/// @throws Error where files do not fit the variables or have not as many rows, and where the output cannot be written.
///   No part of a file stands under its name then.
FileEvaluation evaluate_files(Composite& composite, const FileEvaluationOptions& options,
                              const std::function<void(int64_t done, int64_t rows)>& progressed = {},
                              const std::atomic<bool>* stop = nullptr);

// ---------------------------------------------------------------------------------------------------------- sampler

/// The states of all chains at one moment, in the coordinates of the composition. The arrays belong to who shows them,
/// and a sentence there says how long they stay.
struct Draw {
  struct Position {
    std::string variable;
    std::vector<int64_t> shape;  ///< of one chain
    /// [chains, shape]: float or double as `sample.precision`, int64_t labels of a categorical variable.
    std::variant<std::span<const float>, std::span<const double>, std::span<const int64_t>> values;
    /// The i-th number as a double, whatever the type.
    double at(size_t i) const {
      return std::visit([i](const auto& numbers) { return static_cast<double>(numbers[i]); }, values);
    }
    size_t count() const {
      return std::visit([](const auto& numbers) { return numbers.size(); }, values);
    }
  };
  int64_t index = 0;  ///< 0, 1, ...
  int64_t step = 0;   ///< behind the warm-up
  int64_t chains = 0;
  std::vector<Position> positions;        ///< of all variables, in the composition's order
  std::span<const double> energy;         ///< [chains], before the temperature
  std::span<const double> expert_energy;  ///< [experts, chains]
  std::span<const double> acceptance;     ///< [chains] mean probability since the last draw; 1 where none is asked
  std::span<const uint8_t> frozen;        ///< [chains] 1: the state of the chain failed, and it moves no more
};

/// Where a run stands.
struct Progress {
  bool warmup = false;
  int64_t done = 0, total = 0;  ///< steps of this phase
  double acceptance = 1;        ///< mean over chains since the last report
  double step_size = 0;
  double seconds = 0;             ///< of this phase
  double seconds_left = 0;        ///< NaN where nothing is known
  double steps_a_second = 0;      ///< NaN where nothing is known
  double gradients_a_second = 0;  ///< over all chains, likewise
  double gradients_a_step = 1;    ///< of a chain
  bool leapfrogs = false;         ///< those are the leapfrogs of trajectories
  int64_t frozen = 0;             ///< chains
};

/// Sees what a run does. Called on the thread that called run(), never two calls at once. What a function throws ends
/// the run, and is what run() throws.
class Observer {
 public:
  virtual ~Observer() = default;
  /// The arrays of `draw` stay until it returns.
  virtual void drew(const Draw& /*draw*/) {}
  virtual void progressed(const Progress& /*progress*/) {}
  /// What Sampler::save() would give, after `draws` draws: at `sample.checkpoint_every`, and where the run ends.
  virtual void checkpointed(std::span<const std::byte> /*state*/, int64_t /*draws*/) {}
};

/// Ends a run before its steps are done: asked after every draw. Called on the thread that called run().
class StopRule {
 public:
  virtual ~StopRule() = default;
  /// Why the run may end now; nothing: it goes on.
  virtual std::optional<std::string> reached(const Draw& draw) = 0;
};

/// What is known of a run.
struct Summary {
  /// A block of a sweep, and what moved it.
  struct Block {
    std::vector<std::string> variables;
    std::string method;
    double step_size = 0;  ///< 0: the method has none
  };
  std::string method;         ///< "mala"; "sweep of mala + hmc"
  bool exact_method = false;  ///< leaves exp(-E/T) invariant whatever the step size
  std::string start;
  bool exact_start = false;
  std::string why_stopped;  ///< "all 2000 steps done"
  bool interrupted = false;
  bool stopped_by_rule = false;
  std::vector<Block> blocks;     ///< of a sweep
  int64_t steps = 0, draws = 0;  ///< behind the warm-up
  double step_size = 0;          ///< of a sweep: the least of its blocks
  double acceptance = 1;         ///< mean
  int64_t gradients = 0;         ///< evaluations of energy and gradient a chain, behind the warm-up
  int64_t divergences = 0;
  int64_t frozen = 0;  ///< chains
  std::vector<std::string> notes;
};

/// The chains first ... first + count - 1 of a run that several processes share.
struct Share {
  int64_t first = 0;
  int64_t count = 0;  ///< 0: all chains
};

/// Chains of a composite that are held and stepped as long as one likes, by `sample.method` of its composition. Draws
/// have the bits that `potluck sample` draws, where they are taken after the same steps. It keeps its composite by
/// reference. One thread at a time may call it. Before start() or restore() there are no chains, and what needs them is
/// refused. After an exception of a model or of numbers from step() or draw() the chains stand between two steps:
/// restore() what was saved before.
class Sampler {
 public:
  explicit Sampler(Composite& composite, const Share& share = {});
  ~Sampler();
  Sampler(Sampler&&) noexcept;
  Sampler& operator=(Sampler&&) noexcept;

  /// Puts the chains where `sample.start` says. Called again, it begins anew: nothing is left of the steps before.
  void start();
  /// Puts chain c at row c mod rows.
  void start(const Points& points);
  /// Takes up what save() gave, or Observer::checkpointed(), in place of start(); also that of another process.
  /// @throws Error where it is not whole, or not of the same run: the identity of a run is what its bits depend on, the
  ///   composition, its files and plugins, the settings of `sample` but for how long it goes on, the kind of device,
  ///   the version of Potluck, the share. The chains are then as they were.
  void restore(std::span<const std::byte> saved);
  /// All that changes, bit for bit, with the identity of the run and a SHA-256. The seconds that the run took are in it
  /// too, so that two saves of one state differ in those.
  std::vector<std::byte> save();

  bool warming_up() const;  ///< false as soon as the last step of the warm-up is done
  int64_t steps() const;    ///< done in the present phase: of the warm-up, or behind it
  int64_t draws() const;
  /// Moves all chains by at most `most` steps, which is 1 at least: fewer in the warm-up, which tunes as it goes and
  /// ends with its last step. Returns how many.
  int64_t step(int64_t most);
  /// Counts the present states as a draw, behind the warm-up and at least one step behind the last. Its arrays stay
  /// until the next call of draw() or the end of the Sampler.
  const Draw& draw();
  /// Its acceptance is that of the steps since the last draw; where there are none, of those before it.
  Progress progress();
  /// Of all steps so far, whether or not a draw was taken behind them.
  Summary summary();

  struct State;

 private:
  std::unique_ptr<State> state_;
};

/// What a run takes beside its composite. All that is named must be there during the call.
struct RunOptions {
  std::vector<Observer*> observers = {};
  /// Another thread, or a signal handler, may set it: the run ends after the steps that are under way.
  const std::atomic<bool>* stop = nullptr;
  StopRule* until = nullptr;  ///< beside `sample.until`, which holds too
  /// A part of the chains is refused where `sample.until` has more than steps, which needs all of them.
  Share share = {};
  /// Of Observer::checkpointed() or Sampler::save(), to go on from; empty: a new run. That of another run is refused,
  /// as by Sampler::restore().
  std::span<const std::byte> checkpoint = {};
};

/// Runs a composite as `sample` of its composition says: start, warm-up, `steps` steps with a draw every `thin`, until
/// a rule ends it. A loop over a Sampler. One thread at a time may call it with a composite.
Summary run(Composite& composite, const RunOptions& options = {});

// ------------------------------------------------------------------------------------------------- runs in a folder

/// Which of several processes that share a run this one is.
struct Ranks {
  int64_t rank = 0;
  int64_t world = 1;
  std::string told_by = {};  ///< who said so, for errors: "--rank and --world", "Open MPI"
  bool several() const noexcept { return world > 1; }
};

/// `RUN/rank-0001`: where a rank of the run RUN has its own folder.
std::string rank_folder(const std::string& run, int64_t rank);

/// A command as it was typed. The record of a run keeps it, so that who goes on with the run has its words. Where a
/// program begins a run and leaves it out, the record has the command that would: `potluck sample FILE`.
struct TypedCommand {
  std::vector<std::string> words = {};  ///< "potluck", "sample", ...
  std::string folder = {};              ///< in which it was typed, absolute; empty: the working folder
};

/// The value of an environment variable, or null. The engine does not look at the environment itself.
using Environment = std::function<const char*(const char*)>;

/// Whether the draws of a run may be used, why, and what to change: docs/verdict.md.
struct Verdict {
  std::string usable;                 ///< "yes", "with care", "no"
  std::string text;                   ///< all of it, a paragraph
  std::vector<std::string> findings;  ///< a part of a sentence each, the gravest first
  std::optional<double> steps;        ///< behind the warm-up that the advice names; none where it names none
};

/// A file that could not be made of the draws of a run.
struct NotMade {
  std::string file;          ///< in the folder of the run: "draws.nc", "pictures of x"
  std::exception_ptr error;  ///< an Error or std::bad_alloc
};

/// What was made of the draws of a run.
struct Products {
  int64_t draws = 0, chains = 0;  ///< that the files have
  /// "R-hat at most 1.003, effective sample size at least 812"; empty of a rank, and where there are no draws or no
  /// summary of them.
  std::string convergence;
  std::vector<std::string> branches;  ///< a sentence for each of the first branches of mixtures
  std::vector<NotMade> not_made;      ///< what is beside them was made
  std::optional<Verdict> verdict;     ///< none of a rank, whose draws are judged once they are merged
};

struct RecordOptions {
  std::string folder = {};       ///< of the run; empty: the composition's `output.folder`, else runs/NAME of its file
  bool overwrite = false;        ///< an older run there is replaced once this one has ended
  Ranks ranks = {};              ///< of several, each has its rank_folder()
  TypedCommand command = {};     ///< what began the run
  Environment environment = {};  ///< empty: the record says nothing of it
  /// From where the record counts the seconds of the run in all.
  std::chrono::steady_clock::time_point began = std::chrono::steady_clock::now();
};

/// A run, an estimate or a training that another process, or this one, has begun in a folder and that is to go on. It
/// holds the folder, which no other process may write meanwhile. A value that moves; one thread at a time may use it.
class EarlierRun {
 public:
  enum class Kind { kSample, kEvidence, kTraining };
  /// The command that begins one: "sample", "evidence", "train".
  static const char* command(Kind kind) noexcept;
  /// @throws Error where there is none of that kind, it has no checkpoint, or another process holds it
  EarlierRun(const std::string& folder, Kind kind);
  ~EarlierRun();
  EarlierRun(EarlierRun&&) noexcept;
  EarlierRun& operator=(EarlierRun&&) noexcept;

  /// Where `folder` is a run that is whole, and that was only not put in its place by the process that drew it: does
  /// that. @returns its place; nothing: it is something else, and nothing was done
  static std::optional<std::string> put_in_place(const std::string& folder);

  const std::string& folder() const noexcept;  ///< absolute
  std::optional<Ranks> ranks() const;          ///< of a run that several processes share: which it is
  /// The commands that it was begun and gone on with, in their order, with their folders as those are called now.
  /// @param project  where the folder of the first is now, absolute; none: it is looked for
  /// @throws Error where the composition is not found
  std::vector<TypedCommand> commands(const std::optional<std::string>& project = {});
  /// Reads its composition again: that text where it came through a pipe, with the estimates of log Z that it used.
  Composition read(const std::string& file, Plugins& plugins, const Overrides& overrides = {},
                   const Machine& machine = {}) const;

  struct State;
  State& state() noexcept { return *state_; }  ///< for the engine itself

 private:
  std::unique_ptr<State> state_;
};

/// What a recorded run came to.
struct Outcome {
  /// What was asked of convergence and is not reached.
  struct Unconverged {
    std::string standing;  ///< "R-hat is 1.034 (x[2]), at most 1.01 was asked for"
    std::string scope;     ///< how many numbers were looked at, and of how many
  };
  Summary summary;
  Products products;
  Share share;                   ///< the chains of this process; all of them with their count
  std::string folder;            ///< where the run is
  std::string wanted;            ///< where it is to be, as it was asked for
  bool older_run_stays = false;  ///< the wanted folder is still that of an older run
  double seconds = 0;            ///< since RecordOptions::began
  std::optional<Unconverged> unconverged;
};

/// A run whose draws, record, checkpoints, summary and pictures go to a folder, as those of `potluck sample` do
/// (docs/getting-started.md), with the same bits. It keeps its composite by reference, and holds the folder as long as
/// it lives: no other process may write it. One thread at a time may use it; at most one is in run() in a process, as
/// run() also looks that the models leave the process as it was: the working folder, the mode of new files, the locale,
/// what signals do and the standard streams are put back. What your observers and rules change there stays, as the
/// process is then to be; what other threads change during run() is taken for the models'.
class RecordedRun {
 public:
  /// Begins one. @throws Error where the folder has a run that is not to be replaced, or is held by another process.
  /// What was begun is then removed.
  explicit RecordedRun(Composite& composite, const RecordOptions& options = {});
  /// Goes on with one, in its folder. Its composite is of the composition that EarlierRun::read() gave. @throws Error
  /// where the draws would not be those of the same run. It is then as it was.
  RecordedRun(Composite& composite, EarlierRun earlier, const RecordOptions& options = {});
  ~RecordedRun();
  RecordedRun(RecordedRun&&) noexcept;
  RecordedRun& operator=(RecordedRun&&) noexcept;

  /// Where the files are now. It changes where a run takes the place of an older one.
  std::string folder() const;
  /// Draws, makes the files of the draws, and gives the run its place. To be called once. `share` and `checkpoint` are
  /// those of the run and must be left out.
  /// @param say  hears which file is being made; may be empty
  /// @throws Error, and what an observer throws; left() says what then stays in the folder
  Outcome run(const RunOptions& options = {}, const Composite::Say& say = {});

  /// What an error in run() left to be used. Nothing: the folder of a new run is removed with this object.
  struct Left {
    bool draws = false;       ///< `potluck export` makes draws.nc of them
    bool checkpoint = false;  ///< EarlierRun goes on from it
  };
  Left left() const noexcept;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

/// What joining the ranks of a run came to.
struct Merged {
  int64_t ranks = 0;             ///< that were joined; 0: a merge that was cut short was finished, and nothing joined
  Products products;             ///< of the joined draws
  bool older_run_stays = false;  ///< not all was made, and what was joined before stays as it was
};

/// Joins the draws of processes that shared the run in a folder, each in its rank_folder(), to one run there, with the
/// bits of the draws of one process. The ranks' folders stay. A merge that was killed is finished by the next one.
/// @param overwrite  a joined run that is there is replaced
/// @param say        hears what is being done; may be empty
/// @throws Error where ranks are missing, have not ended alike or are not of one run, or another process holds a folder
Merged merge_run(const std::string& folder, bool overwrite = false, const Composite::Say& say = {});

/// What making the files of a run came to.
struct Exported {
  Products products;
  bool goes_on = false;  ///< another process goes on with the run: these are its draws so far
};

/// Makes draws.nc, the summary and the pictures of the draws that a run left in a folder, for example one that was
/// killed. Files that are there already are made anew; a draws.nc with more draws than can be read now stays. A damaged
/// file may crash its reader, so a child process looks: call it before you start threads.
/// @param say  hears what is being made; may be empty
/// @throws Error where there is no run, nothing to export, or a draws.nc that is worth more than a new one
Exported export_run(const std::string& folder, const Composite::Say& say = {});

// --------------------------------------------------------------------------------------------------------- evidence

struct EvidenceOptions {
  int64_t repeats = 8;    ///< independent ones, at least 2; their spread is the standard error
  int64_t moves = 4;      ///< of MALA, of each particle in a stage
  double base_mean = 0;   ///< of the normal law from which particles begin
  double base_scale = 1;  ///< its standard deviation: about as wide as the target, or wider
  /// Particles go down the levels of the noise that moves in `sample.anneal`, in place of a ladder of the energy: of
  /// log Z of experts that read a level of noise. They begin in a normal law with the Gaussian part of the composite at
  /// the first level; base_mean and base_scale do not count.
  bool along = false;
  bool find_levels = false;  ///< with `along`: the pilot finds the levels, however many the file names
  /// The estimate is left in the weights of the target too, which must be one expert with weights; mixtures that have
  /// it as a branch use it (docs/composition-file.md).
  bool keep = false;
  std::string folder = {};        ///< for checkpoints and evidence.json; empty: no file is written
  bool overwrite = false;         ///< an older estimate there is replaced once this one is done
  int64_t checkpoint_every = 10;  ///< stages between checkpoints; 0: only where the estimate is stopped
  TypedCommand command = {};      ///< what began the estimate
  Environment environment = {};   ///< empty: the record says nothing of it
};

/// Where an estimate stands, behind a stage of one of its runs.
struct EvidenceProgress {
  enum class Run : uint8_t {
    kPilot,  ///< which finds the ladder
    kRepeat,
    kUp,   ///< of the bracket, from the base
    kDown  ///< of the bracket, from exact draws
  };
  Run run = Run::kPilot;
  int64_t repeat = 0, repeats = 0;   ///< repeat 1 ... repeats; 0 in the others
  int64_t stage = 0;                 ///< stages of this run that are done
  double beta = 0;                   ///< of the target that it has come to: 0 ... 1
  int64_t done = 0, total = 0;       ///< stages of all runs behind the pilot; total is 0 as long as it is not known
  std::optional<double> noise = {};  ///< the level that it has come to, with `along`
};

/// An estimate of log Z: the log of the integral of exp(-E/T) over what is not given, within the supports.
struct Evidence {
  struct Stage {
    double beta = 1;
    double effective_share = 1;  ///< of the particles, mean over the repeats
    double step_size = 0;
    double acceptance = 0;             ///< mean over the repeats; NaN on the last stage, which moves nothing
    std::optional<double> noise = {};  ///< its level, with `along`
  };
  /// Without resampling: below log Z in expectation from the base up, and above it from exact draws down.
  struct Bracket {
    double lower = 0, lower_error = 0;
    double upper = 0, upper_error = 0;
  };
  bool interrupted = false;  ///< it was stopped before there was an estimate: nothing below counts
  double log_z = 0;
  double standard_error = 0;
  std::vector<double> repeats;  ///< log Z of each
  std::vector<Stage> stages;
  std::optional<Bracket> bracket;  ///< where the target has exact draws
  int64_t particles = 0;
  int64_t moves = 0;
  int64_t coordinates = 0;  ///< that are integrated over
  int64_t evaluations = 0;  ///< of energy and gradient a particle, in all runs together
  double temperature = 1;
  /// Why log Z may be wrong by far more than its standard error says, a sentence each: particles that hardly moved, or
  /// a bracket that contradicts the estimate.
  std::vector<std::string> warnings;
  std::string json;     ///< all of it, as evidence.json has it
  std::string kept_in;  ///< the weights file that has it now; empty: none
  /// Why it could not be left in its folder or in the weights: an Error or std::bad_alloc; null: it was.
  std::exception_ptr not_kept;
};

/// Estimates log Z of a composite by annealing as many particles as its composition has `sample.chains`; of the rest of
/// `sample` temperature, seed and precision count. It keeps its composite by reference, and holds its folder as long as
/// it lives. One thread at a time may use it; at most one is in run() in a process, as of RecordedRun.
class EvidenceRun {
 public:
  explicit EvidenceRun(Composite& composite, const EvidenceOptions& options = {});
  /// Goes on with one, in its folder. @throws Error where the estimate would not be the same. It is then as it was.
  EvidenceRun(Composite& composite, EarlierRun earlier, const EvidenceOptions& options = {});
  ~EvidenceRun();
  EvidenceRun(EvidenceRun&&) noexcept;
  EvidenceRun& operator=(EvidenceRun&&) noexcept;

  std::string folder() const;  ///< where the files are now; empty: nowhere
  /// Estimates. To be called once.
  /// @param progressed  hears of each stage; may be empty
  /// @param stop        another thread, or a signal handler, may set it: the estimate ends with the stage it is in
  Evidence run(const std::function<void(const EvidenceProgress&)>& progressed = {},
               const std::atomic<bool>* stop = nullptr);
  /// Whether an error in run() left a checkpoint, from which EarlierRun goes on.
  bool left_checkpoint() const noexcept;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

// --------------------------------------------------------------------------------------------------------- training

/// What a training says of itself now and then.
struct TrainingReport {
  int64_t phase = 0, phases = 1;  ///< phase from 0
  std::string objective;
  int64_t updates = 0;                 ///< of the phase
  int64_t epoch = 0;                   ///< of the data
  double seconds = 0;                  ///< of training in the phase
  double used = 0;                     ///< of the phase's budget, 0 ... 1
  double rate = 0;                     ///< learning rate
  double gradient_norm = 0;            ///< mean since the last report, before clipping
  double updates_a_second = 0;         ///< since the last report
  std::optional<double> seconds_left;  ///< of the phase
  /// That pictures of draws took since the last report, which are no time of training; none: none are asked for.
  std::optional<double> sample_seconds;
  /// The objective's figures since the last report, the loss first; those of rows that are never trained on, at the
  /// average of the weights. The same are in `training.csv`.
  std::vector<std::pair<std::string, double>> figures, held_out;
};

struct TrainingOptions {
  std::string folder = {};       ///< empty: beside that of the composition's runs, with `-training` behind its name
  bool overwrite = false;        ///< an older training there is replaced once this one is done
  bool go_on = false;            ///< begin from weights that are there; they are replaced in the end
  std::string optimisers = {};   ///< lib/potluck/potluck_optimisers.so of the installation
  TypedCommand command = {};     ///< what began the training
  Environment environment = {};  ///< empty: the record says nothing of it
};

/// What a training came to.
struct Trained {
  bool interrupted = false;          ///< it was stopped before its end: EarlierRun goes on with it
  int64_t updates = 0;               ///< of all phases that ended
  double seconds = 0;                ///< likewise
  std::vector<std::string> weights;  ///< files that were made; of an interrupted training those in its folder
  std::string folder;
};

/// Trains the experts of a composition as its section `learn` says (docs/training.md). It holds its folder as long as
/// it lives. One thread at a time may use it; at most one is in run() in a process, as of RecordedRun.
class TrainingRun {
 public:
  /// @param composition  of Composition::to_train()
  /// @throws Error where nothing can be learned, or weights are there that are not to be replaced
  explicit TrainingRun(const Composition& composition, const TrainingOptions& options = {});
  /// Goes on with one, in its folder. @throws Error where the weights would not be the same. It is then as it was.
  TrainingRun(const Composition& composition, EarlierRun earlier, const TrainingOptions& options = {});
  ~TrainingRun();
  TrainingRun(TrainingRun&&) noexcept;
  TrainingRun& operator=(TrainingRun&&) noexcept;

  std::string folder() const;
  std::vector<std::string> experts() const;  ///< that are trained
  /// Of the composition and its models, and behind run() of pictures of draws that could not be made.
  std::vector<std::string> warnings() const;
  /// Trains. To be called once.
  /// @param reported  hears of each report; may be empty
  /// @param stop      another thread, or a signal handler, may set it: the training ends behind the update it is in
  Trained run(const std::function<void(const TrainingReport&)>& reported = {}, const std::atomic<bool>* stop = nullptr);
  /// Whether an error in run() left a checkpoint, from which EarlierRun goes on.
  bool left_checkpoint() const noexcept;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

// ------------------------------------------------------------------------------------------- the end of the process

// What signal handlers may ask and do: no memory is allocated and no lock is taken.

/// A call of a plugin that is under way. The texts live at least as long as the call.
struct PluginCall {
  const char* plugin = nullptr;   ///< id, "acme.ising"; null: there is no call
  const char* version = nullptr;  ///< "1.2.0"
  const char* model = nullptr;    ///< "acme.ising.pairs"; null where the call is not of one model
  const char* call = nullptr;     ///< "evaluate"
};
/// The innermost call of this thread.
PluginCall plugin_call_of_this_thread() noexcept;
/// The call that some thread is in.
PluginCall plugin_call_of_any_thread() noexcept;
/// Whether this thread has called plugins: others that are in a plugin's code were started by it, or by a library.
bool this_thread_calls_plugins() noexcept;

/// Says in run.json of the run that is being drawn how it ended, before the process does. Several threads may call it:
/// the first is heard. Where the process lives on after all, run.json is written again as the run goes on and ends, and
/// says then how it ended in truth.
/// @param state  "failed", or "cut short": it was killed
/// @param why    what ended it; what is not ASCII is replaced
/// @returns false where no run is being drawn, the disk refuses even that, or `state` or `why` is something else
bool leave_last_words(const char* state, const char* why) noexcept;

// ------------------------------------------------------------------------------------------------------- comparison

struct ComparisonOptions {
  std::string variable = {};   ///< of a run that draws several; empty: its only one
  int64_t rows = 2000;         ///< of either side at most, chosen by seed without replacement; at least 20
  int64_t permutations = 500;  ///< and resamplings of the Stein discrepancy; at least 19
  int64_t directions = 256;    ///< of the sliced Wasserstein distance
  uint32_t seed = 1;
  int threads = 0;                   ///< 0: as many as this process may use. Numbers do not depend on it
  std::string features = {};         ///< TorchScript: rows in, [rows, features] out; empty: none
  std::string feature_library = {};  ///< lib/potluck/potluck_features.so of the installation, for `features`
  bool gradients = true;    ///< of a run: the kernel Stein discrepancies from its target too, where they can be had
  std::string output = {};  ///< a file that gets the JSON; empty: none
  bool overwrite = false;   ///< a file that is there is replaced once the new one is whole
};

/// Whether rows are of the law of others, in measures that docs/comparing.md explains.
struct Comparison {
  /// One of both that are compared.
  struct Side {
    std::string written;   ///< as it was named
    bool run = false;      ///< a folder of `potluck sample`; else a file of rows
    std::string variable;  ///< of a run
    int64_t there = 0;     ///< rows of the file, or draws of all chains that count
    int64_t usable = 0;    ///< of them, evenly spaced in each chain, as many as count as independent; of a file all
    int64_t rows = 0;      ///< of them that were compared
    int64_t chains = 0;    ///< of a run, that count
    std::optional<double> effective;  ///< of a run: effective sample size of all chains; none: too few draws a chain
  };
  struct Measure {
    std::string name;   ///< "mmd_squared", as the JSON has it
    std::string title;  ///< "squared MMD"
    double value = 0;
    std::optional<double> level;     ///< the value is above it by chance in 5 % of comparisons of one law
    std::optional<double> p;         ///< probability of such a value, or a larger one, where both are of one law
    std::optional<double> adjusted;  ///< p, with the number of tests beside it taken into account (Holm 1979)
    std::string note;                ///< a part of a sentence on what it is of; empty: there is none
  };
  /// What was not measured, and why, in a sentence.
  struct Missing {
    std::string title, why;
  };
  Side first, second;
  std::vector<int64_t> shape;  ///< of a row
  std::vector<Measure> measures;
  std::vector<Missing> missing;
  bool differs = false;  ///< some test of one side against the other rejects at 5 %, all of them taken together
  std::string sentence;  ///< what may be said of it
  std::vector<std::string> warnings;
  std::string json;  ///< all of it
};

/// Compares a run, or a file of rows, with the rows of a file, or another run. A file is a path, or a map as
/// `learn.data` has it: "{file: images.idx.gz, scale: 1/255}", with `array`, `columns`, `header` and `shift` too.
/// @param plugins     those of the run, for gradients of its target; null: there are none
/// @param progressed  hears what is being measured; may be empty
/// @throws Error where a side cannot be read, has fewer than 20 rows, rows of another shape or numbers that are not
///   finite, and where both are the same rows
Comparison compare(const std::string& first, const std::string& second, const ComparisonOptions& options = {},
                   Plugins* plugins = nullptr, const std::function<void(const std::string&)>& progressed = {});

}  // namespace potluck::engine

#endif
