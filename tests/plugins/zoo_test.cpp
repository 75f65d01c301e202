// SPDX-License-Identifier: Apache-2.0
// Every bad plugin of tests/zoo, and the exact words with which it is refused.
#include <dlfcn.h>
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <xmmintrin.h>

#include "tests/plugins/plugins_fixture.h"

namespace potluck {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Refusal {
  std::string plugin;
  std::string reason;
};

/// A release of LibTorch without its flavour.
std::string our_libtorch() {
  const std::string build = POTLUCK_LIBTORCH_BUILD;
  return build.substr(0, build.find('+'));
}

class RefusedByItsNoteTest : public PluginsTest, public testing::WithParamInterface<Refusal> {};

TEST_P(RefusedByItsNoteTest, SaysWhyWithoutOpeningIt) {
  Registry registry(open_options());
  registry.add_place(zoo(GetParam().plugin), "--plugin", true);
  const PluginListing listing = registry.list().at(0);
  EXPECT_FALSE(listing.usable);
  EXPECT_EQ(listing.reason, GetParam().reason);
  EXPECT_EQ(error_of([&] { registry.models_of(zoo(GetParam().plugin)); }),
            zoo(GetParam().plugin).string() + ": " + GetParam().reason);
}

INSTANTIATE_TEST_SUITE_P(
    Zoo, RefusedByItsNoteTest,
    testing::Values(
        Refusal{"no_note",
                "carries no Potluck note. Build it with potluck_add_plugin(), or place POTLUCK_NOTE(...) of "
                "potluck/plugin.h in one of its sources"},
        Refusal{"future_note",
                "its note must be of version 1, got 2. Use the Potluck it was built for, or a newer one"},
        Refusal{"wrong_abi",
                "built for version 2 of the door, this Potluck has version 1. Use a newer "
                "Potluck, or a build of it for this version"},
        Refusal{"newer_minor", "needs version 1.7 of the door, this Potluck has 1.3. Use a newer Potluck"},
        Refusal{"other_libtorch", "built for LibTorch 1.9.1, this Potluck uses " + our_libtorch() +
                                      ". Rebuild it, or ask for one without LibTorch"},
        Refusal{"duplicate_model", "model 'zoo.duplicate_model' is declared twice"}),
    [](const auto& test) { return test.param.plugin; });

class RefusedAtFirstSightTest : public PluginsTest, public testing::WithParamInterface<Refusal> {};

TEST_P(RefusedAtFirstSightTest, SaysWhyAndLeavesNoTraceInTheHost) {
  Registry registry(open_options());
  const std::string file = zoo(GetParam().plugin).string();
  registry.add_place(file, "--plugin", true);
  EXPECT_TRUE(registry.list().at(0).usable);
  const std::string model = "zoo." + GetParam().plugin;
  EXPECT_EQ(error_of([&] { registry.model(model); }), file + ": " + GetParam().reason);
  EXPECT_EQ(error_of([&] { registry.model(model); }),
            fmt::format("no model '{}'. The rejected plugin {} has it: {}.", model, file, GetParam().reason));
  EXPECT_EQ(registry.list().at(0).reason, GetParam().reason);
  EXPECT_TRUE(registry.model_names().empty());
}

INSTANTIATE_TEST_SUITE_P(
    Zoo, RefusedAtFirstSightTest,
    testing::Values(Refusal{"undefined_symbol", "cannot be opened: undefined symbol: zoo_nowhere"},
                    Refusal{"missing_library",
                            "cannot be opened: libzoo_absent.so: cannot open shared object file: No such file "
                            "or directory"},
                    Refusal{"no_entry", "exports no potluck_plugin_v1(). Declare it as potluck/plugin.h does"},
                    Refusal{"null_table", "its potluck_plugin_v1() must return a table, got a null pointer"},
                    Refusal{"small_struct", "its table must have the 64 bytes of potluck_plugin, got 8"},
                    Refusal{"disagrees", "its note says version '1.0.0', its table '1.0.1'. Rebuild it"},
                    Refusal{"preset_outside",
                            "model 'zoo.preset_outside': setting 'scale': its preset must be >= 0, got -1"},
                    Refusal{"not_utf8",
                            "model 'zoo.not_utf8': setting 'scale': its preset must be UTF-8, got other bytes: "
                            "'1\xef\xbf\xbd'"},
                    Refusal{"throws", "threw an exception while it was being opened: no table of Bessel functions"},
                    Refusal{"crashes", "crashed while it was being opened (signal 11, Segmentation fault)"},
                    Refusal{"exits", "ended the process while it was being opened"},
                    Refusal{"leaves_at_once", "ended the process while it was being opened"}),
    [](const auto& test) { return test.param.plugin; });

class ZooTest : public PluginsTest {
 protected:
  /// The first 64 bytes of an ELF header are read first, then what it points to.
  std::string reason_for(const std::string& contents) {
    Registry registry(open_options());
    registry.add_place(write("zoo.odd.potluck.so", contents), "--plugin", true);
    return registry.list().at(0).reason;
  }

