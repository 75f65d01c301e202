// SPDX-License-Identifier: Apache-2.0
// Every way in which a composition file can be wrong, with the exact text that says so.
#include <gtest/gtest.h>

#include "core/sampling/run/run.h"
#include "tests/compose/table_of_models.h"

namespace potluck {
namespace {

struct Broken {
  const char* name;
  std::string text;
  std::string complaint;
};

/// "adjusted_mclmc, baoab, ...": all of them, which grow in number.
std::string known_methods() {
  std::string names;
  for (const MethodDescription& one : methods()) names += (names.empty() ? "" : ", ") + one.name;
  return names;
}

/// One variable, one energy: the smallest good file. `more` follows.
std::string small(const std::string& more) {
  return "variables:\n  x: {shape: [2]}\nenergies:\n  a: {model: gaussian, inputs: x}\ntarget: a\n" + more;
}

/// The same with a larger variable, other variables and views.
std::string with(const std::string& variables, const std::string& rest = "") {
  return "variables: {x: {shape: [4, 6]}" + variables + "}\n" + rest + "target: {model: gaussian, inputs: x}\n";
}

/// A product with `node` as its second term, over x [2], z [3] and a label.
std::string target(const std::string& node) {
  return "variables: {x: {shape: [2]}, z: {shape: [3]}, label: {categories: 4}}\n"
         "given: [{of: label, value: 1}]\n"
         "energies:\n"
         "  all: {product: [{model: linear_gaussian, inputs: {x: x, z: z}}, labelled]}\n"
         "  labelled: {model: class_gaussian, inputs: {image: x, label: label}}\n"
         "  open: {model: gaussian}\n"
         "target:\n  product:\n  - all\n  - " +
         node + "\n";
}

/// x that depends on z, two numbers, of which `given` are given and `anneal` move.
std::string annealed(const std::string& given, const std::string& anneal) {
  return "variables: {x: {}, z: {}}\ntarget: {model: linear_gaussian, inputs: {x: x, z: z}}\ngiven: [" + given +
         "]\nsample: {anneal: {" + anneal + "}}\n";
}

/// A number and a label that move.
std::string labelled_file(const std::string& more) {
  return "variables: {x: {}, k: {categories: 3}}\ntarget: {model: class_gaussian, inputs: {image: x, label: k}}\n" +
         more;
}

std::vector<Broken> broken_files() {
  return {
      {"syntax", "variables: {x: {shape: [2]}\ntarget: a\n",
       "scene.yaml:2:1: must be YAML, got a syntax error: end of map flow not found. Check brackets and indentation, "
       "and put quotes around text with : , [ ] { } # in it"},
      {"a slice without quotes", with("", "views: {v: {of: x, slice: [14:, :]}}\n"),
       "scene.yaml:2:28: views.v.slice must be a list of texts such as \"0:14\", got a map in it. Put quotes around "
       "what has a ':'\n"
       "scene.yaml:2:33: a key must be a name, got nothing"},
      {"a key given twice", small("sample: {steps: 10, chains: 2, steps: 20}\n"),
       "scene.yaml:6:32: key 'steps' must be given once, got it again (first at scene.yaml:6:10). Remove one of the "
       "two"},
      {"an anchor and an alias",
       "variables: &v {x: {shape: [2]}}\nenergies: *v\ntarget: {model: gaussian, inputs: x}\n",
       "scene.yaml:1:12: YAML anchors (&v) must not be used. Name a view or an energy and refer to it\n"
       "scene.yaml:2:11: YAML aliases (*name) must not be used. Name a view or an energy and refer to it\n"
       "scene.yaml:2:11: energies must be a map from names to energies, got nothing"},
      {"a merge key", small("sample:\n  <<: {steps: 3}\n"),
       "scene.yaml:7:3: YAML merge keys (<<) must not be used. Write the keys out"},
      {"a tag", small("sample: {steps: !!int 3}\n"),
       "scene.yaml:6:17: YAML tags (tag:yaml.org,2002:int) must not be used. Write the plain value"},
      {"a list as a key", small("sample: {[1, 2]: 3}\n"),
       "scene.yaml:6:10: a key must be a name, got a list or map. Put quotes around it"},
      {"a second document", small("---\na: 1\n"),
       "scene.yaml:7:1: must be one YAML document, got a second one. Remove the '---' before it"},
      {"an empty file", "# nothing\n",
       "scene.yaml: must be a composition, got an empty file. See docs/composition-file.md"},
      {"a list for a file", "- 1\n",
       "scene.yaml:1:1: a composition must be a map, got a list. Its keys: potluck, plugins, include, variables, "
       "views, energies, target, given, sample, learn, output, integrable"},
      {"a newer format", "potluck: 2\nvaribles: {}\n",
       "scene.yaml:1:10: potluck must be <= 1, the newest format that this Potluck reads, got 2. Use a newer Potluck"},
      {"unknown and missing keys", "varables: {x: {}}\n",
       "scene.yaml:1:1: unknown key 'varables' in a composition. Did you mean 'variables'? Known: potluck, plugins, "
       "include, variables, views, energies, target, given, sample, learn, output, integrable\n"
       "scene.yaml:1:1: a composition must have 'variables' (the variables that are sampled or given), got none. Add "
       "it\n"
       "scene.yaml:1:1: a composition must have 'target' (the energy that is sampled), got none. Add it"},
      {"variables that are a list", "variables: [x]\ntarget: {model: gaussian, inputs: x}\n",
       "scene.yaml:1:12: variables must be a map from names to variables, got a list. Write variables: {x: {shape: "
       "[2]}}"},
      {"an unknown key of a variable", with(", y: {shpae: [2]}"),
       "scene.yaml:1:37: unknown key 'shpae' in a variable. Did you mean 'shape'? Known: shape, support, categories, "
       "walls"},
      {"a name that ArviZ needs", with(", chain: {shape: [2]}"),
       "scene.yaml:1:33: the name of a variable must be free in draws.nc, got 'chain', which ArviZ needs itself, as it "
       "does chain, ci_bound, draw, metric, summary. Rename it"},
      {"a name of an axis", with(", x_dim_0: {}"),
       "scene.yaml:1:33: the name of a variable must be free in draws.nc, got 'x_dim_0', which is the name of axis 0 "
       "of "
       "'x' there. Rename it"},
      {"a letter beyond ASCII", with(", \u00e9: {}"),
       "scene.yaml:1:33: the name of a variable must be a letter of ASCII followed by letters, digits, '_' or '-', got "
       "'\u00e9'. Rename it"},
      {"an empty name", with(", '': {}"), "scene.yaml:1:33: a key must be a name, got an empty text"},
      {"a name with a new line", with(", \"a\\nb\": {}"),
       "scene.yaml:1:33: the name of a variable must be a letter of ASCII followed by letters, digits, '_' or '-', got "
       "'a\\nb'. Rename it"},
      {"a name longer than files take", with(", " + std::string(129, 'n') + ": {}"),
       "scene.yaml:1:33: the name of a variable must have at most 128 characters, got 129: 'nnnnnnnnnnnnnnnnnnnn...'. "
       "Rename it"},
      {"an empty axis", with(", y: {shape: [2, 0]}"), "scene.yaml:1:48: variables.y.shape[1] must be >= 1, got 0"},
      {"a shape of text", with(", y: {shape: wide}"),
       "scene.yaml:1:44: variables.y.shape must be an integer, got 'wide'"},
      {"a shape beyond 32 bits", with(", y: {shape: [65536, 65536]}"),
       "scene.yaml:1:44: variables.y.shape must have at most 2147483647 numbers in all, got [65536, 65536]"},
      {"a support upside down", with(", y: {support: [1, 0]}"),
       "scene.yaml:1:46: variables.y.support must have its least end below its most, got [1, 0]"},
      {"a support of one end", with(", y: {support: 1}"),
       "scene.yaml:1:46: variables.y.support must be [least, most], got '1'. Write inf for an open end"},
      {"no categories", with(", y: {categories: 0}"), "scene.yaml:1:49: variables.y.categories must be >= 1, got 0"},
      {"a support of labels", with(", y: {categories: 3, support: [0, 1]}"),
       "scene.yaml:1:52: variables.y.support must be left out, got it beside categories. Labels are 0 ... K-1"},
      {"transformed walls without a support", with(", y: {walls: transform}"),
       "scene.yaml:1:44: variables.y.walls must be left out where the support is the real line, got transform. Give a "
       "support with a finite end, such as support: [0, inf]"},
      {"transformed walls of the real line", with(", y: {support: [-inf, inf], walls: transform}"),
       "scene.yaml:1:66: variables.y.walls must be left out where the support is the real line, got transform. Give a "
       "support with a finite end, such as support: [0, inf]"},
      {"transformed walls of a broken support", with(", y: {support: [1, 0], walls: transform}"),
       "scene.yaml:1:46: variables.y.support must have its least end below its most, got [1, 0]"},
      {"transformed walls of labels", with(", y: {categories: 3, walls: transform}"),
       "scene.yaml:1:52: variables.y.walls must be left out, got it beside categories. Labels are 0 ... K-1"},
      {"unknown walls", with(", y: {support: [0, 1], walls: reflct}"),
       "scene.yaml:1:61: variables.y.walls must be one of reflect, transform; got 'reflct'. Did you mean 'reflect'?"},
      {"a name with a dot", with(", y.z: {}"),
       "scene.yaml:1:33: the name of a variable must be a letter of ASCII followed by letters, digits, '_' or '-', got "
       "'y.z'. "
       "Rename it"},
      {"an unused variable", with(", y: {}"),
       "scene.yaml:1:33: variable 'y' must be read by the target, got no energy in it that does. Bind it to an input, "
       "or remove it"},
      {"a view of nothing", with("", "views: {v: {of: x}}\n"),
       "scene.yaml:2:12: views.v must have either 'slice' or 'patches', got neither"},
      {"a view of both kinds", with("", "views: {v: {of: x, slice: [0], patches: [2, 2]}}\n"),
       "scene.yaml:2:12: views.v must have either 'slice' or 'patches', got both"},
      {"a view of an unknown variable", with("", "views: {v: {of: xx, slice: [0]}}\n"),
       "scene.yaml:2:17: views.v.of must be the name of a variable, got 'xx'. Did you mean 'x'? Known: x"},
      {"a view of a view", with("", "views: {v: {of: x, slice: [0]}, w: {of: v, slice: [0]}}\n"),
       "scene.yaml:2:41: views.w.of must be a variable, got the view 'v'. Slice its variable 'x' instead"},
      {"a slice outside", with("", "views: {v: {of: x, slice: [\"0:5\"]}}\n"),
       "scene.yaml:2:28: views.v.slice[0] must be inside 0 ... 4, got '0:5'. 'x' has shape [4, 6]"},
      {"an index outside", with("", "views: {v: {of: x, slice: [0, -7]}}\n"),
       "scene.yaml:2:31: views.v.slice[1] must be an index inside 0 ... 5, got '-7'. 'x' has shape [4, 6]"},
      {"not a slice", with("", "views: {v: {of: x, slice: [\"0-2\"]}}\n"),
       "scene.yaml:2:28: views.v.slice[0] must be start:stop, start:stop:step or an index, got '0-2'. 'x' has shape "
       "[4, 6]"},
      {"an empty slice", with("", "views: {v: {of: x, slice: [\"2:2\"]}}\n"),
       "scene.yaml:2:28: views.v.slice[0] must be a slice that is not empty, got '2:2'. 'x' has shape [4, 6]"},
      {"a slice without steps", with("", "views: {v: {of: x, slice: [\"::0\"]}}\n"),
       "scene.yaml:2:28: views.v.slice[0] must be a slice with a step other than 0, got '::0'. 'x' has shape [4, 6]"},
      {"too many axes", with("", "views: {v: {of: x, slice: [0, 0, 0]}}\n"),
       "scene.yaml:2:27: views.v.slice must have at most 2 entries, one an axis of 'x' [4, 6], got 3"},
      {"patches that stick out", with("", "views: {v: {of: x, patches: [2, 2], stride: [2, 3]}}\n"),
       "scene.yaml:2:29: views.v.patches must tile 'x' [4, 6]: along axis 1 patches of 2 every 3 stick out. Change "
       "patches or stride, or write edge: drop"},
      {"patches that are too large", with("", "views: {v: {of: x, patches: [5, 2], edge: drop}}\n"),
       "scene.yaml:2:29: views.v.patches[0] must be <= 4, the length of 'x' there, got 5"},
      {"patches along one axis", with("", "views: {v: {of: x, patches: [2]}}\n"),
       "scene.yaml:2:29: views.v.patches must have 2 numbers, one an axis of 'x' [4, 6], got 1"},
      {"a stride without patches", with("", "views: {v: {of: x, slice: [0], stride: 2}}\n"),
       "scene.yaml:2:32: views.v.stride must stand beside 'patches', got it without"},
      {"a view named as a variable", with("", "views: {x: {of: x, slice: [0]}}\n"),
       "scene.yaml:2:9: the name of a view must differ from the variables', got 'x'. Rename it"},
      {"an unknown energy", "variables: {x: {}}\nenergies: {smooth: {model: gaussian, inputs: x}}\ntarget: smoth\n",
       "scene.yaml:3:9: target must be the name of an energy, got 'smoth'. Did you mean 'smooth'? Known: smooth"},
      {"an unknown key of a term", target("{energy: open, inputs: x, wieght: 2}"),
       "scene.yaml:10:31: unknown key 'wieght' in a product term. Did you mean 'weight'? Known: energy, inputs, "
       "weight"},
      {"an energy without a kind", target("{modle: gaussian, inputs: x}"),
       "scene.yaml:10:5: target.product[1] must have one of model, product, mixture, not, temper, hierarchy, each, "
       "energy, got 'modle', 'inputs'. Did you mean 'model' for 'modle'?"},
      {"an energy of two kinds", target("{model: gaussian, product: [all]}"),
       "scene.yaml:10:5: target.product[1] must have one of model, product, mixture, not, temper, hierarchy, each, "
       "energy, got 'model', 'product'"},
      {"an energy that is a list", target("[all]"),
       "scene.yaml:10:5: target.product[1] must be the name of an energy or a map with one of model, product, mixture, "
       "not, temper, hierarchy, each, energy, got a list"},
      {"energies in a cycle",
       "variables: {x: {}}\nenergies: {a: {product: [b]}, b: {temper: {energy: a, temperature: 2}}}\ntarget: a\n",
       "scene.yaml:2:52: energies must not be made of themselves, got a -> b -> a. Break the cycle"},
      {"an unknown model", target("{model: gausian, inputs: x}"),
       "scene.yaml:10:13: no model 'gausian'. Known: acme.smoothness, ..."},
      {"an unknown setting", target("{model: gaussian, settings: {scael: 2}, inputs: x}"),
       "scene.yaml:10:34: unknown setting 'scael' of model 'gaussian'. Did you mean 'scale'? Known: scale, covariance, "
       "mean"},
      {"a setting out of bounds", target("{model: gaussian, settings: {scale: -1}, inputs: x}"),
       "scene.yaml:10:41: target.product[1].settings.scale must be >= 0, got -1"},
      {"a setting that is no choice", target("{model: gaussian, settings: {covariance: ful}, inputs: x}"),
       "scene.yaml:10:46: target.product[1].settings.covariance must be one of full, diagonal; got 'ful'. Did you mean "
       "'full'?"},
      {"a setting that is a map", target("{model: gaussian, settings: {scale: {a: 1}}, inputs: x}"),
       "scene.yaml:10:41: target.product[1].settings.scale must be one value, got a map"},
      {"a setting that must be given", target("{model: network, inputs: x}"),
       "scene.yaml:10:13: target.product[1].settings.network must be given: an exported network"},
      {"a setting that names no file", target("{model: network, settings: {network: net.pt}, inputs: x}"),
       "scene.yaml:10:42: target.product[1].settings.network must be a file that is there, got 'net.pt'. Paths are "
       "relative to the file that says them"},
      {"weights that are not there", target("{model: gaussian, weights: w.safetensors, inputs: x}"),
       "scene.yaml:10:32: target.product[1].weights must be a file that is there, got 'w.safetensors'. Paths are "
       "relative to the file that says them"},
      {"weights that are no safetensors", target("{model: gaussian, weights: scene.yaml, inputs: x}"),
       "scene.yaml:10:32: target.product[1].weights must be a safetensors file. scene.yaml: the header must have at "
       "most 100000000 bytes, got 7308324465835925878. This is not a safetensors file"},
      {"an unknown input", target("{model: gaussian, inputs: {y: x}}"),
       "scene.yaml:10:31: target.product[1].inputs must bind 'x' of 'gaussian', got nothing for it. Add x: and what it "
       "reads\n"
       "scene.yaml:10:32: unknown input 'y' of model 'gaussian'. Known: x"},
      {"a missing input", target("{model: linear_gaussian, inputs: {x: x}}"),
       "scene.yaml:10:38: target.product[1].inputs must bind 'z' of 'linear_gaussian', got nothing for it. Add z: and "
       "what it reads"},
      {"a missing input beside one that is optional", target("{model: noisy, inputs: {noise: z}}"),
       "scene.yaml:10:28: target.product[1].inputs must bind 'x' of 'noisy', got nothing for it. Add x: and what it "
       "reads"},
      {"one text for two inputs", target("{model: linear_gaussian, inputs: x}"),
       "scene.yaml:10:38: target.product[1].inputs must be a map, since 'linear_gaussian' has 2 inputs, got 'x'. "
       "Inputs: x, z"},
      {"an input of nothing known", target("{model: gaussian, inputs: {x: labl}}"),
       "scene.yaml:10:35: target.product[1].inputs.x must be the name of a variable or view, got 'labl'. Did you mean "
       "'label'? Known: x, z, label"},
      {"a label for numbers", target("{model: gaussian, inputs: label}"),
       "scene.yaml:10:31: target.product[1].inputs must be a continuous variable or numbers, got 'label', which is "
       "categorical"},
      {"numbers for a label", target("{model: class_gaussian, inputs: {image: x, label: z}}"),
       "scene.yaml:10:55: target.product[1].inputs.label must be a categorical variable or a label such as 3, got 'z', "
       "which is continuous"},
      {"half a label", target("{model: class_gaussian, inputs: {image: x, label: 1.5}}"),
       "scene.yaml:10:55: target.product[1].inputs.label must be a label 0, 1, ..., got 1.5"},
      {"literals only", target("{model: class_gaussian, inputs: {image: [1, 2], label: 1}}"),
       "scene.yaml:10:37: target.product[1].inputs must bind at least one input to a variable, got literals only. "
       "Remove this constant"},
      {"ragged literals", target("{model: linear_gaussian, inputs: {x: x, z: [[1, 2], [3]]}}"),
       "scene.yaml:10:57: target.product[1].inputs.z must have rows of equal length, 2 as the first, got 1"},
      {"an open leaf", target("open"),
       "scene.yaml:10:5: energies.open must be bound to what it reads, got no inputs. Write {energy: ..., inputs: x} "
       "(inputs of 'gaussian': x)"},
      {"a leaf bound twice", target("{energy: {model: gaussian, inputs: x}, inputs: z}"),
       "scene.yaml:10:52: target.product[1] must be bound once, got inputs for it again (first at scene.yaml:10:40). "
       "Leave the leaf open, or do not bind it here"},
      {"a product that is bound", target("{energy: all, inputs: x}"),
       "scene.yaml:10:27: inputs must be those of a leaf, got them for 'all', which has 'product'. Bind the leaves "
       "inside it"},
      {"a weight of a leaf", target("{model: gaussian, inputs: x, weight: 2}"),
       "scene.yaml:10:34: target.product[1].weight must stand beside 'energy', got it beside 'model'. Write {energy: "
       "{model: ...}, weight: ...}"},
      {"an infinite weight", target("{energy: all, weight: inf}"),
       "scene.yaml:10:27: target.product[1].weight must be finite, got inf"},
      {"parts outside each",
       "variables: {x: {shape: [4]}}\nviews: {v: {of: x, patches: 2}}\ntarget: {model: gaussian, inputs: v}\n",
       "scene.yaml:3:35: target.inputs must be one part of a variable, got 'v', which has 2 parts. Use it inside each: "
       "{over: v, energy: ...}"},
      {"each over a variable", target("{each: {over: x, energy: open}}"),
       "scene.yaml:10:19: target.product[1].each.over must be the name of a view, got 'x'. None is known here"},
      {"each inside each",
       "variables: {x: {shape: [4]}}\nviews: {v: {of: x, patches: 2}}\ntarget: {each: {over: v, energy: {each: {over: "
       "v, energy: {model: gaussian}}}}}\n",
       "scene.yaml:3:34: target.each.each must not stand inside another each, got each over 'v'. Make one view of the "
       "parts"},
      {"each of an expert with two inputs",
       "variables: {x: {shape: [4]}}\nviews: {v: {of: x, patches: 2}}\ntarget: {each: {over: v, energy: {model: "
       "linear_gaussian}}}\n",
       "scene.yaml:3:34: target.each must be bound to what it reads, got no inputs. Write {energy: ..., inputs: {x: "
       "..., z: ...}} (inputs of 'linear_gaussian': x, z)"},
      {"a mixture of one name", target("{mixture: all}"),
       "scene.yaml:10:15: target.product[1].mixture must be a list of at least 1 energy, got 'all'"},
      {"a negative share", target("{mixture: [{energy: open, inputs: x, weight: -1}]}"),
       "scene.yaml:10:50: target.product[1].mixture[0].weight must be finite and >= 0, got -1"},
      {"shares of zero", target("{mixture: [{energy: open, inputs: x, weight: 0}]}"),
       "scene.yaml:10:5: target.product[1] must have a weight > 0, got only 0"},
      {"a normaliser in words", target("{mixture: [{energy: open, inputs: x, log_z: estimated}]}"),
       "scene.yaml:10:49: target.product[1].mixture[0].log_z must be a number, estimate, or a map of how to estimate "
       "it, "
       "got 'estimated'. {region: support} asks for an expert that is cut off at the supports"},
      {"a normaliser of an unknown region", target("{mixture: [{energy: open, inputs: x, log_z: {region: suport}}]}"),
       "scene.yaml:10:58: target.product[1].mixture[0].log_z.region must be one of natural, support; got 'suport'. Did "
       "you mean 'support'?"},
      {"a normaliser of one repeat", target("{mixture: [{energy: open, inputs: x, log_z: {repeats: 1}}]}"),
       "scene.yaml:10:59: target.product[1].mixture[0].log_z.repeats must be between 2 and 1000000, got 1"},
      {"a normaliser with a misspelt key", target("{mixture: [{energy: open, inputs: x, log_z: {particle: 5}}]}"),
       "scene.yaml:10:50: unknown key 'particle' in an estimate of log Z. Did you mean 'particles'? Known: region, "
       "particles, repeats, moves, base_mean, base_scale, seed"},
      {"a normaliser of an unnormalised mixture",
       target("{mixture: [{energy: open, inputs: x, log_z: 2}], unnormalised: true}"),
       "scene.yaml:10:49: target.product[1].mixture[0].log_z must be left out, got it in a mixture with unnormalised: "
       "true, whose weights absorb it"},
      {"branches that draw different variables",
       target("{mixture: [{energy: open, inputs: x}, {energy: open, inputs: z}]}"),
       "scene.yaml:10:5: target.product[1].mixture must have branches that draw the same numbers, got different ones "
       "of 'x' in mixture[0] and mixture[1]. Make each branch an energy of all of them"},
      {"a level that draws what is drawn above",
       target("{hierarchy: [{energy: open, inputs: x}, {energy: open, inputs: x}]}"),
       "scene.yaml:10:45: target.product[1].hierarchy[1] must draw variables that no level above draws, got 'x', which "
       "hierarchy[0] draws. Multiply the two in a product instead"},
      {"levels in the wrong order",
       target("{hierarchy: [{model: linear_gaussian, inputs: {x: x, z: z}}, {energy: open, inputs: z}]}"),
       "scene.yaml:10:18: target.product[1].hierarchy[0] must be conditional on levels above it only, got 'z', which "
       "hierarchy[1] draws. Put that level above"},
      {"a single level", target("{hierarchy: [all]}"),
       "scene.yaml:10:17: target.product[1].hierarchy must be a list of at least 2 energies, got 1"},
      {"a negation without strength", target("{not: {energy: all, strength: 0}}"),
       "scene.yaml:10:35: target.product[1].not.strength must be finite and > 0, got 0"},
      {"softness without a ceiling", target("{not: {energy: all, softness: 2}}"),
       "scene.yaml:10:25: target.product[1].not.softness must stand beside 'ceiling', got it without. Add a ceiling"},
      {"a negation of a name", target("{not: all}"),
       "scene.yaml:10:11: target.product[1].not must be a map, got 'all'. Its keys: energy, inputs, strength, ceiling, "
       "softness"},
      {"a temperature left out", target("{temper: {energy: all}}"),
       "scene.yaml:10:14: target.product[1].temper must have 'temperature' (temperature T of this node only), got "
       "none. Add it"},
      {"given as a map", small("given: {of: x, value: 1}\n"),
       "scene.yaml:6:8: given must be a list, got a map. Write given: [{of: x, value: 1}]"},
      {"given nothing", small("given: [{of: x}]\n"),
       "scene.yaml:6:9: given[0] must have either 'value' or 'file', got neither"},
      {"given an unknown view", small("given: [{of: y, value: 1}]\n"),
       "scene.yaml:6:14: given[0].of must be the name of a variable or view, got 'y'. Known: x"},
      {"given another shape", small("given: [{of: x, value: [1, 2, 3]}]\n"),
       "scene.yaml:6:24: given[0].value must have the shape of 'x' [2], got [3]"},
      {"given text", small("given: [{of: x, value: [1, two]}]\n"),
       "scene.yaml:6:28: given[0].value must be a number, got 'two'"},
      {"given outside the support",
       "variables: {x: {shape: [2], support: [0, 1]}}\ntarget: {model: gaussian, inputs: x}\ngiven: [{of: x, value: "
       "[1, 2]}]\n",
       "scene.yaml:3:24: given[0]: x[1] must be in its support [0, 1], got 2"},
      {"given an unknown label",
       "variables: {x: {}, k: {categories: 3}}\ntarget: {model: class_gaussian, inputs: {image: x, label: k}}\ngiven: "
       "[{of: k, value: 3}]\n",
       "scene.yaml:3:24: given[0]: k must be a label 0 ... 2, got 3"},
      {"a method that moves labels too", labelled_file("sample: {method: parallel_tempering}\n"),
       "scene.yaml:3:18: sample.method must be one that can move a part of the variables where gibbs draws 'k', got "
       "'parallel_tempering'. Use mala or hmc, or give 'k'"},
      {"gibbs of numbers", labelled_file("sample: {method: gibbs}\n"),
       "scene.yaml:3:18: sample.method must be one that moves numbers, got gibbs, which draws labels alone: 'x' moves "
       "too. Use mala or hmc: gibbs draws 'k' all the same"},
      {"a dense metric beside labels", labelled_file("sample: {method: hmc, metric: dense}\n"),
       "scene.yaml:3:31: sample.metric must be auto or identity where gibbs draws 'k', got dense: its matrix is of all "
       "variables together. Use auto, or give 'k'"},
      {"options that do not fit together", small("sample: {method: hmc, metric: dense, step_size: 0.1}\n"),
       "scene.yaml:6:31: sample.metric must be auto or identity where step_size is a number (0.1), got dense: the step "
       "size would be that of coordinates which the warm-up has yet to find. Leave step_size auto"},
      {"the same, beside labels", labelled_file("sample: {method: hmc, metric: dense, step_size: 0.1}\n"),
       "scene.yaml:3:31: sample.metric must be auto or identity where step_size is a number (0.1), got dense: the step "
       "size would be that of coordinates which the warm-up has yet to find. Leave step_size auto"},
      {"labels in a block of numbers", labelled_file("sample: {blocks: [[x, k]]}\n"),
       "scene.yaml:3:19: sample.blocks[0].method must be gibbs for 'k', which is categorical, got 'mala'. Give it a "
       "block of its own: {variables: [k], method: gibbs}"},
      {"numbers in a block of labels",
       labelled_file("sample: {blocks: [{variables: x, method: gibbs}, {variables: k, method: gibbs}]}\n"),
       "scene.yaml:3:42: sample.blocks[0].method must be one that moves numbers for 'x', got gibbs, which draws labels "
       "alone. Use mala or hmc"},
      {"blocks without the labels", labelled_file("sample: {blocks: [[x]]}\n"),
       "scene.yaml:3:18: sample.blocks must name every variable that moves, got no block with 'k'. Add {variables: "
       "[k], method: gibbs}"},
      {"more labels than a summary has room for",
       "variables: {x: {}, k: {shape: [1000, 1000], categories: 100}, l: {categories: 2}}\nviews: {first: {of: k, "
       "slice: [0, 0]}}\ntarget: {product: [{model: class_gaussian, inputs: {image: x, label: first}}, {model: "
       "class_gaussian, inputs: {image: x, label: l}}]}\n",
       "scene.yaml:1:57: variables.k.categories must be <= 67 where gibbs draws the labels of 1000000 numbers in 64 "
       "chains at a time, got 100. Use fewer categories, or give 'k'"},
      {"more labels than can be looked at",
       "variables: {x: {}, k: {categories: 30000000}}\ntarget: {model: class_gaussian, inputs: {image: x, label: "
       "k}}\nsample: {chains: 1000}\n",
       "scene.yaml:1:36: variables.k.categories must be <= 8388608 where gibbs draws the labels of 1 number in 256 "
       "chains at a time, got 30000000. Use fewer categories, or give 'k'"},
      {"given twice",
       with("",
            "views: {v: {of: x, slice: [\"1:3\"]}, w: {of: x, slice: [2]}}\ngiven: [{of: v, value: 0}, {of: w, value: "
            "0}]\n"),
       "scene.yaml:3:43: given[1] must not hold what given[0] holds already, got x[2, 0] in both. Remove one, or give "
       "views that do not overlap"},
      {"a scale of a number", small("given: [{of: x, value: 1, scale: 2}]\n"),
       "scene.yaml:6:27: given[0].scale must stand with 'file', got 'value'"},
      {"given a file that is not there", small("given: [{of: x, file: a.npy}]\n"),
       "scene.yaml:6:23: given[0].file must be a file that is there, got 'a.npy'. Paths are relative to the file that "
       "says them"},
      {"given a file of no known format", small("given: [{of: x, file: scene.yaml}]\n"),
       "scene.yaml:6:23: given[0].file must be named .npy, .safetensors, .png, .idx or -ubyte (the last two also .gz), "
       "got 'scene.yaml'"},
      {"an unknown key of sample", small("sample: {step: 10}\n"),
       "scene.yaml:6:10: unknown key 'step' in the sample section. Did you mean 'steps'? Known: method, chains, "
       "warmup, anneal, cooling, steps, thin, seed, temperature, precision, start, superchain, checkpoint_every, "
       "until, "
       "blocks, step_size, "
       "metric"},
      {"a cooling without steps", small("sample: {cooling: {from: 3}}\n"),
       "scene.yaml:6:19: sample.cooling must have 'steps' (number of steps before the warm-up), got none. Add it"},
      {"a cooling that warms", small("sample: {temperature: 4, cooling: {from: 3, steps: 10}}\n"),
       "scene.yaml:6:42: sample.cooling.from must be above sample.temperature (4), got 3. Raise it, or leave cooling "
       "out"},
      {"a cooling of replicas", small("sample: {method: parallel_tempering, cooling: {from: 3, steps: 10}}\n"),
       "scene.yaml:6:47: sample.cooling must be left out with parallel_tempering, got 10 steps: its hot replicas do "
       "the "
       "same in every step"},
      {"a cooling beside an anneal",
       small("sample: {cooling: {from: 3, steps: 10}, anneal: {temperature: {from: 3}, levels: 10}}\n"),
       "scene.yaml:6:19: sample.cooling must be left out beside sample.anneal, got both. Write its temperature in "
       "sample.anneal"},
      {"an anneal without levels", small("sample: {anneal: {temperature: {from: 3}}}\n"),
       "scene.yaml:6:18: sample.anneal must have 'levels' (number of values that each number takes before its last), "
       "got none. Add it"},
      {"an anneal of nothing", small("sample: {anneal: {levels: 3}}\n"),
       "scene.yaml:6:18: sample.anneal must have a number that moves (temperature, or a variable that is given), got "
       "none. Add such as temperature: {from: 20}"},
      {"an anneal that warms", small("sample: {temperature: 4, anneal: {temperature: {from: 3}, levels: 10}}\n"),
       "scene.yaml:6:55: sample.anneal.temperature.from must be above sample.temperature (4), got 3. Raise it, or "
       "leave "
       "temperature out"},
      {"an anneal of replicas",
       small("sample: {method: parallel_tempering, anneal: {temperature: {from: 3}, levels: 10}}\n"),
       "scene.yaml:6:60: sample.anneal.temperature must be left out with parallel_tempering, got 10 levels: its hot "
       "replicas do the same in every step"},
      {"an anneal of what is no variable", small("sample: {anneal: {y: {from: 3}, levels: 10}}\n"),
       "scene.yaml:6:19: unknown key 'y' in the anneal section. Known: temperature, levels, steps, spacing, "
       "predictor, step_size, noisy_given"},
      {"an anneal of what is no variable beside one that may move",
       annealed("{of: z, value: 1}", "y: {from: 3}, levels: 10"),
       "scene.yaml:4:19: unknown key 'y' in the anneal section. Known: temperature, levels, steps, spacing, "
       "predictor, step_size, noisy_given, z"},
      {"an anneal that begins beyond float32", annealed("{of: z, value: 1}", "z: {from: 1e39}, levels: 10"),
       "scene.yaml:4:29: sample.anneal.z.from must be a number of float32, got 1e+39. Use precision: float64"},
      {"a given number beyond float32", annealed("{of: z, value: 1e39}", "temperature: {from: 3}, levels: 10"),
       "scene.yaml:3:8: given: z must be a number of float32, got 1e+39. Use precision: float64"},
      {"an anneal of a picture", small("given: [{of: x, value: 1}]\nsample: {anneal: {x: {from: 3}, levels: 10}}\n"),
       "scene.yaml:7:22: sample.anneal.x must be a variable of one number, got shape [2]. Let the models read a number "
       "of its own"},
      {"an anneal of what is drawn", annealed("", "x: {from: 3}, levels: 10"),
       "scene.yaml:4:22: sample.anneal.x must be given, got a variable that is drawn. Add {of: x, value: NUMBER} to "
       "given, with the value that it moves to"},
      {"an anneal that begins at no number", annealed("{of: z, value: 1}", "z: {from: soon}, levels: 10"),
       "scene.yaml:4:29: sample.anneal.z.from must be a number, got 'soon'"},
      {"an anneal to 0 by factors", annealed("{of: z, value: 0}", "z: {from: 3}, levels: 10"),
       "scene.yaml:4:29: sample.anneal.z.from and the given value must be other than 0 with spacing: geometric, got 3 "
       "and 0. Use spacing: karras or linear"},
      {"a step size of no level", annealed("{of: z, value: 1}", "z: {from: 3}, levels: 10, step_size: 2"),
       "scene.yaml:4:56: sample.anneal.step_size must be in (0, 1], in units of the square of the level of "
       "noise, got 2"},
      {"a predictor of what is drawn by nobody else",
       annealed("{of: z, value: 4}", "z: {from: 3}, levels: 10, predictor: true"),
       "scene.yaml:4:29: sample.anneal.z.from must be above the given value, which must be >= 0, where it is a level "
       "of noise (sample.anneal.predictor), got 3 and 4"},
      {"a predictor of two numbers",
       "variables: {x: {}, z: {}}\ntarget: {model: linear_gaussian, inputs: {x: x, z: z}}\ngiven: [{of: z, value: "
       "1}]\nsample: {anneal: {temperature: {from: 3}, levels: 10, predictor: true}}\n",
       "scene.yaml:4:66: sample.anneal.predictor must be left out unless exactly one given number moves, the level of "
       "noise, got 0 of them"},
      {"a predictor under hmc",
       "variables: {x: {}, z: {}}\ntarget: {model: linear_gaussian, inputs: {x: x, z: z}}\ngiven: [{of: z, value: "
       "1}]\nsample: {method: hmc, anneal: {z: {from: 3}, levels: 10, predictor: true}}\n",
       "scene.yaml:4:69: sample.anneal.predictor must be left out with hmc, whose step size is not in units of a "
       "level's square. Use mala or langevin"},
      {"an anneal by unknown spacing", annealed("{of: z, value: 1}", "z: {from: 3}, levels: 10, spacing: cosine"),
       "scene.yaml:4:54: sample.anneal.spacing must be one of geometric, karras, linear; got 'cosine'"},
      {"an unknown method", small("sample: {method: mla, step_size: 2}\n"),
       "scene.yaml:6:18: sample.method must be one of " + known_methods() + "; got 'mla'. Did you mean 'mala'?"},
      {"no steps", small("sample: {steps: 0}\n"), "scene.yaml:6:17: sample.steps must be >= 1, got 0"},
      {"more steps than the noise counts", small("sample: {warmup: 20, steps: 5000000000}\n"),
       "scene.yaml:6:29: sample.steps + sample.warmup must be <= 4294967295, got 5000000020: the noise counts that "
       "far. Take fewer steps"},
      {"a warm-up and steps that overflow",
       small("sample: {warmup: 9000000000000000000, steps: 9000000000000000000}\n"),
       "scene.yaml:6:18: sample.warmup + sample.steps must be <= 4294967295, got more than 2^63: the noise counts that "
       "far. Take fewer steps"},
      {"more draws than can be counted", small("sample: {chains: 4000000000, steps: 4000000000}\n"),
       "scene.yaml:6:37: sample.steps must make at most 72057594 draws of 4000000000 chains of 2 numbers, got "
       "4000000000. "
       "Raise sample.thin, or take fewer steps"},
      {"a negative seed", small("sample: {seed: -1}\n"),
       "scene.yaml:6:16: sample.seed must be between 0 and 4294967295, got -1"},
      {"a seed of text", small("sample: {seed: soon}\n"),
       "scene.yaml:6:16: sample.seed must be an integer, got 'soon'"},
      {"absolute zero", small("sample: {temperature: 0}\n"),
       "scene.yaml:6:23: sample.temperature must be finite and > 0, got 0"},
      {"an unknown precision", small("sample: {precision: float46}\n"),
       "scene.yaml:6:21: sample.precision must be one of float32, float64; got 'float46'. Did you mean 'float64'?"},
      {"thinned to nothing", small("sample: {steps: 5, thin: 10}\n"),
       "scene.yaml:6:17: sample.steps must be a multiple of sample.thin (10), got 5. Use 10"},
      {"an unknown start", small("sample: {start: unifrm}\n"),
       "scene.yaml:6:17: sample.start must be an .npy or .safetensors file or one of auto, exact, uniform, normal; got "
       "'unifrm'. Did you mean 'uniform'?"},
      {"an option out of bounds", small("sample: {step_size: -1}\n"),
       "scene.yaml:6:21: sample.step_size must be > 0, got -1"},
      {"blocks that are no list", small("sample: {blocks: x}\n"),
       "scene.yaml:6:18: sample.blocks must be a list of blocks, each a list of variables or a map with a method, got "
       "'x'. Leave it out to move all variables together"},
      {"no blocks", small("sample: {blocks: []}\n"),
       "scene.yaml:6:18: sample.blocks must be a list of blocks, each a list of variables or a map with a method, got "
       "an empty one. Leave it out to move all variables together"},
      {"a block of an unknown variable", small("sample: {blocks: [[y]]}\n"),
       "scene.yaml:6:19: sample.blocks[0] must name variables, got 'y'"},
      {"a variable in two blocks", small("sample: {blocks: [[x], [x]]}\n"),
       "scene.yaml:6:24: sample.blocks[1] must name variables of no other block, got 'x', which is in "
       "sample.blocks[0]. Leave it in one"},
      {"an unknown method of a block", small("sample: {blocks: [{variables: x, method: hmcc}]}\n"),
       "scene.yaml:6:42: sample.blocks[0].method must be one of adjusted_mclmc, baoab, ebm_practice, ghmc, gibbs, hmc, "
       "langevin, leimkuhler_matthews, mala, mclmc, obabo, parallel_tempering; got 'hmcc'. Did you mean 'hmc'?"},
      {"a method that cannot move a block", small("sample: {blocks: [{variables: x, method: ebm_practice}]}\n"),
       "scene.yaml:6:42: sample.blocks[0].method must be one that can move a part of the variables, got "
       "'ebm_practice'. Use mala or hmc"},
      {"an unknown key of a block", small("sample: {blocks: [{variables: x, method: mala, step: 1}]}\n"),
       "scene.yaml:6:48: unknown key 'step' in a block. Did you mean 'step_size'? Known: variables, method, step_size, "
       "metric"},
      {"an option of a block out of bounds", small("sample: {blocks: [{variables: x, method: mala, step_size: -1}]}\n"),
       "scene.yaml:6:59: sample.blocks[0].step_size must be > 0, got -1"},
      {"a method that moves no block", small("sample: {method: hmc, blocks: [{variables: x, method: mala}]}\n"),
       "scene.yaml:6:10: sample.method must be used by a block, got blocks that all have a method of their own. Remove "
       "it"},
      {"a picture of nothing", small("output: {pictures: [y]}\n"),
       "scene.yaml:6:21: output.pictures[0] must be the name of a variable, got 'y'. Known: x"},
      {"a picture of a vector", small("output: {pictures: [x]}\n"),
       "scene.yaml:6:21: output.pictures[0] must be image-shaped, [height, width] with or without 1 or 3 channels, got "
       "'x' [2]"},
      {"a picture of what is given whole",
       "variables: {x: {shape: [2, 2]}, y: {shape: [4]}}\ntarget: {product: [{model: gaussian, inputs: x}, {model: "
       "gaussian, inputs: y}]}\ngiven: [{of: x, value: 0}]\noutput: {pictures: [x]}\n",
       "scene.yaml:4:21: output.pictures[0] must be a variable that is drawn, got 'x', which is given whole. Leave it "
       "out"},
      {"a flag of text", small("integrable: perhaps\n"),
       "scene.yaml:6:13: integrable must be true or false, got 'perhaps'"},
      {"a plugin that is not there", small("plugins: [missing.so]\n"),
       "scene.yaml:6:11: plugins must name what is there, got 'missing.so'"},
      {"an include that is not there", small("include: [more.yaml]\n"),
       "scene.yaml:6:11: more.yaml: must be a file that can be read. Check the path"},
      {"an include whose name no file can have", small("include: " + std::string(300, 'x') + ".yaml\n"),
       "scene.yaml:6:10: " + std::string(300, 'x') + ".yaml: must be a file that can be read. Check the path"},
      {"an include of itself only", small("include: [{a: 1}]\n"),
       "scene.yaml:6:11: include[0] must be a text, got a map"},
  };
}

TEST(BrokenFilesTest, AreAnsweredWithTheseTexts) {
  const ScratchFolder folder;
  for (const Broken& broken : broken_files())
    EXPECT_EQ(complaint(folder, broken.text), broken.complaint) << broken.name;
}

}  // namespace
}  // namespace potluck
