// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <string>

#include "plugins/registry.h"

namespace potluck::test {
namespace {

TEST(ShippedModelsTest, TheRegistryTakesEachFromItsPlugin) {
  for (const std::string name :
       {"banana", "double_well", "ising_like", "log_gamma", "quartic", "student_t", "uniform_box"}) {
    Registry registry({});
    registry.add_place(std::string(POTLUCK_MODELS_DIR) + "/potluck." + name + ".potluck.so", "--plugin", true);
    const ModelKind& kind = registry.model(name);  // note and table agree, or this throws
    EXPECT_EQ(kind.plugin_id, "potluck." + name);
    EXPECT_EQ(kind.inputs.size(), 1u);
    EXPECT_FALSE(kind.summary.empty() || kind.reference.empty());
    for (const SettingDescription& setting : kind.settings) {
      EXPECT_FALSE(setting.summary.empty()) << name << " " << setting.name;
      EXPECT_NO_THROW(preset_value(setting, setting.name)) << name << " " << setting.name;
    }
  }
}

}  // namespace
}  // namespace potluck::test