  std::string bytes_of(const std::string& name) {
    std::ifstream stream(zoo(name), std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }

  ModelSetup setup_of_two_numbers() {
    ModelSetup setup;
    setup.slots.push_back({{2}, 0, {}, {}});
    SettingValue scale;
    scale.real.push_back(1);
    setup.values.push_back(scale);
    return setup;
  }

  std::string refusal_of_create(const std::string& name) {
    Registry registry(open_options());
    registry.add_place(zoo(name), "--plugin", true);
    return error_of([&] { Model model(registry.model("zoo." + name), setup_of_two_numbers()); });
  }
};

TEST_F(ZooTest, AFileThatIsNoLibraryIsSaidToBeSo) {
  EXPECT_EQ(reason_for(""), "must be an ELF shared library, got an empty file");
  EXPECT_EQ(reason_for("energy: 1\n"), "must be an ELF shared library, got a file of another kind");
  EXPECT_EQ(reason_for("\x7f"), "must be an ELF shared library, got a file of another kind");
}

TEST_F(ZooTest, ATruncatedLibraryIsSaidToBeSo) {
  const std::string whole = bytes_of("sound");
  for (const size_t size : {size_t{5}, size_t{63}, size_t{64}, size_t{500}, whole.size() / 2}) {
    EXPECT_EQ(reason_for(whole.substr(0, size)),
              fmt::format("must be an ELF shared library, got one that is cut short at {} bytes. Copy it again", size));
  }
}

TEST_F(ZooTest, AnUnknownModelQuotesAPluginOfThatNameWhoseNoteCannotBeRead) {
  Registry registry(open_options());
  const std::filesystem::path file = write("acme.ising.potluck.so", "");
  registry.add_place(folder_, "user", true);
  EXPECT_EQ(error_of([&] { registry.model("acme.ising.pairs"); }),
            "no model 'acme.ising.pairs'. The rejected plugin " + file.string() +
                " may have it: must be an ELF shared library, got an empty file.");
}

TEST_F(ZooTest, TwoFilesWithOneIdInOnePlaceAreBothRefused) {
  const std::filesystem::path a = put("sound", "a.potluck.so");
  const std::filesystem::path b = put("sound", "b.potluck.so");
  Registry registry(open_options());
  registry.add_place(folder_, "user", true);
  ASSERT_EQ(registry.list().size(), 2u);
  EXPECT_EQ(registry.list()[0].reason, "the id 'zoo.sound' is also that of " + b.string() + ". Keep one of them");
  EXPECT_EQ(registry.list()[1].reason, "the id 'zoo.sound' is also that of " + a.string() + ". Keep one of them");
  EXPECT_THAT(error_of([&] { registry.model("zoo.sound"); }), StartsWith("no model 'zoo.sound'. The rejected plugin"));
}

TEST_F(ZooTest, AFileOrFolderThatAnybodyMayWriteToIsRefusedUnlessAllowed) {
  const std::filesystem::path file = put("sound", "plugins/zoo.sound.potluck.so");
  const auto reason = [&](Registry::Options options) {
    Registry registry(std::move(options));
    registry.add_place(file.parent_path(), "user", true);
    return registry.list().at(0).reason;
  };
  EXPECT_EQ(reason({}), "");
  std::filesystem::permissions(file, std::filesystem::perms(0757));
  EXPECT_EQ(reason({}), "anybody may write to this file. Run chmod o-w on it, or allow it with --allow-world-writable");
  EXPECT_EQ(reason(open_options()), "");
  std::filesystem::permissions(file, std::filesystem::perms(0755));
  std::filesystem::permissions(file.parent_path(), std::filesystem::perms(0777));
  EXPECT_EQ(reason({}), "anybody may write to its folder " + file.parent_path().string() +
                            ". Run chmod o-w on it, or allow it with --allow-world-writable");
  // A link in a safe folder does not make it safe.
  std::filesystem::create_directory(folder_ / "links");
  std::filesystem::create_symlink(file, folder_ / "links" / "zoo.sound.potluck.so");
  Registry registry({});
  registry.add_place(folder_ / "links", "user", true);
  EXPECT_THAT(registry.list().at(0).reason, StartsWith("anybody may write to its folder"));
}

// The control bits of MXCSR; the six lowest only remember what has happened.
unsigned int floating_point_mode() { return _mm_getcsr() & ~0x3fu; }

TEST_F(ZooTest, FlushToZeroOfAPluginStaysInThePlugin) {
  const unsigned int before = floating_point_mode();
  Registry registry(open_options());
  registry.add_place(zoo("fast_math"), "--plugin", true);
  const ModelKind& kind = registry.model("zoo.fast_math");
  EXPECT_EQ(floating_point_mode(), before);
  const Model model(kind, setup_of_two_numbers());
  const float x[2] = {1e-30f, 3};
  const void* const input[] = {x};
  double energy = 0;
  potluck_call call{};
  call.size = sizeof call;
  call.rows = 1;
  call.input = input;
  call.energy = &energy;
  model.evaluate(call);
  EXPECT_EQ(energy, 4.5);
  EXPECT_EQ(floating_point_mode(), before);
  // A denormal is still a number here: 1e-38 / 4 would be flushed to zero.
  volatile float tiny = 1e-38f;
  tiny = tiny / 4;
  EXPECT_GT(tiny, 0.0f);
  // The broken twin: opened without the loader, the same plugin changes the mode of whoever opens it.
  const std::filesystem::path copy = put("fast_math", "twin.potluck.so");
  EXPECT_EXIT(
      {
        dlopen(copy.c_str(), RTLD_NOW | RTLD_LOCAL);
        _exit((_mm_getcsr() & 0x8040) == 0x8040 ? 3 : 4);
      },
      testing::ExitedWithCode(3), "");
}

TEST_F(ZooTest, AModelThatRefusesItsSetupIsQuotedWithPluginVersionAndShapes) {
  EXPECT_EQ(refusal_of_create("create_fails"),
            "model 'zoo.create_fails' (zoo.create_fails 1.0.0) refused position [2]: setting 'scale': must be a power "
            "of two, got 3");
  EXPECT_EQ(refusal_of_create("create_fails_silently"),
            "model 'zoo.create_fails_silently' (zoo.create_fails_silently 1.0.0) refused position [2]: input "
            "'position': a shape does not fit");
  EXPECT_EQ(refusal_of_create("unknown_status"),
            "model 'zoo.unknown_status' (zoo.unknown_status 1.0.0) refused position [2]: the status 99, which is none "
            "of potluck/plugin.h");
  EXPECT_EQ(refusal_of_create("no_model"),
            "model 'zoo.no_model' (zoo.no_model 1.0.0): create must leave a model where it answers POTLUCK_OK, got "
            "none");
}

TEST_F(ZooTest, AnErrorTextWithoutAnEndIsCut) {
  const std::string text = refusal_of_create("unterminated");
  const std::string before = "model 'zoo.unterminated' (zoo.unterminated 1.0.0) refused position [2]: ";
  EXPECT_EQ(text, before + std::string(1023, 'x'));  // the host's buffer has 1024 bytes, the last is its own
}

TEST_F(ZooTest, ARefusalSaysWhichSettingItIsAbout) {
  Registry registry(open_options());
  registry.add_place(zoo("create_fails"), "--plugin", true);
  try {
    Model model(registry.model("zoo.create_fails"), setup_of_two_numbers());
    FAIL() << "nothing thrown";
  } catch (const ModelCreateError& error) {
    EXPECT_EQ(error.status, POTLUCK_BAD_SETTING);
    EXPECT_EQ(error.about, POTLUCK_ABOUT_SETTING);
    EXPECT_EQ(error.index, 0);
  }
}

TEST_F(ZooTest, AModelThatCannotRunOnTheDeviceIsRefusedWithWhatToDo) {
  EXPECT_EQ(refusal_of_create("cuda_only"),
            "expert 'zoo.cuda_only' (zoo.cuda_only 1.0.0) runs on cuda only, the run is on cpu. Use --device cuda, or "
            "ask its author for the CPU");
  Registry registry(open_options());
  registry.add_place(zoo("sound"), "--plugin", true);
  ModelSetup setup = setup_of_two_numbers();
  setup.device = {Device::Kind::kCuda, 0};
  EXPECT_EQ(error_of([&] { Model model(registry.model("zoo.sound"), setup); }),
            "expert 'zoo.sound' (zoo.sound 1.0.0) runs on cpu only, the run is on cuda:0. Use --device cpu, or ask its "
            "author for CUDA");
  setup = setup_of_two_numbers();
  setup.precision = Precision::kFloat64;
  EXPECT_EQ(error_of([&] { Model model(registry.model("zoo.sound"), setup); }),
            "expert 'zoo.sound' (zoo.sound 1.0.0) computes in float32 only, the run is in float64. Use float32, or ask "
            "its author for float64");
}

TEST_F(ZooTest, AFailedCallNamesPluginModelCallAndShapes) {
  Registry registry(open_options());
  registry.add_place(zoo("evaluate_fails"), "--plugin", true);
  const Model model(registry.model("zoo.evaluate_fails"), setup_of_two_numbers());
  potluck_call call{};
  call.size = sizeof call;
  call.rows = 64;
  EXPECT_EQ(error_of([&] { model.evaluate(call); }),
            "model 'zoo.evaluate_fails' (zoo.evaluate_fails 1.0.0) failed in evaluate (64 rows of position [2]; "
            "float32 on cpu): the solver gave up");
}

}  // namespace
}  // namespace potluck
