// SPDX-License-Identifier: Apache-2.0
#include "plugins/own_pages.h"

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>

namespace potluck {

namespace {

struct CloseHandle {
  void operator()(void* handle) const { dlclose(handle); }
};

/// Whole pages, from `begin` to before `end`.
struct Pages {
  uintptr_t begin, end;
};

uintptr_t page_size() { return static_cast<uintptr_t>(sysconf(_SC_PAGE_SIZE)); }
uintptr_t down(uintptr_t address) { return address & ~(page_size() - 1); }
uintptr_t up(uintptr_t address) { return down(address + page_size() - 1); }

/// Puts a copy in the place of the pages, in one step for everybody who reads or runs them.
void replace(Pages pages, int protection) {
  if (pages.begin >= pages.end) return;
  const size_t bytes = pages.end - pages.begin;
  void* const place = reinterpret_cast<void*>(pages.begin);  // NOLINT(performance-no-int-to-ptr): as /proc tells it
  void* const copy = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (copy == MAP_FAILED) return;
  std::memcpy(copy, place, bytes);
  if (mprotect(copy, bytes, protection) != 0 ||
      mremap(copy, bytes, bytes, MREMAP_MAYMOVE | MREMAP_FIXED, place) == MAP_FAILED) {
    munmap(copy, bytes);
  }
}

bool relocates_code(const ElfW(Dyn) * entry) {
  for (; entry->d_tag != DT_NULL; ++entry) {
    if (entry->d_tag == DT_TEXTREL || (entry->d_tag == DT_FLAGS && (entry->d_un.d_val & DF_TEXTREL) != 0)) return true;
  }
  return false;
}

int protection_of(const ElfW(Phdr) & segment) {
  return ((segment.p_flags & PF_R) != 0 ? PROT_READ : 0) | ((segment.p_flags & PF_W) != 0 ? PROT_WRITE : 0) |
         ((segment.p_flags & PF_X) != 0 ? PROT_EXEC : 0);
}

struct Wanted {
  const link_map* map;
  bool with_data;
};

/// For dl_iterate_phdr(), which knows the segments as they were mapped.
int own_if_wanted(dl_phdr_info* library, size_t, void* data) {
  const Wanted& wanted = *static_cast<const Wanted*>(data);
  if (library->dlpi_addr != wanted.map->l_addr || std::strcmp(library->dlpi_name, wanted.map->l_name) != 0) return 0;
  const ElfW(Phdr)* const first = library->dlpi_phdr;
  const ElfW(Phdr)* const end = first + library->dlpi_phnum;
  // What the loader relocates and then protects; it rounds the end down.
  Pages constant = {0, 0};
  for (const ElfW(Phdr)* segment = first; segment != end; ++segment) {
    if (segment->p_type != PT_GNU_RELRO) continue;
    const uintptr_t begin = library->dlpi_addr + segment->p_vaddr;
    constant = {down(begin), down(begin + segment->p_memsz)};
  }
  for (const ElfW(Phdr)* segment = first; segment != end; ++segment) {
    if (segment->p_type != PT_LOAD || (segment->p_flags & PF_R) == 0) continue;
    const uintptr_t begin = library->dlpi_addr + segment->p_vaddr;
    const Pages all = {down(begin), up(begin + segment->p_filesz)};
    if ((segment->p_flags & PF_W) == 0) {
      replace(all, protection_of(*segment));
      continue;
    }
    const Pages fixed = {std::clamp(constant.begin, all.begin, all.end), std::clamp(constant.end, all.begin, all.end)};
    replace(fixed, PROT_READ);
    if (!wanted.with_data) continue;
    if (fixed.begin >= fixed.end) {
      replace(all, protection_of(*segment));
    } else {
      replace({all.begin, fixed.begin}, protection_of(*segment));
      replace({fixed.end, all.end}, protection_of(*segment));
    }
  }
  return 1;
}

}  // namespace

void own_pages(const std::filesystem::path& file, bool with_data) {
  const std::unique_ptr<void, CloseHandle> handle(dlopen(file.c_str(), RTLD_NOW | RTLD_NOLOAD));
  Wanted wanted = {nullptr, with_data};
  if (handle == nullptr || dlinfo(handle.get(), RTLD_DI_LINKMAP, &wanted.map) != 0) return;
  if (relocates_code(wanted.map->l_ld)) return;
  dl_iterate_phdr(own_if_wanted, &wanted);
}

}  // namespace potluck
