// SPDX-License-Identifier: Apache-2.0
#include <map>

#include "compose/text/keys.h"

namespace potluck {

namespace {

Key required(Key key) {
  key.required = true;
  return key;
}

Key at_least(Key key, double least) {
  key.least = least;
  return key;
}

Key above(Key key, double least) {
  key.least = least;
  key.above = true;
  return key;
}

Key choice(const std::string& name, std::vector<std::string> choices, const std::string& summary) {
  Key key{name, Expect::kChoice, summary};
  key.choices = std::move(choices);
  return key;
}

Key nested(const std::string& name, Expect expect, Section section, const std::string& summary) {
  Key key{name, expect, summary};
  key.section = section;
  return key;
}

std::map<Section, KeyTable> all_tables() {
  const Key version = at_least({"potluck", Expect::kInteger, "lowest version of the format that this file needs"}, 1);
  const Key plugins = {"plugins", Expect::kTexts, "plugin files and folders, relative to this file"};
  const Key include = {"include", Expect::kTexts, "files with more energies, views and plugins, relative to this file"};
  const Key views = nested("views", Expect::kSectionMap, Section::kView, "named parts of variables");
  const Key energies = {"energies", Expect::kEnergyMap,
                        "named energies; an energy that the target does not use is no error"};
  const Key energy = required({"energy", Expect::kEnergy, "name of an energy, or a node written inline"});
  const Key inputs = {"inputs", Expect::kInputs, "what each input of the model reads: a variable, a view or a literal"};
  const Key weight = {"weight", Expect::kNumber, "exponent of this term, default 1"};
  const Key unnormalised = {"unnormalised", Expect::kFlag,
                            "whether the weights absorb the normalisers, which then need not be known"};

  std::map<Section, KeyTable> tables;
  tables[Section::kFile] = {
      "a composition",
      {version,
       plugins,
       include,
       required(
           nested("variables", Expect::kSectionMap, Section::kVariable, "the variables that are sampled or given")),
       views,
       energies,
       required({"target", Expect::kEnergy, "the energy that is sampled"}),
       nested("given", Expect::kList, Section::kGiven, "values that are given, and hence not sampled"),
       nested("sample", Expect::kSection, Section::kSample, "settings of the sampling"),
       nested("learn", Expect::kSection, Section::kLearn,
              "how `potluck train` learns the parameters of experts: data, objective, for how long"),
       nested("output", Expect::kSection, Section::kOutput, "the folder of a run, and its pictures"),
       {"integrable", Expect::kFlag,
        "your word (true) that exp(-E) has a finite integral, where Potluck cannot derive it"}}};
  tables[Section::kIncluded] = {"an included file", {version, plugins, include, views, energies}};
  tables[Section::kVariable] = {
      "a variable",
      {at_least({"shape", Expect::kIntegers, "lengths of the axes; default: a single number"}, 1),
       {"support", Expect::kInterval,
        "interval [least, most] of every number; default: the real line; ends may be inf"},
       at_least({"categories", Expect::kInteger, "number K of labels 0 ... K-1, which replace real numbers"}, 1),
       choice("walls", {"reflect", "transform"}, "treatment of a finite end of the support")}};
  tables[Section::kView] = {
      "a view",
      {required({"of", Expect::kText, "name of a variable"}),
       {"slice", Expect::kTexts, "one slice for each axis, as in NumPy: \"0:14\", \":\", \"-1\", \"::2\""},
       at_least({"patches", Expect::kIntegers, "length of a patch along each axis"}, 1),
       at_least(
           {"stride", Expect::kIntegers, "distance between patches along each axis; default: the length of a patch"},
           1),
       choice("edge", {"error", "drop"}, "treatment of a patch that would extend beyond the variable")}};
  tables[Section::kLeaf] = {"a leaf",
                            {required({"model", Expect::kText, "name of a model, see `potluck models list`"}),
                             {"settings", Expect::kSettings, "settings of the model"},
                             {"weights", Expect::kText, "safetensors file, relative to this file"},
                             inputs}};
  tables[Section::kReference] = {"a reference to an energy", {energy, inputs}};
  tables[Section::kProduct] = {
      "a product", {required(nested("product", Expect::kList, Section::kProductTerm, "terms that are multiplied"))}};
  tables[Section::kProductTerm] = {"a product term", {energy, inputs, weight}};
  tables[Section::kMixture] = {
      "a mixture",
      {required(nested("mixture", Expect::kList, Section::kMixtureBranch, "branches that are added up")),
       unnormalised}};
  tables[Section::kMixtureBranch] = {
      "a mixture branch",
      {energy, inputs,
       at_least({"weight", Expect::kNumber, "weight of this branch, default 1; the weights are scaled to sum to 1"}, 0),
       nested("log_z", Expect::kLogZ, Section::kLogZ,
              "log of the integral of exp(-E) over the branch's drawn inputs: a number, or estimate")}};
  tables[Section::kLogZ] = {
      "an estimate of log Z",
      {choice("region", {"natural", "support"}, "domain of the integral; default: natural, the domain of the models"),
       {"particles", Expect::kInteger, "number of particles annealed in each repeat, default 4096", false, 2, false,
        1e9},
       {"repeats", Expect::kInteger, "number of independent repeats, default 8", false, 2, false, 1e6},
       {"moves", Expect::kInteger, "number of MALA moves in each stage, default 4", false, 1, false, 1e6},
       {"base_mean", Expect::kNumber, "mean of the normal law from which particles begin, default 0"},
       above({"base_scale", Expect::kNumber, "standard deviation of that law, default 1"}, 0),
       {"seed", Expect::kInteger, "seed of the estimate's noise, default 1", false, 0, false, 4294967295.0}}};
  tables[Section::kNot] = {
      "a negation", {required(nested("not", Expect::kSection, Section::kNotBody, "the energy that is negated"))}};
  tables[Section::kNotBody] = {
      "a negation's body",
      {energy,
       inputs,
       above({"strength", Expect::kNumber, "alpha in exp(+alpha s(E)), default 1"}, 0),
       {"ceiling", Expect::kNumber, "energy, counted from the least energy, above which states are pushed no further"},
       above({"softness", Expect::kNumber, "width of the bend at the ceiling, default 1"}, 0)}};
  tables[Section::kTemper] = {"a tempered energy",
                              {required(nested("temper", Expect::kSection, Section::kTemperBody,
                                               "the energy whose density p becomes p^(1/T)"))}};
  tables[Section::kTemperBody] = {
      "a tempered energy's body",
      {energy, inputs, required(above({"temperature", Expect::kNumber, "temperature T of this node only"}, 0))}};
  tables[Section::kHierarchy] = {
      "a hierarchy",
      {required(nested("hierarchy", Expect::kList, Section::kReference, "levels, the top one first")), unnormalised}};
  tables[Section::kEach] = {
      "an each",
      {required(nested("each", Expect::kSection, Section::kEachBody, "the expert that reads every part of a view"))}};
  tables[Section::kEachBody] = {"an each's body",
                                {required({"over", Expect::kText, "name of a view"}), energy, inputs}};
  tables[Section::kGiven] = {
      "a given",
      {required({"of", Expect::kText, "name of a variable or view"}),
       {"value", Expect::kNumbers, "one number for the whole variable or view, or lists of numbers in its shape"},
       {"file", Expect::kText, "npy, safetensors, IDX (also gzip) or PNG, relative to this file"},
       {"array", Expect::kText, "name of the array in a safetensors file"},
       at_least({"row", Expect::kInteger, "index along the file's first axis"}, 0),
       above({"scale", Expect::kNumber, "factor of the file's numbers, such as 1/255"}, 0)}};
  tables[Section::kSample] = {
      "the sample section",
      {{"method", Expect::kText,
        "name of a method, see `potluck methods list`; its options are further keys of this section"},
       at_least({"chains", Expect::kInteger, "number of independent chains"}, 1),
       at_least({"warmup", Expect::kInteger,
                 "number of steps that tune the method and are not recorded; the default is larger with a ladder of "
                 "replicas"},
                0),
       nested("anneal", Expect::kSection, Section::kAnneal,
              "numbers that move before the warm-up, level by level, to where they belong: temperature, or variables "
              "that are given"),
       nested("cooling", Expect::kSection, Section::kCooling,
              "an older form of anneal: a temperature that falls before the warm-up"),
       at_least({"steps", Expect::kInteger, "number of steps after the warm-up"}, 1),
       at_least({"thin", Expect::kInteger, "number of steps from one draw to the next"}, 1),
       {"seed", Expect::kInteger, "seed of the noise", false, 0, false, 4294967295.0},
       above({"temperature", Expect::kNumber, "temperature T of the finished composite"}, 0),
       choice("precision", {"float32", "float64"}, "precision of positions and gradients"),
       {"start", Expect::kText,
        "where chains begin: auto, exact, uniform, normal, or an npy or safetensors file of positions"},
       at_least(
           {"superchain", Expect::kInteger, "number of neighbouring chains that begin at one point, for nested R-hat"},
           1),
       at_least({"checkpoint_every", Expect::kInteger,
                 "number of steps between checkpoints; 0: only one, where the run ends"},
                0),
       nested("until", Expect::kSection, Section::kUntil, "conditions that end the run before all steps are done"),
       nested("blocks", Expect::kList, Section::kBlock,
              "blocks of variables, moved one after the other: lists of names, or maps with a method of their own")}};
  tables[Section::kUntil] = {
      "the until section",
      {above({"rhat", Expect::kNumber, "upper bound of R-hat of the worst coordinate"}, 1),
       above({"ess", Expect::kNumber, "lower bound of the bulk and tail effective sample size of the worst coordinate"},
             0),
       above(
           {"mcse", Expect::kNumber, "upper bound of the standard error of the worst mean, in its standard deviations"},
           0),
       {"time", Expect::kText,
        "limit on the time of sampling, such as 90s, 10min, 2h; where it ends a run is not reproducible"},
       at_least({"steps", Expect::kInteger, "number of steps, in place of sample.steps"}, 1)}};
  tables[Section::kBlock] = {
      "a block",
      {required({"variables", Expect::kTexts, "names of the variables that are moved together"}),
       required({"method", Expect::kText,
                 "name of a method; its options are further keys of the block. A plain list of names is "
                 "moved by the section's method"})}};
  tables[Section::kAnneal] = {
      "the anneal section",
      {nested("temperature", Expect::kSection, Section::kAnnealed, "the temperature of the run moves"),
       required(at_least({"levels", Expect::kInteger, "number of values that each number takes before its last"}, 1)),
       at_least({"steps", Expect::kInteger, "number of steps at each level, default 1"}, 1),
       choice("spacing", {"geometric", "karras", "linear"},
              "how the levels are spaced: equal factors (the default), equal distances of seventh roots, or equal "
              "distances"),
       {"predictor", Expect::kFlag,
        "whether the given number that moves is a level of noise, along whose probability flow chains move from level "
        "to level"},
       above({"step_size", Expect::kNumberOrAuto,
              "step size at a level of noise in units of its square, or auto; the default is auto with a predictor, "
              "else that of the method"},
             0),
       {"noisy_given", Expect::kFlag,
        "whether given numbers that noise blurs wear noise of the level before the warm-up; the default is that of "
        "predictor"}}};
  tables[Section::kAnnealed] = {"a number that moves",
                                {required({"from", Expect::kNumber, "its value at the first level"})}};
  tables[Section::kCooling] = {
      "the cooling section",
      {required(above(
           {"from", Expect::kNumber, "temperature of the first step; it falls geometrically to that of the run"}, 0)),
       required(at_least({"steps", Expect::kInteger, "number of steps before the warm-up"}, 1))}};
  const std::vector<Key> learning = {
      choice("objective",
             {"denoising_score_matching", "contrastive_divergence", "noise_contrastive", "label_cross_entropy",
              "maximum_likelihood"},
             "what is minimised"),
      nested("noise", Expect::kSection, Section::kLearnNoise, "how much the data are blurred, for score matching"),
      nested("negatives", Expect::kSection, Section::kLearnNegatives,
             "how contrastive divergence draws from the model, and what it makes of the draws"),
      at_least({"contrast", Expect::kNumber,
                "weight of contrastive divergence beside denoising_score_matching, default 0: there is none"},
               0),
      {"noise_law", Expect::kText,
       "name of the energy whose draws noise_contrastive tells the data from: its log Z and its draws must be known"},
      {"fit_log_z", Expect::kFlag,
       "whether noise_contrastive fits log Z of the target to each batch, default true; false: it is 0, for a model "
       "that learns a constant"},
      {"parameters", Expect::kTexts,
       "names of the arrays that are learned, such as label_offset; default: all of the experts that are trained"},
      nested("until", Expect::kSection, Section::kLearnUntil, "when the training ends: whichever comes first"),
      at_least({"batch", Expect::kInteger, "rows of data in an update, default 128"}, 1),
      choice(
          "optimiser", {"adam", "adamw", "sgd", "rmsprop", "lbfgs"},
          "LibTorch's optimiser that moves the parameters; lbfgs is of maximum_likelihood, which without an optimiser "
          "takes the closed form or the rounds of EM that models have, else lbfgs"),
      at_least(
          {"tolerance", Expect::kNumber,
           "maximum_likelihood over all rows ends where an update raises the mean log-likelihood of a row by no more "
           "than this, in nats; default 1e-8"},
          0),
      above({"rate", Expect::kNumber, "learning rate, default 0.001"}, 0),
      at_least({"rate_warmup", Expect::kInteger, "updates in which the rate rises from 0, default 100"}, 0),
      choice("decay", {"none", "linear", "cosine"}, "how the rate falls to 0 at the end of the training"),
      {"beta1", Expect::kNumber, "of adam and adamw, default 0.9", false, 0, false, 1},
      {"beta2", Expect::kNumber, "of adam and adamw, default 0.999", false, 0, false, 1},
      {"momentum", Expect::kNumber, "of sgd and rmsprop, default 0", false, 0, false, 1},
      at_least({"weight_decay", Expect::kNumber, "default 0"}, 0),
      at_least({"clip", Expect::kNumber, "gradients of a larger norm are scaled down to it, default 1; 0: none is"}, 0),
      {"average", Expect::kNumber,
       "decay of the exponential average of the weights over the updates, which is what is kept; default 0.999; 0: the "
       "last weights are kept",
       false, 0, false, 1}};
  std::vector<Key> learn = {
      required(nested("data", Expect::kSectionMap, Section::kLearnData, "the files of training data, by variable")),
      at_least({"hold_out", Expect::kInteger, "rows that are never trained on, and are watched; default 0"}, 0),
      {"experts", Expect::kTexts,
       "names of the energies that are trained, default: all that can be; the rest is frozen"},
      {"seed", Expect::kInteger, "seed of everything that is drawn at random", false, 0, false, 4294967295.0},
      at_least({"report_every", Expect::kInteger, "updates from one line of training.csv to the next, default 100"}, 1),
      nested("samples", Expect::kSection, Section::kLearnSamples,
             "pictures of draws while the training goes on, of variables that have the shape of a picture"),
      nested("phases", Expect::kList, Section::kLearnPhase,
             "trainings one after the other; what a phase leaves out is that of the section")};
  learn.insert(learn.end(), learning.begin(), learning.end());
  tables[Section::kLearn] = {"the learn section", learn};
  tables[Section::kLearnPhase] = {"a phase", learning};
  tables[Section::kLearnUntil] = {
      "the until section of learn",
      {at_least({"updates", Expect::kInteger, "number of updates"}, 1),
       {"time", Expect::kText, "time of training, such as 90s, 10min, 2h; the weights are then not reproducible"}}};
  tables[Section::kLearnSamples] = {
      "the samples section of learn",
      {required(at_least({"every", Expect::kInteger, "updates from one picture to the next"}, 1)),
       {"count", Expect::kInteger, "chains that are drawn, default 64", false, 1, false, 4096}}};
  tables[Section::kLearnNegatives] = {
      "the negatives section",
      {choice("preset", {"seed", "convergent"},
              "values of what the section leaves out: those of Du & Mordatch 2019, or of Nijkamp et al. 2020"),
       {"method", Expect::kText, "sampling method that moves the chains, default langevin; its options are keys here"},
       at_least({"steps", Expect::kInteger, "steps of a chain in an update, default 20"}, 1),
       choice("start", {"noise", "data"}, "where a chain begins that begins anew"),
       at_least({"buffer", Expect::kInteger,
                 "number of chains that go on where they stood, default 10000; 0: all begin anew in each update"},
                0),
       {"restart", Expect::kNumber, "share of the buffer's chains that begin anew, default 0.05", false, 0, false, 1},
       above({"noise", Expect::kNumber, "sigma of data and chains, default the least of noise"}, 0),
       {"conditions", Expect::kTexts,
        "categorical variables that a chain keeps as the data had them where it began; default: none, all are drawn"},
       at_least({"energy_l2", Expect::kNumber, "weight of the mean square of all energies, default 0"}, 0),
       {"trim", Expect::kNumber, "share of the negatives that is left out at either end of their energies, default 0",
        false, 0, false, 0.45}}};
  tables[Section::kLearnNoise] = {
      "the noise section",
      {{"log_mean", Expect::kNumber, "mean of ln(sigma); default ln(s) - 0.3, s the standard deviation of the data"},
       at_least({"log_sd", Expect::kNumber, "standard deviation of ln(sigma), default 1.4"}, 0),
       above({"least", Expect::kNumber, "smallest sigma, default 0.02 s"}, 0),
       above({"most", Expect::kNumber, "largest sigma, default 40 s"}, 0)}};
  tables[Section::kOutput] = {"the output section",
                              {{"folder", Expect::kText, "folder of the run, relative to this file"},
                               {"pictures", Expect::kTexts, "image-shaped variables of which pictures are made"}}};
  tables[Section::kLearnData] = {
      "the training data of a variable",
      {required({"file", Expect::kText,
                 "npy, safetensors, IDX (also gzip), CSV, or a folder of PNG images, relative to "
                 "this file; one row of data for each index of the first axis, line or image"}),
       {"array", Expect::kText, "name of the array in a safetensors file"},
       {"columns", Expect::kTexts,
        "columns of a CSV file: names of its first line, positions, or slices such as "
        "\"1:785\"; default: all"},
       {"header", Expect::kFlag,
        "whether the first line of a CSV file has names; default: where none of its fields is a "
        "number"},
       above({"scale", Expect::kNumber, "factor of the file's numbers, such as 1/255; integers need one"}, 0),
       {"shift", Expect::kNumber, "number that is added to the scaled ones, default 0"},
       at_least({"dequantise", Expect::kNumber,
                 "width of uniform noise that is added to each number, drawn anew for each "
                 "batch, such as 1/255; default 0"},
                0),
       choice("flip", {"horizontal"}, "rows of an image are mirrored left to right with probability 1/2"),
       {"drop", Expect::kNumber, "probability that a row's label is left out, default 0", false, 0, false, 1}}};
  return tables;
}

}  // namespace

const KeyTable& key_table(Section section) {
  static const std::map<Section, KeyTable> tables = all_tables();
  return tables.at(section);
}

}  // namespace potluck
