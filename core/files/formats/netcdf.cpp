// SPDX-License-Identifier: Apache-2.0
#include "core/files/formats/netcdf.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <fmt/core.h>
#include <netcdf.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <new>

#include "core/files/formats/write_error.h"

namespace potluck {

namespace {

nc_type type_of(NetcdfWriter::Number number) {
  switch (number) {
    case NetcdfWriter::Number::kFloat32:
      return NC_FLOAT;
    case NetcdfWriter::Number::kFloat64:
      return NC_DOUBLE;
    case NetcdfWriter::Number::kInt64:
      return NC_INT64;
    case NetcdfWriter::Number::kInt8:
      return NC_BYTE;
  }
  return NC_NAT;
}

size_t bytes_of(NetcdfWriter::Number number) {
  switch (number) {
    case NetcdfWriter::Number::kFloat32:
      return 4;
    case NetcdfWriter::Number::kInt8:
      return 1;
    default:
      return 8;
  }
}

std::vector<size_t> sizes(const std::vector<int64_t>& values) { return {values.begin(), values.end()}; }

/// A limit on memory (ulimit -v) leaves less than this many megabytes; address space alone is asked for here.
bool memory_is_below(size_t megabytes) {
  const std::unique_ptr<void, decltype(&std::free)> room(std::malloc(megabytes << 20), std::free);
  return room == nullptr;
}

/// HDF5 does not tell what failed within it. With less than this it fails at writing a chunk.
bool memory_is_short() { return memory_is_below(64); }

/// HDF5 crashes where it finds no memory as it is first used, which takes a few MB. @throws std::bad_alloc
void demand_memory_to_begin() {
  if (memory_is_below(16)) throw std::bad_alloc();
}

/// HDF5, under NetCDF, keeps a file that a full disk did not let it close, tries again as the process ends, and crashes
/// there. Files that could be closed need nothing at the end. It heeds this only before it is first used.
void keep_hdf5_from_the_end_of_the_process() {
  static const bool once = [] {
    const auto leave_out = reinterpret_cast<int (*)()>(dlsym(RTLD_DEFAULT, "H5dont_atexit"));
    return leave_out != nullptr && leave_out() >= 0;
  }();
  static_cast<void>(once);
}

}  // namespace

NetcdfWriter::NetcdfWriter(const std::filesystem::path& file) : name_(file.string()), target_(file) {
  keep_hdf5_from_the_end_of_the_process();
  demand_memory_to_begin();
  const int status = nc_create(target_.temporary().c_str(), NC_NETCDF4 | NC_CLOBBER, &file_);
  // NetCDF says "permission denied" of whatever HDF5 could not do: a write to the file, which is there, and opening it
  // once more tell why.
  if (status > 0) {
    target_.write(" ", 1);
    const int again = ::open(target_.temporary().c_str(), O_RDWR | O_CLOEXEC);
    if (again < 0) fail_to_write(name_, errno, "Check its folder");
    ::close(again);
  }
  check(status, "the file");
}

NetcdfWriter::~NetcdfWriter() {
  if (file_ >= 0) nc_close(file_);
}

void NetcdfWriter::check(int status, const std::string& what) const {
  if (status == NC_NOERR) return;
  if (status == NC_ENOMEM || (status == NC_EHDFERR && memory_is_short())) throw std::bad_alloc();
  if (status > 0) fail_to_write(name_, status, "Check its folder");  // an error of errno
  // Of all that HDF5 refuses, names and sizes come with numbers of their own: what is left is the disk.
  if (status == NC_EHDFERR) {
    throw WriteError(
        fmt::format("{}: {} must be taken by the disk, got '{}' from NetCDF. Free space on it, and look at "
                    "the limits on files (ulimit -f)",
                    name_, what, nc_strerror(status)));
  }
  throw FileError(fmt::format("{}: {} must be taken by NetCDF, got '{}'. Check names, sizes and the space on the disk",
                              name_, what, nc_strerror(status)));
}

NetcdfWriter::Group NetcdfWriter::group(const std::string& name) {
  Group group;
  check(nc_def_grp(file_, name.c_str(), &group.id), fmt::format("group '{}'", name));
  return group;
}

NetcdfWriter::Dimension NetcdfWriter::dimension(Group group, const std::string& name, int64_t length) {
  const std::string what = fmt::format("dimension '{}' of length {}", name, length);
  // A length of 0 would make an unlimited dimension, which such files never ask for.
  if (length < 1)
    throw FileError(fmt::format("{}: {} must have a length >= 1. There is nothing to write", name_, what));
  Dimension dimension{0, length};
  check(nc_def_dim(group.id, name.c_str(), static_cast<size_t>(length), &dimension.id), what);
  return dimension;
}

NetcdfWriter::Variable NetcdfWriter::variable(Group group, const std::string& name, Number number,
                                              const std::vector<Dimension>& dimensions,
                                              const std::vector<int64_t>& chunk, int level) {
  const std::string what = fmt::format("variable '{}'", name);
  Variable variable{group.id, 0, {}};
  std::vector<int> ids;
  for (const Dimension& dimension : dimensions) {
    ids.push_back(dimension.id);
    variable.shape.push_back(dimension.length);
  }
  check(nc_def_var(group.id, name.c_str(), type_of(number), static_cast<int>(ids.size()), ids.data(), &variable.id),
        what);
  if (!chunk.empty()) {
    const std::vector<size_t> lengths = sizes(chunk);
    check(nc_def_var_chunking(group.id, variable.id, NC_CHUNKED, lengths.data()), what);
    // Chunks are written whole and once: the cache needs room for one.
    size_t bytes = bytes_of(number);
    for (const size_t length : lengths) bytes *= length;
    check(nc_set_var_chunk_cache(group.id, variable.id, std::max(bytes, size_t{1} << 20), 521, 1.0f), what);
    if (level > 0) check(nc_def_var_deflate(group.id, variable.id, 1, 1, level), what);
  }
  return variable;
}

void NetcdfWriter::texts(Group group, const std::string& name, Dimension dimension,
                         const std::vector<std::string>& values) {
  const std::string what = fmt::format("variable '{}'", name);
  std::vector<const char*> pointers;
  for (const std::string& value : values) pointers.push_back(value.c_str());
  int id = 0;
  check(nc_def_var(group.id, name.c_str(), NC_STRING, 1, &dimension.id, &id), what);
  check(nc_put_var_string(group.id, id, pointers.data()), what);
}

void NetcdfWriter::attribute(Group group, const std::string& name, const std::string& value) {
  attribute(Variable{group.id, NC_GLOBAL, {}}, name, value);
}

void NetcdfWriter::attribute(Group group, const std::string& name, double value) {
  check(nc_put_att_double(group.id, NC_GLOBAL, name.c_str(), NC_DOUBLE, 1, &value),
        fmt::format("attribute '{}'", name));
}

void NetcdfWriter::attribute(Group group, const std::string& name, int64_t value) {
  const long long number = value;
  check(nc_put_att_longlong(group.id, NC_GLOBAL, name.c_str(), NC_INT64, 1, &number),
        fmt::format("attribute '{}'", name));
}

void NetcdfWriter::attribute(const Variable& variable, const std::string& name, const std::string& value) {
  check(nc_put_att_text(variable.group, variable.id, name.c_str(), value.size(), value.c_str()),
        fmt::format("attribute '{}'", name));
}

void NetcdfWriter::put(const Variable& variable, const std::vector<int64_t>& start, const std::vector<int64_t>& count,
                       const void* numbers) {
  check(nc_put_vara(variable.group, variable.id, sizes(start).data(), sizes(count).data(), numbers), "a block");
}

void NetcdfWriter::put(const Variable& variable, const void* numbers) {
  put(variable, std::vector<int64_t>(variable.shape.size(), 0), variable.shape, numbers);
}

void NetcdfWriter::finish() {
  const int status = nc_close(file_);
  file_ = -1;
  check(status, "the end of the file");
  target_.commit();
}

std::optional<int64_t> netcdf_length(const std::filesystem::path& file, const std::string& group,
                                     const std::string& dimension) {
  demand_memory_to_begin();
  int opened = -1, within = -1, id = -1;
  if (nc_open(file.c_str(), NC_NOWRITE, &opened) != NC_NOERR) return std::nullopt;
  size_t length = 0;
  const bool found = nc_inq_grp_ncid(opened, group.c_str(), &within) == NC_NOERR &&
                     nc_inq_dimid(within, dimension.c_str(), &id) == NC_NOERR &&
                     nc_inq_dimlen(within, id, &length) == NC_NOERR;
  nc_close(opened);
  if (!found) return std::nullopt;
  return static_cast<int64_t>(length);
}

}  // namespace potluck
