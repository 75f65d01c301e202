// SPDX-License-Identifier: Apache-2.0
#include "plugins/note.h"

#include <gmock/gmock.h>

#include <random>

#include "tests/plugins/plugins_fixture.h"

namespace potluck {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr char kGood[] =
    "note=1\nid=acme.it\nversion=1.0.0\nabi=1\nneeds_minor=0\nmodels=acme.it,acme.it.b\nlicence=MIT\ntorch=none\n";

using NoteTest = PluginsTest;

TEST_F(NoteTest, SaysWhatTheBuildPutThere) {
  const PluginNote note = read_note(zoo("torch").parent_path() / "zoo.torch.potluck.so");
  EXPECT_EQ(note.note, 1);
  EXPECT_EQ(note.id, "zoo.torch");
  EXPECT_EQ(note.version, "1.0.0");
  EXPECT_EQ(note.licence, "Apache-2.0");
  EXPECT_EQ(note.abi, 1);
  EXPECT_EQ(note.needs_minor, 0u);
  EXPECT_THAT(note.models, ElementsAre("zoo.torch"));
  EXPECT_EQ(note.torch, POTLUCK_LIBTORCH_BUILD);
  EXPECT_THAT(note.compiler, HasSubstr(" "));
}

TEST_F(NoteTest, IgnoresLinesOfLaterVersions) {
  const PluginNote note = parse_note(std::string(kGood) + "colour=blue\n");
  EXPECT_THAT(note.models, ElementsAre("acme.it", "acme.it.b"));
  EXPECT_EQ(note.compiler, "");
}

TEST_F(NoteTest, RefusesWhatIsNotANote) {
  const auto after = [&](const std::string& from, const std::string& to) {
    std::string text = kGood;
    text.replace(text.find(from), from.size(), to);
    return error_of([&] { parse_note(text); });
  };
  EXPECT_EQ(after("licence=MIT\n", ""), "its note must have the line 'licence=...'");
  EXPECT_EQ(after("licence=MIT", "licence"), "its note must be lines of key=value, got 'licence'");
  EXPECT_EQ(after("licence=MIT", "id=acme.other"), "its note must say 'id' once, got it twice");
  EXPECT_EQ(after("abi=1", "abi=one"), "its note's abi must be a whole number, got 'one'");
  EXPECT_EQ(after("needs_minor=0", "needs_minor=-1"), "its note's needs_minor must be a whole number, got '-1'");
  EXPECT_EQ(after("acme.it\n", "Acme\n"), "its note's id must be lower-case words joined by dots, got 'Acme'");
  EXPECT_EQ(after("acme.it,", "acme.it,,"), "its note's models must be lower-case words joined by dots, got ''");
  EXPECT_EQ(after("MIT", "M\x1b[2JIT"), "its note must be printable text, got the byte 0x1b");
}

TEST_F(NoteTest, SurvivesEveryByteOfTheHeadersBeingWrong) {
  // Headers and notes of a small library lie within its first 1024 bytes. Whatever stands there, reading ends in a
  // note or in a PluginError.
  std::ifstream stream(zoo("sound"), std::ios::binary);
  const std::string whole{std::istreambuf_iterator<char>(stream), {}};
  std::mt19937 random(1);
  int refused = 0;
  for (int trial = 0; trial < 4000; ++trial) {
    std::string bytes = whole;
    for (int change = 0; change < 4; ++change) bytes[random() % 1024] = static_cast<char>(random());
    const std::filesystem::path file = write("odd.potluck.so", bytes);
    try {
      read_note(file);
    } catch (const PluginError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 400);
  EXPECT_LT(refused, 4000);
}

}  // namespace
}  // namespace potluck
