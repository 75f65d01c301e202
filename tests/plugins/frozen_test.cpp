// SPDX-License-Identifier: Apache-2.0
// What was built against version 1.0 of the door must be loaded, and understood, by every later host.
#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include "core/files/formats/sha256.h"
#include "tests/plugins/plugins_fixture.h"

namespace potluck {
namespace {

using ::testing::DoubleNear;
using ::testing::ElementsAre;

class FrozenTest : public PluginsTest {
 protected:
  FrozenTest() : registry_(open_options()) { registry_.add_place(POTLUCK_FROZEN_PLUGIN, "--plugin", true); }

  Model create(const std::vector<std::vector<std::string>>& words) {
    const ModelKind& kind = registry_.model("frozen.normal");
    ModelSetup setup;
    setup.precision = Precision::kFloat64;
    setup.most_rows = 5;
    setup.slots.push_back({{2}, 0, {-2, -3}, {2, 3}});
    for (size_t i = 0; i < words.size(); ++i) {
      setup.values.push_back(parse_setting(kind.settings.at(i), words[i], kind.settings[i].name));
    }
    const float mean[2] = {0, 0};
    weight_ = {"mean", POTLUCK_FLOAT32, {2}, std::vector<std::byte>(sizeof mean)};
    std::memcpy(weight_.bytes.data(), mean, sizeof mean);
    setup.weights = {&weight_, 1};
    setup.initial_key[1] = 9;
    return Model(kind, setup);
  }
  Model create_as_expected() { return create({{"4"}, {"true"}, {"-7"}, {"word"}, {"square"}, {"1", "2", "3"}}); }

  static potluck_call call_for(int64_t rows, const void* const* input) {
    potluck_call call{};
    call.size = sizeof call;
    call.rows = rows;
    call.input = input;
    return call;
  }

  Registry registry_;
  Weight weight_;
};

TEST_F(FrozenTest, TheHeaderIsAsItWas) {
  EXPECT_EQ(sha256_of_file(POTLUCK_SOURCE_DIR "/tests/plugins/frozen/potluck_plugin_v1.h"),
            "13f44bd3f682082d7a429aea3c1a4705a83f3f675a04248617427a47ea6ac17c");
}

TEST_F(FrozenTest, ThePluginIsDescribed) {
  const ModelKind& kind = registry_.model("frozen.normal");
  ASSERT_EQ(kind.settings.size(), 6u);
  EXPECT_EQ(kind.settings[0].preset, std::nullopt);
  EXPECT_EQ(kind.settings[1].kind, SettingKind::kBool);
  EXPECT_EQ(kind.settings[2].least, -10);
  EXPECT_EQ(kind.settings[3].preset, "");
  EXPECT_THAT(kind.settings[4].choices, ElementsAre("round", "square"));
  EXPECT_TRUE(kind.settings[5].list);
  EXPECT_EQ(kind.settings[5].unit, "m");
}

TEST_F(FrozenTest, TheSetupArrivesAsItWasSent) {
  EXPECT_EQ(error_of([&] { create_as_expected(); }), "nothing thrown");
  EXPECT_EQ(error_of([&] {
              create({{"4"}, {"true"}, {"-7"}, {"word"}, {"round"}, {"1", "2", "3"}});
            }),
            "model 'frozen.normal' (frozen.normal 1.0.0) refused position [2]: the setup is not what was sent");
}

TEST_F(FrozenTest, EnergiesGradientsAndFactsComeBack) {
  const Model model = create_as_expected();
  EXPECT_TRUE(model.can(POTLUCK_CAN_ACCUMULATE | POTLUCK_ROWS_ALONE));
  EXPECT_TRUE(model.setup().weights.empty());
  EXPECT_EQ(model.workspace_bytes(5), 64u + 5 * 8);
  // E = 4 |x|^2 / 2, gradient 4 x; the second row weighs 1/2 and is added to 100.
  const double x[4] = {1, 0, 1, -2};
  double gradient[4] = {100, 100, 100, 100};
  const void* const input[] = {x};
  void* const gradients[] = {gradient};
  const double weight[2] = {1, 0.5};
  double energy[2] = {0, 0};
  potluck_call call = call_for(2, input);
  call.energy = energy;
  call.gradient = gradients;
  call.row_weight = weight;
  call.accumulate = 1;
  model.evaluate(call);
  EXPECT_THAT(energy, ElementsAre(2.0, 10.0));
  EXPECT_THAT(gradient, ElementsAre(104.0, 100.0, 102.0, 96.0));
}

TEST_F(FrozenTest, NormaliserQuadraticFormAndDrawsComeBack) {
  const Model model = create_as_expected();
  const void* const open[] = {nullptr};
  double log_z[2] = {0, 0};
  ASSERT_TRUE(model.log_normaliser(call_for(2, open), log_z));
  // (2 pi / 4)^(2/2) in two dimensions
  EXPECT_THAT(log_z, ElementsAre(DoubleNear(std::log(M_PI / 2), 1e-15), DoubleNear(std::log(M_PI / 2), 1e-15)));
  const auto form = model.quadratic(open);
  ASSERT_TRUE(form.has_value());
  EXPECT_EQ(form->n, 2);
  EXPECT_THAT(form->precision, ElementsAre(4.0, 0.0, 0.0, 4.0));
  EXPECT_THAT(form->linear, ElementsAre(0.0, 0.0));
  // sqrt(-2 log(e^-2) / 4) cos(0) = 1, and cos(2 pi / 4) = 0
  ASSERT_EQ(model.facts().draw_uniforms, 4);
  const double uniforms[4] = {std::exp(-2), 0, 0.5, 0.25};
  double x[2] = {9, 9};
  void* const out[] = {x};
  ASSERT_TRUE(model.draw(call_for(1, open), nullptr, uniforms, out));
  EXPECT_THAT(x, ElementsAre(DoubleNear(1, 1e-15), DoubleNear(0, 1e-15)));
  // Held coordinates it cannot do, and says so.
  const uint8_t mask[2] = {1, 0};
  const uint8_t* const held[] = {mask};
  EXPECT_FALSE(model.draw(call_for(1, open), held, uniforms, out));
}

}  // namespace
}  // namespace potluck
