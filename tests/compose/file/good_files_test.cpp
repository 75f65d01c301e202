// SPDX-License-Identifier: Apache-2.0
// One fixture reads every section of a composition.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/files/formats/npy.h"
#include "core/files/formats/png.h"
#include "core/files/formats/safetensors.h"
#include "core/files/formats/sha256.h"
#include "tests/compose/table_of_models.h"

namespace potluck {
namespace {

using testing::ElementsAre;

class GoodFilesTest : public testing::Test {
 protected:
  Composition read(const std::string& text, const Overrides& overrides = {}) {
    return read_composition(folder_.write("scene.yaml", text), overrides, models_);
  }

  template <typename Kind>
  static const Kind& as(const NodePointer& node) {
    return std::get<Kind>(node->kind);
  }

  ScratchFolder folder_;
  TableOfModels models_;
};

/// The example of the manual, with a picture of 4 x 4 and a file of two rows.
std::string scene() {
  return R"(potluck: 1
include: [parts/experts.yaml]
variables:
  image: {shape: [4, 4], support: [0, 1]}
  label: {categories: 10}
views:
  upper: {of: image, slice: ["0:2", ":"]}
  tiles: {of: image, patches: [2, 2], stride: [1, 2]}
energies:
  garment: {model: class_gaussian, inputs: {image: image, label: label}}
  texture: {each: {over: tiles, energy: {model: gaussian}}}
  scene:   {product: [garment, texture, {energy: smooth, inputs: image, weight: 0.5}]}
target: scene
given:
  - {of: upper, file: rows.npy, row: 1, scale: 1/255}
  - {of: label, value: 3}
sample: {method: mala, chains: 8, warmup: 50, steps: 200, thin: 10, seed: 7}
output: {folder: runs/coat, pictures: [image]}
)";
}

void write_parts(const ScratchFolder& folder) {
  folder.write("parts/experts.yaml",
               "plugins: [plugins]\nenergies:\n  smooth: {model: acme.smoothness, settings: {strength: 4}}\n");
  std::vector<int64_t> rows(32);
  for (size_t i = 0; i < rows.size(); ++i) rows[i] = static_cast<int64_t>(i);
  write_npy(folder / "rows.npy", Array::of({2, 4, 4}, rows));
}

// 250 round trips of 2 n proposals, n replicas; at least 500.
TEST_F(GoodFilesTest, TheWarmUpOfALadderGrowsWithItsReplicas) {
  const auto warmup = [&](const std::string& sample) {
    return read("variables: {x: {}}\ntarget: {model: gaussian, inputs: x}\nsample: {" + sample + "}\n").sample.warmup;
  };
  EXPECT_EQ(warmup("method: mala"), 500);
  EXPECT_EQ(warmup("method: parallel_tempering"), 250 * 2 * 8);
  EXPECT_EQ(warmup("method: parallel_tempering, replicas: 16, swap_every: 3"), 250 * 2 * 16 * 3);
  EXPECT_EQ(warmup("method: parallel_tempering, replicas: 2"), 1000);
  EXPECT_EQ(warmup("method: parallel_tempering, warmup: 70"), 70);
}

TEST_F(GoodFilesTest, AnOptionalInputMayBeLeftOut) {
  const auto inputs = [&](const std::string& bound) {
    const Composition scene =
        read("variables: {x: {shape: [2]}, z: {}}\ntarget: {product: [{model: noisy, inputs: " + bound +
             "}, {model: gaussian, inputs: z}]}\n");
    return as<Leaf>(as<Product>(scene.target).terms[0].energy).inputs;
  };
  for (const std::string without : {"x", "{x: x}"}) {
    const std::vector<Binding> bound = inputs(without);
    ASSERT_EQ(bound.size(), 2u);
    EXPECT_EQ(bound[0].variable, 0);
    EXPECT_TRUE(bound[1].left_out);
    EXPECT_EQ(bound[1].variable, -1);
    EXPECT_THAT(bound[1].shape, ElementsAre(0));
  }
  EXPECT_FALSE(inputs("{x: x, noise: z}")[1].left_out);
  EXPECT_EQ(inputs("{x: x, noise: z}")[1].variable, 1);
  EXPECT_FALSE(inputs("{x: x, noise: 0.5}")[1].left_out);

  // Open inside `each`, it reads the part.
  const Composition each = read(
      "variables: {x: {shape: [4]}}\nviews: {halves: {of: x, patches: [2]}}\n"
      "target: {each: {over: halves, energy: {model: noisy}}}\n");
  const Leaf& part = as<Leaf>(as<Each>(each.target).energy);
  EXPECT_THAT(part.inputs[0].index, ElementsAre(0, 1, 2, 3));
  EXPECT_TRUE(part.inputs[1].left_out);
}

TEST_F(GoodFilesTest, ANumberThatMovesMayBeALevelOfNoise) {
  const auto annealed = [&](const std::string& more) {
    return read(
               "variables: {x: {shape: [3]}, z: {}}\n"
               "views: {part: {of: x, slice: '0:2'}}\n"
               "target: {model: linear_gaussian, inputs: {x: part, z: z}}\n"
               "integrable: true\ngiven: [{of: z, value: 0.5}]\n"
               "sample: {anneal: {z: {from: 20}, levels: 30" +
               more + "}}\n")
        .sample.anneal;
  };
  const Schedule plain = annealed("");
  EXPECT_FALSE(plain.of_noise());
  EXPECT_TRUE(plain.blurred.empty());
  const Schedule flowing = annealed(", predictor: true");
  EXPECT_TRUE(flowing.predictor && flowing.step_by_level && flowing.noisy_given);
  EXPECT_FALSE(flowing.step_size);
  // What the expert that reads z draws: two of the numbers of x.
  ASSERT_EQ(flowing.blurred.size(), 2u);
  EXPECT_THAT(flowing.blurred[0], ElementsAre(1, 1, 0));
  EXPECT_TRUE(flowing.blurred[1].empty());
  EXPECT_FALSE(annealed(", predictor: true, noisy_given: false").noisy_given);
  const Schedule steps = annealed(", step_size: 0.2");
  EXPECT_TRUE(steps.step_by_level && !steps.predictor && !steps.noisy_given);
  EXPECT_EQ(steps.step_size, 0.2);
  EXPECT_TRUE(annealed(", step_size: auto").step_by_level);
  EXPECT_FALSE(annealed(", step_size: auto").step_size);
}

TEST_F(GoodFilesTest, NumbersMoveFromWhereTheAnnealSectionSays) {
  const auto annealed = [&](const std::string& anneal) {
    return read(
        "variables: {x: {}, z: {}}\ntarget: {model: linear_gaussian, inputs: {x: x, z: z}}\n"
        "given: [{of: z, value: 0.5}]\nsample: {" +
        anneal + "}\n");
  };
  const Composition both =
      annealed("anneal: {temperature: {from: 4}, z: {from: 20}, levels: 30, steps: 2, spacing: karras}");
  EXPECT_TRUE(both.warnings.empty());
  const Schedule& anneal = both.sample.anneal;
  EXPECT_EQ(anneal.temperature, 4);
  ASSERT_EQ(anneal.given.size(), 1u);
  EXPECT_EQ(anneal.given[0].variable, 1);
  EXPECT_EQ(anneal.given[0].from, 20);
  EXPECT_EQ(anneal.levels, 30);
  EXPECT_EQ(anneal.steps, 2);
  EXPECT_EQ(anneal.spacing, Spacing::kKarras);
  const Schedule preset = annealed("anneal: {z: {from: 20}, levels: 30}").sample.anneal;
  EXPECT_FALSE(preset.temperature);
  EXPECT_EQ(preset.steps, 1);
  EXPECT_EQ(preset.spacing, Spacing::kGeometric);
  EXPECT_FALSE(annealed("").sample.anneal.any());
}

TEST_F(GoodFilesTest, ACoolingIsAnAnnealOfTheTemperatureAndSaysSo) {
  const Composition cooled =
      read("variables: {x: {}}\ntarget: {model: gaussian, inputs: x}\nsample: {cooling: {from: 20, steps: 500}}\n");
  EXPECT_EQ(cooled.sample.anneal.temperature, 20);
  EXPECT_EQ(cooled.sample.anneal.levels, 500);
  EXPECT_EQ(cooled.sample.anneal.steps, 1);
  EXPECT_EQ(cooled.sample.anneal.spacing, Spacing::kGeometric);
  EXPECT_THAT(cooled.warnings,
              ElementsAre("sample.cooling is an older name. Write sample.anneal: {temperature: {from: 20}, levels: "
                          "500, steps: 1}"));
}

TEST_F(GoodFilesTest, ATimeThatBeginsLateIsNoticed) {
  const auto warnings = [&](const std::string& sample) {
    return read("variables: {x: {}}\ntarget: {model: gaussian, inputs: x}\nsample: {" + sample + "}\n").warnings;
  };
  EXPECT_THAT(warnings("warmup: 300, steps: 200, until: {time: 10s}"),
              ElementsAre("sample.until.time counts from the first step after the warm-up: 300 steps of warm-up come "
                          "before it"));
  EXPECT_THAT(warnings("warmup: 150, steps: 200, until: {time: 10s}, anneal: {temperature: {from: 9}, levels: 10, "
                       "steps: 20}"),
              ElementsAre("sample.until.time counts from the first step after the warm-up: 200 steps of anneal and 150 "
                          "of warm-up come before it"));
  EXPECT_THAT(warnings("warmup: 200, steps: 200, until: {time: 10s}"), ElementsAre());
  EXPECT_THAT(warnings("warmup: 300, steps: 200, until: {ess: 10}"), ElementsAre());
}

// Keys of the section come before variables of their name.
TEST_F(GoodFilesTest, ATemperatureThatMovesIsThatOfTheRun) {
  const Schedule anneal = read(
                              "variables: {x: {}, temperature: {}}\n"
                              "target: {model: linear_gaussian, inputs: {x: x, z: temperature}}\n"
                              "given: [{of: temperature, value: 1}]\n"
                              "sample: {anneal: {temperature: {from: 3}, levels: 5}}\n")
                              .sample.anneal;
  EXPECT_EQ(anneal.temperature, 3);
  EXPECT_TRUE(anneal.given.empty());
}

TEST_F(GoodFilesTest, LabelsThatAreNotGivenAreDrawnByABlockOfTheirOwn) {
  const auto blocks = [&](const std::string& rest) {
    std::vector<std::string> all;
    for (const BlockOptions& block :
         read("variables: {x: {}, y: {}, k: {categories: 3}, l: {shape: [2], categories: 4}}\n"
              "views: {second: {of: l, slice: [\"1:2\"]}}\n"
              "energies:\n  a: {model: class_gaussian, inputs: {image: x, label: k}}\n"
              "  b: {model: class_gaussian, inputs: {image: y, label: l}}\n"
              "target: {product: [a, b]}\n" +
              rest)
             .sample.blocks)
      all.push_back(fmt::format("{} on {}", block.method, fmt::join(block.variables, ", ")));
    return all;
  };
  EXPECT_THAT(blocks(""), ElementsAre("gibbs on k", "gibbs on l", "mala on x, y"));
  EXPECT_THAT(blocks("sample: {method: hmc}\n"), ElementsAre("gibbs on k", "gibbs on l", "hmc on x, y"));
  EXPECT_THAT(blocks("given: [{of: k, value: 1}, {of: second, value: 3}]\n"),
              ElementsAre("gibbs on l", "mala on x, y"));
  EXPECT_THAT(blocks("given: [{of: x, value: 1}, {of: y, value: 1}]\nsample: {method: gibbs}\n"),
              ElementsAre("gibbs on k", "gibbs on l"));
  EXPECT_THAT(blocks("given: [{of: k, value: 1}, {of: l, value: 1}]\n"), ElementsAre());
  EXPECT_THAT(blocks("sample: {blocks: [[x, y], {variables: [l, k], method: gibbs}]}\n"),
              ElementsAre("mala on x, y", "gibbs on l, k"));
}

TEST_F(GoodFilesTest, TheExampleOfTheManualBecomesATree) {
  write_parts(folder_);
  const Composition read_scene = read(scene());
  ASSERT_EQ(read_scene.variables.size(), 2u);
  EXPECT_EQ(read_scene.variables[0].size(), 16);
  EXPECT_EQ(read_scene.variables[0].most, 1);
  EXPECT_EQ(read_scene.variables[1].categories, 10);
  EXPECT_THAT(models_.places, ElementsAre("plugins of experts.yaml"));

  EXPECT_EQ(read_scene.target->name, "scene");
  const Product& product = as<Product>(read_scene.target);
  ASSERT_EQ(product.terms.size(), 3u);
  EXPECT_EQ(product.terms[2].weight, 0.5);
  const Leaf& garment = as<Leaf>(product.terms[0].energy);
  EXPECT_EQ(garment.inputs[0].variable, 0);
  EXPECT_TRUE(garment.inputs[0].index.empty());
  EXPECT_EQ(garment.inputs[1].text, "label");
  const Each& each = as<Each>(product.terms[1].energy);
  // Corners (0,0) (0,2) (1,0) (1,2) (2,0) (2,2): 3 steps down, 2 across.
  EXPECT_EQ(each.parts, 6);
  const Leaf& filter = as<Leaf>(each.energy);
  EXPECT_EQ(each.energy->name, "texture.each");
  EXPECT_THAT(filter.inputs[0].shape, ElementsAre(2, 2));
  ASSERT_EQ(filter.inputs[0].index.size(), 24u);
  // The fourth part has its corner at (1, 2), element 1 * 4 + 2.
  EXPECT_THAT(std::vector<int32_t>(&filter.inputs[0].index[12], &filter.inputs[0].index[16]),
              ElementsAre(6, 7, 10, 11));
  const Leaf& smooth = as<Leaf>(product.terms[2].energy);
  EXPECT_EQ(product.terms[2].energy->name, "smooth");
  EXPECT_EQ(smooth.settings[0].real[0], 4);
  EXPECT_EQ(folder_.shorten(smooth.setting_places[0].file), "parts/experts.yaml");
  EXPECT_EQ(smooth.setting_places[0].line, 3);
  EXPECT_EQ(read_scene.energies.count("garment"), 1u);
  EXPECT_EQ(read_scene.energies.count("smooth"), 0u) << "an open leaf is no closed energy";
  EXPECT_EQ(read_scene.energies.at("texture"), product.terms[1].energy);

  // Row 1 begins at 16; the upper half of it is 16 ... 23.
  EXPECT_THAT(read_scene.held[0].mask, ElementsAre(1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0));
  EXPECT_DOUBLE_EQ(read_scene.held[0].value[7], 23.0 / 255);
  EXPECT_EQ(read_scene.held[1].value[0], 3);
  EXPECT_EQ(read_scene.sample.thin, 10);
  EXPECT_EQ(read_scene.sample.seed, 7u);
  EXPECT_EQ(read_scene.output.folder, (folder_ / "runs/coat").string());
  EXPECT_EQ(read_scene.files.at((folder_ / "rows.npy").string()), sha256_of_file(folder_ / "rows.npy"));
  EXPECT_EQ(read_scene.files.size(), 3u);
}

TEST_F(GoodFilesTest, WallsReflectUnlessTheyTransform) {
  const Composition walls = read(
      "variables: {a: {support: [0, 1]}, b: {support: [0, inf], walls: transform}, c: {support: [0, 1], walls: "
      "reflect}}\n"
      "target: {product: [{model: gaussian, inputs: a}, {model: gaussian, inputs: b}, {model: gaussian, inputs: c}]}\n"
      "given: [{of: b, value: 0}]\n");
  EXPECT_EQ(walls.variables[0].walls, Walls::kReflect);
  EXPECT_EQ(walls.variables[1].walls, Walls::kTransform);
  EXPECT_EQ(walls.variables[2].walls, Walls::kReflect);
  EXPECT_EQ(walls.held[1].value[0], 0);  // a given number may lie on a wall
}

TEST_F(GoodFilesTest, TheResolvedTextReadsAsTheSameComposition) {
  write_parts(folder_);
  Overrides overrides;
  overrides.set = {{"sample.steps", "500"}, {"energies.scene.product[2].weight", "2"}};
  const Composition first = read(scene(), overrides);
  EXPECT_EQ(first.sample.steps, 500);
  EXPECT_EQ(as<Product>(first.target).terms[2].weight, 2);
  const ScratchFolder elsewhere;
  const Composition second = read_composition(elsewhere.write("again.yaml", first.resolved), {}, models_);
  EXPECT_EQ(second.resolved, first.resolved);
  EXPECT_EQ(second.held[0].value, first.held[0].value);
  EXPECT_EQ(second.output.folder, first.output.folder);
  EXPECT_THAT(first.resolved,
              testing::HasSubstr("  scene: {product: [garment, texture, {energy: smooth, inputs: image, "
                                 "weight: 2}]}\n"));
}

TEST_F(GoodFilesTest, GivensComeFromTheCommandLineToo) {
  write_parts(folder_);
  // An 8-bit picture: 51 / 255 = 0.2. The scale is that of the given which it replaces.
  write_png(folder_ / "photo.png", 4, 4, 1, std::vector<uint8_t>(16, 51));
  Overrides overrides;
  overrides.given = {{"label", "5"}, {"upper", (folder_ / "photo.png").string()}};
  const Composition changed = read(scene(), overrides);
  EXPECT_EQ(changed.held[1].value[0], 5);
  EXPECT_DOUBLE_EQ(changed.held[0].value[3], 51.0 / 255);
  overrides.given[1].second = "{value: 0.25}";
  EXPECT_EQ(read(scene(), overrides).held[0].value[3], 0.25);
}

TEST_F(GoodFilesTest, OverridesHavePlacesOfTheirOwnInErrors) {
  const std::string small = "variables: {x: {support: [0, 1]}}\ntarget: {model: gaussian, inputs: x}\n";
  const auto says = [&](const Overrides& overrides) { return complaint(folder_, small, overrides); };
  EXPECT_EQ(says({{{"sample.steps", "0"}}, {}}), "--set sample.steps: sample.steps must be >= 1, got 0");
  EXPECT_EQ(says({{{"sample.seed", "x", "--seed"}}, {}}), "--seed: sample.seed must be an integer, got 'x'");
  EXPECT_EQ(says({{{"sample.until.rhat", "1", "--until rhat"}}, {}}),
            "--until rhat: sample.until.rhat must be finite and > 1, got 1");
  EXPECT_EQ(says({{{"sample.stepz", "1"}}, {}}).substr(0, 90),
            "--set sample.stepz: unknown key 'stepz' in the sample section. Did you mean 'steps'? Known");
  EXPECT_EQ(says({{{"target.model.x", "1"}}, {}}),
            "--set target.model.x: 'target.model' must be a map, got 'gaussian'");
  EXPECT_EQ(says({{{"target[2]", "1"}}, {}}),
            "--set target[2]: 'target' must be a list of more than 2 items, got a map");
  EXPECT_EQ(
      says({{{"a..b", "1"}}, {}}),
      "--set a..b: must be a path of keys and indices such as sample.steps or energies.scene.product[0].weight, got "
      "'a..b'");
  EXPECT_EQ(says({.set = {}, .given = {{"x", "2"}}}), "--given x: given[0]: x must be in its support [0, 1], got 2");
  EXPECT_EQ(says({.set = {}, .given = {{"y", "2"}}}),
            "--given y: given[0].of must be the name of a variable or view, got 'y'. Known: x");
  EXPECT_EQ(says({.set = {}, .given = {{"x", "a.npy"}}}),
            "--given x: given[0].file must be a file that is there, got 'a.npy'. Paths are "
            "relative to the working directory");
  EXPECT_EQ(says({.set = {}, .given = {{"x", ""}}}),
            "--given x: must be a number, a list or a file, got nothing. Write --given x=3");
}

TEST_F(GoodFilesTest, SlicesAreThoseOfNumpy) {
  const auto view = [&](const std::string& slice) {
    const Composition composition =
        read("variables: {x: {shape: [3, 5]}}\nviews: {v: {of: x, slice: " + slice +
             "}}\ntarget: {product: [{model: gaussian, inputs: v}, {model: gaussian, inputs: x}]}\n");
    return composition.views.at(0);
  };
  EXPECT_THAT(view("[\"1:\", \"::2\"]").index, ElementsAre(5, 7, 9, 10, 12, 14));
  EXPECT_THAT(view("[\"1:\", \"::2\"]").part_shape, ElementsAre(2, 3));
  EXPECT_THAT(view("[-1]").index, ElementsAre(10, 11, 12, 13, 14));
  EXPECT_THAT(view("[-1]").part_shape, ElementsAre(5));
  EXPECT_THAT(view("[\":\", \"-2:\"]").index, ElementsAre(3, 4, 8, 9, 13, 14));
  EXPECT_THAT(view("[0, \"3:0:-2\"]").index, ElementsAre(3, 1));
  EXPECT_THAT(view("[\"::-1\", 0]").index, ElementsAre(10, 5, 0));
  EXPECT_THAT(view("[\"::-9223372036854775808\", \"4:5:9223372036854775807\"]").index, ElementsAre(14));
  EXPECT_TRUE(view("\":\"").whole());
}

TEST_F(GoodFilesTest, PatchesThatStickOutAreDroppedWhenAsked) {
  const Composition composition = read(
      "variables: {x: {shape: [5]}}\nviews: {v: {of: x, patches: 2, edge: drop}}\n"
      "target: {product: [{each: {over: v, energy: {model: gaussian}}}, {model: gaussian, inputs: x}]}\n");
  EXPECT_EQ(composition.views[0].parts, 2);
  EXPECT_THAT(composition.views[0].index, ElementsAre(0, 1, 2, 3));
}

TEST_F(GoodFilesTest, InsideEachOtherBindingsAreRepeatedForEveryPart) {
  const Composition composition = read(
      "variables: {x: {shape: [4]}, z: {shape: [2]}}\nviews: {v: {of: x, patches: 2}}\n"
      "target: {product: [{each: {over: v, energy: {model: linear_gaussian, inputs: {x: v, z: z}}}}, {model: gaussian, "
      "inputs: z}]}\n");
  const Leaf& leaf = as<Leaf>(as<Each>(as<Product>(composition.target).terms[0].energy).energy);
  EXPECT_EQ(leaf.parts, 2);
  EXPECT_THAT(leaf.inputs[0].index, ElementsAre(0, 1, 2, 3));
  EXPECT_THAT(leaf.inputs[1].index, ElementsAre(0, 1, 0, 1));
}

TEST_F(GoodFilesTest, ALeafUsedTwiceWithTheSameBindingIsOneNode) {
  const Composition composition = read(
      "variables: {x: {shape: [2]}, y: {shape: [2]}}\nenergies: {g: {model: gaussian}}\n"
      "target: {product: [{energy: g, inputs: x}, {energy: g, inputs: {x: x}}, {energy: g, inputs: y}]}\n");
  const Product& product = as<Product>(composition.target);
  EXPECT_EQ(product.terms[0].energy, product.terms[1].energy);
  EXPECT_NE(product.terms[0].energy, product.terms[2].energy);
}

TEST_F(GoodFilesTest, EveryKindOfNodeKeepsItsNumbers) {
  const Composition composition = read(R"(
variables: {x: {shape: [2]}, z: {shape: [2]}}
energies:
  a: {model: gaussian, inputs: z}
  pair: {mixture: [{energy: a, weight: 3, log_z: 1.5}, {temper: {energy: a, temperature: 2}}]}
  found:
    mixture:
      - {energy: a, log_z: estimate}
      - {energy: a, log_z: {region: support, particles: 64, repeats: 3, moves: 2, base_mean: 1, base_scale: 2, seed: 5}}
target:
  product:
    - {hierarchy: [pair, {model: linear_gaussian, inputs: {x: x, z: z}}], unnormalised: true}
    - {not: {energy: {model: gaussian, settings: {scale: 1/4, mean: [1, 2]}}, inputs: x, strength: 2, ceiling: 5, softness: .5}}
    - {model: linear_gaussian, inputs: {x: x, z: [1, 2]}}
integrable: true
)");
  const Product& product = as<Product>(composition.target);
  const Hierarchy& hierarchy = as<Hierarchy>(product.terms[0].energy);
  EXPECT_TRUE(hierarchy.unnormalised);
  const Mixture& mixture = as<Mixture>(hierarchy.levels[0]);
  EXPECT_EQ(mixture.branches[0].weight, 0.75);  // 3 of 3 + 1
  EXPECT_EQ(mixture.branches[0].log_z, 1.5);
  EXPECT_FALSE(mixture.branches[1].log_z);
  EXPECT_FALSE(mixture.branches[0].estimation || mixture.branches[1].estimation);
  const Mixture& found = as<Mixture>(composition.energies.at("found"));
  ASSERT_TRUE(found.branches[0].estimation && found.branches[1].estimation);
  EXPECT_FALSE(found.branches[0].estimation->on_support);
  EXPECT_EQ(found.branches[0].estimation->annealing.particles, 4096);
  const LogZEstimation& how = *found.branches[1].estimation;
  EXPECT_TRUE(how.on_support);
  EXPECT_EQ(std::tuple(how.annealing.particles, how.repeats, how.annealing.moves, how.annealing.base.mean,
                       how.annealing.base.scale, how.annealing.seed),
            std::tuple(64, 3, 2, 1.0, 2.0, 5u));
  EXPECT_EQ(as<Temper>(mixture.branches[1].energy).temperature, 2);
  const Not& negation = as<Not>(product.terms[1].energy);
  EXPECT_EQ(negation.strength, 2);
  EXPECT_EQ(negation.ceiling, 5);
  EXPECT_EQ(negation.softness, 0.5);
  EXPECT_EQ(negation.energy->name, "target.product[1].not");
  EXPECT_EQ(as<Leaf>(negation.energy).settings[0].real[0], 0.25);
  EXPECT_THAT(as<Leaf>(negation.energy).settings[2].real, ElementsAre(1, 2));
  EXPECT_THAT(as<Leaf>(product.terms[2].energy).inputs[1].literal, ElementsAre(1, 2));
  EXPECT_EQ(composition.integrable, true);
  EXPECT_EQ(composition.energies.size(), 3u);
}

TEST_F(GoodFilesTest, AWeightsFileIsReadOnceAndShared) {
  Safetensors weights;
  weights.arrays["mean"] = Array::of({2}, std::vector<float>{1, 2});
  weights.arrays["classes"] = {NumberType::kInt8, {2}, {std::byte{1}, std::byte{255}}};
  write_safetensors(folder_ / "w.safetensors", weights);
  const Composition composition = read(
      "variables: {x: {shape: [2]}}\n"
      "target: {product: [{model: gaussian, weights: w.safetensors, inputs: x}, {model: acme.smoothness, weights: "
      "./w.safetensors, inputs: x}]}\n");
  const Product& product = as<Product>(composition.target);
  const Leaf& leaf = as<Leaf>(product.terms[0].energy);
  EXPECT_EQ(leaf.weights, as<Leaf>(product.terms[1].energy).weights);
  EXPECT_EQ(leaf.weights->sha256, sha256_of_file(folder_ / "w.safetensors"));
  ASSERT_EQ(leaf.weights->arrays.size(), 2u);
  EXPECT_EQ(leaf.weights->arrays[0].name, "classes");
  EXPECT_EQ(leaf.weights->arrays[0].type, POTLUCK_INT64);  // The door knows no smaller integer: 255 is -1.
  EXPECT_EQ(leaf.weights->arrays[0].bytes[8], std::byte{255});
  EXPECT_EQ(leaf.weights->arrays[0].bytes[15], std::byte{255});
  EXPECT_EQ(leaf.weights->arrays[1].type, POTLUCK_FLOAT32);
}

TEST_F(GoodFilesTest, DataFilesAreCheckedAgainstTheVariable) {
  write_npy(folder_ / "bytes.npy", Array::of({2}, std::vector<int64_t>{3, 4}));
  write_npy(folder_ / "rows.npy", Array::of({3, 2}, std::vector<double>{0, .1, .2, .3, .4, .5}));
  Safetensors two;
  two.arrays["a"] = Array::of({2}, std::vector<double>{.5, .75});
  two.arrays["b"] = Array::of({2}, std::vector<double>{0, 2});
  write_safetensors(folder_ / "two.safetensors", two);
  write_png(folder_ / "p.png", 2, 2, 1, std::vector<uint8_t>(4, 0));
  const std::string head =
      "variables: {x: {shape: [2], support: [0, 1]}, k: {categories: 3}}\n"
      "target: {model: class_gaussian, inputs: {image: x, label: k}}\ngiven:\n- {of: k, value: 1}\n- ";
  const auto says = [&](const std::string& given) { return complaint(folder_, head + given + "\n"); };
  EXPECT_EQ(says("{of: x, file: rows.npy, row: 2}"), "");
  EXPECT_EQ(says("{of: x, file: two.safetensors, array: a}"), "");
  EXPECT_EQ(says("{of: x, file: bytes.npy}"),
            "scene.yaml:5:17: given[1] must have a scale, since 'bytes.npy' holds integers (int64). Add scale: 1 for "
            "the numbers as they are");
  EXPECT_EQ(says("{of: x, file: bytes.npy, scale: 1}"),
            "scene.yaml:5:17: given[1]: x[0] must be in its support [0, 1], got 3");
  EXPECT_EQ(says("{of: x, file: rows.npy}"),
            "scene.yaml:5:17: given[1] must hold numbers of the shape of 'x' [2], got [3, "
            "2]. Add row: 0 to take the first of its rows");
  EXPECT_EQ(says("{of: x, file: rows.npy, row: 3}"),
            "scene.yaml:5:17: rows.npy: row must be < 3, the rows of the file [3, 2], got 3");
  EXPECT_EQ(says("{of: x, file: two.safetensors}"),
            "scene.yaml:5:17: two.safetensors: 'array' must say which of its 2 "
            "arrays is meant. Known: a, b");
  EXPECT_EQ(says("{of: x, file: two.safetensors, array: c}"),
            "scene.yaml:5:17: two.safetensors: array must be one that it holds, got 'c'. Known: a, b");
  EXPECT_EQ(says("{of: x, file: rows.npy, row: 0, array: a}"),
            "scene.yaml:5:35: given[1].array must stand with a safetensors file, got 'rows.npy'");
  EXPECT_EQ(says("{of: x, file: p.png, row: 0, scale: 1/255}"),
            "scene.yaml:5:24: given[1].row must be left out, got one: a PNG is one picture");
  EXPECT_EQ(says("{of: x, file: p.png, scale: 1/255}"),
            "scene.yaml:5:17: given[1] must hold numbers of the shape of 'x' [2], got [2, 2]");
}

TEST_F(GoodFilesTest, AllThatIsWrongIsReportedInOneGoInTheOrderOfTheFiles) {
  folder_.write("more.yaml", "energies:\n  b: {model: gausian}\n  a: {model: gaussian}\n");
  EXPECT_EQ(complaint(folder_,
                      "variables: {x: {shape: [0]}}\ntarget: c\ninclude: more.yaml\nenergies: {a: {model: gaussian}}\n"
                      "sample: {step: 3}\n",
                      {{{"sample.seed", "-1"}}, {}}),
            "scene.yaml:1:25: variables.x.shape[0] must be >= 1, got 0\n"
            "scene.yaml:2:9: target must be the name of an energy, got 'c'. Known: a, b\n"
            "scene.yaml:5:10: unknown key 'step' in the sample section. Did you mean 'steps'? Known: method, chains, "
            "warmup, anneal, cooling, steps, thin, seed, temperature, precision, start, superchain, checkpoint_every, "
            "until, blocks, "
            "step_size, metric\n"
            "more.yaml:2:14: no model 'gausian'. Known: acme.smoothness, ...\n"
            "more.yaml:3:3: 'a' must be defined once in energies, got it again (first at scene.yaml:4:12). Rename one\n"
            "--set sample.seed: sample.seed must be between 0 and 4294967295, got -1");
}

TEST_F(GoodFilesTest, ATruncatedFileIsAnErrorAndNeverACrash) {
  write_parts(folder_);
  const std::string whole = scene();
  size_t good = 0;
  for (size_t length = 0; length < whole.size(); ++length) good += complaint(folder_, whole.substr(0, length)).empty();
  // Only what ends behind the target is a whole composition: cut at the ends of the lines and sections that follow,
  // which are optional, and within those of sample and output. A label that is not given is drawn.
  EXPECT_LE(good, 11u);
  EXPECT_GE(good, 1u);
}

TEST_F(GoodFilesTest, AFileThatCannotBeReadIsAFileError) {
  EXPECT_THROW(read_composition(folder_ / "none.yaml", {}, models_), FileError);
}

TEST_F(GoodFilesTest, AGreyPictureAndItsOneChannelAreTheSame) {
  const std::vector<uint8_t> pixels = {0, 51, 102, 153, 204, 255};
  write_png(folder_ / "grey.png", 2, 3, 1, pixels);
  write_npy(folder_ / "grey.npy", Array::of({2, 3, 1}, std::vector<double>{0, 0.2, 0.4, 0.6, 0.8, 1}));
  for (const std::string shape : {"[2, 3]", "[2, 3, 1]", "[1, 2, 3]"}) {
    for (const std::string source : {"file: grey.png, scale: 1/255", "file: grey.npy"}) {
      if (shape[1] == '1' && source.ends_with("npy")) continue;  // in an array a first length of 1 is a row
      const Composition scene = read("variables: {x: {shape: " + shape +
                                     "}, y: {}}\n"
                                     "target: {product: [{model: gaussian, inputs: x}, {model: gaussian, inputs: y}]}\n"
                                     "given: [{of: x, " +
                                     source + "}]\n");
      ASSERT_EQ(scene.held[0].value.size(), 6u);
      for (size_t i = 0; i < 6; ++i) EXPECT_NEAR(scene.held[0].value[i], 0.2 * static_cast<double>(i), 1e-12) << shape;
    }
  }
}

TEST_F(GoodFilesTest, TruthValuesNeedNoScale) {
  Array mask{NumberType::kBool, {3}, {std::byte{1}, std::byte{0}, std::byte{1}}};
  write_npy(folder_ / "mask.npy", mask);
  const Composition scene = read(
      "variables: {x: {shape: [3]}, y: {}}\n"
      "target: {product: [{model: gaussian, inputs: x}, {model: gaussian, inputs: y}]}\n"
      "given: [{of: x, file: mask.npy}]\n");
  EXPECT_EQ(scene.held[0].value, (std::vector<double>{1, 0, 1}));
}

}  // namespace
}  // namespace potluck
