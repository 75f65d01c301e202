// SPDX-License-Identifier: Apache-2.0
#include "core/files/run/arviz_netcdf.h"

#include <gmock/gmock.h>

#include "core/error.h"
#include "tests/core/files/example_run.h"
#include "tests/core/files/scratch.h"
#include "tests/core/python.h"

namespace potluck {
namespace {

using testing::HasSubstr;
using testing::ThrowsMessage;

class ArvizNetcdf : public testing::TestWithParam<Precision> {};

TEST_P(ArvizNetcdf, IsReadByArvizWithTheNumbersOfTheDraws) {
  const Scratch scratch;
  const bool single = GetParam() == Precision::kFloat32;
  // More draws than one block takes (4096), so that the last block is shorter.
  const int64_t draws = single ? 60 : 4200;
  ExampleRun(GetParam()).write(scratch.folder(), draws);
  const ArvizExport written = write_arviz_netcdf(scratch.folder(), scratch / "draws.nc");
  EXPECT_EQ(written.draws, draws);
  EXPECT_EQ(written.lost, "");
  for (const char* version : {" 0", " 1"})
    run_python("files/check_inference_data.py",
               "'" + (scratch / "draws.nc").string() + "' " + std::to_string(draws) +
                   (single ? " float32" : " float64") + version,
               scratch / "log.txt");
}
INSTANTIATE_TEST_SUITE_P(Precisions, ArvizNetcdf, testing::Values(Precision::kFloat32, Precision::kFloat64),
                         [](const auto& test) { return test.param == Precision::kFloat32 ? "Float32" : "Float64"; });

TEST(ArvizNetcdfTest, ChecksALayoutWithoutDrawsAndLeavesNoFile) {
  const Scratch scratch;
  ExampleRun run;
  check_arviz_netcdf(run.schema, scratch / "draws.nc");
  // Longer than NetCDF's 256 bytes.
  run.schema.variables[0].name = std::string(300, 'n');
  EXPECT_THAT([&] { check_arviz_netcdf(run.schema, scratch / "draws.nc"); },
              ThrowsMessage<FileError>(HasSubstr("must be taken by NetCDF, got ")));
  EXPECT_TRUE(std::filesystem::is_empty(scratch.folder()));
}

TEST(ArvizNetcdfTest, ExportsWhatATornRunLeft) {
  const Scratch scratch;
  ExampleRun().write(scratch.folder(), 8, -1, 1 << 20);
  const auto part = scratch / "draws/0000.part";
  std::filesystem::resize_file(part, std::filesystem::file_size(part) - 1);
  const ArvizExport written = write_arviz_netcdf(scratch.folder(), scratch / "draws.nc");
  EXPECT_EQ(written.draws, 7);
  EXPECT_THAT(written.lost, HasSubstr("the last record is torn"));
}

TEST(ArvizNetcdfTest, RefusesARunWithoutDraws) {
  const Scratch scratch;
  ExampleRun().write(scratch.folder(), 0);
  EXPECT_THAT([&] { write_arviz_netcdf(scratch.folder(), scratch / "draws.nc"); },
              ThrowsMessage<FileError>((scratch / "draws").string() +
                                       ": must have at least one draw, got none. Let the run go on for longer"));
  EXPECT_FALSE(std::filesystem::exists(scratch / "draws.nc"));
}

TEST(ArvizNetcdfTest, LeavesNoFileWhereANameIsNotAllowed) {
  const Scratch scratch;
  ExampleRun run;
  run.schema.variables[1].name = "a/b";
  run.write(scratch.folder(), 5);
  EXPECT_THAT([&] { write_arviz_netcdf(scratch.folder(), scratch / "draws.nc"); },
              ThrowsMessage<FileError>(HasSubstr("draws.nc: variable 'a/b' must be taken by NetCDF, got ")));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(scratch.folder()), {}), 1);
}

}  // namespace
}  // namespace potluck
