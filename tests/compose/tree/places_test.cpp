// SPDX-License-Identifier: Apache-2.0
#include "compose/tree/places.h"

#include <gtest/gtest.h>

#include "compose/text/yaml.h"

namespace potluck {
namespace {

class PlacesTest : public ::testing::Test {
 protected:
  static Places read() {
    Diagnostics diagnostics;
    const Places places =
        places_of(read_yaml("target: scene\n"
                            "energies:\n"
                            "  scene: {product: [a, {energy: b, weight: 2}]}\n"
                            "sample: {steps: 10,\n"
                            "         chains: 2}\n",
                            "scene.yaml", true, diagnostics));
    EXPECT_TRUE(diagnostics.empty());
    return places;
  }
};

TEST_F(PlacesTest, OfAValueByItsPath) {
  const Places places = read();
  EXPECT_EQ(to_string(places.at("target")), "scene.yaml:1:9");
  EXPECT_EQ(to_string(places.at("sample.chains")), "scene.yaml:5:18");
  EXPECT_EQ(to_string(places.at("energies.scene.product[1].weight")), "scene.yaml:3:44");
}

TEST_F(PlacesTest, OfTheNearestSectionWhereAKeyWasLeftOut) {
  const Places places = read();
  EXPECT_EQ(to_string(places.at("sample.thin")), "scene.yaml:4:9");
  EXPECT_EQ(to_string(places.at("energies.scene.product[7].weight")), "scene.yaml:3:20");
  EXPECT_EQ(to_string(places.at("output.folder")), "scene.yaml");
  EXPECT_EQ(to_string(Places().at("sample.steps")), "");
}

TEST_F(PlacesTest, OfAnErrorByItsPath) {
  const Places places = read();
  const Diagnostic steps = places.at_place(SettingError("sample.steps", " must be >= 20, got 10"));
  EXPECT_EQ(to_string(steps.where), "scene.yaml:4:17");
  EXPECT_EQ(steps.text, "sample.steps must be >= 20, got 10");
  EXPECT_EQ(to_string(places.at_place(SettingError("sample.chains", ": 'x' must be even")).where), "scene.yaml:5:18");
}

TEST_F(PlacesTest, OfAnErrorWithoutAPathIsTheFile) {
  const Diagnostic device = read().at_place(SettingError("the device must be cpu, got cuda"));
  EXPECT_EQ(to_string(device.where), "scene.yaml");
  EXPECT_EQ(device.text, "the device must be cpu, got cuda");
  // The text is not looked into.
  EXPECT_EQ(to_string(read().at_place(SettingError("sample.steps must be >= 20, got 10")).where), "scene.yaml");
}

}  // namespace
}  // namespace potluck
