# SPDX-License-Identifier: Apache-2.0
# potluck_precompile(TARGET HEADER): the C++ sources of a target begin with a header that was compiled once. Half the time
# of a usual source goes into reading the standard library.
#
# potluck_do_not_precompile(TARGET SOURCE ...): these have compile options of their own, which GCC's compiled headers do
# not fit.
option(POTLUCK_PRECOMPILE "Compile the headers that most sources include once for a target" ON)

function(potluck_precompile target header)
  # clang-tidy reads each source as it stands.
  if(POTLUCK_PRECOMPILE AND NOT POTLUCK_TIDY)
    target_precompile_headers(${target} PRIVATE "$<$<COMPILE_LANGUAGE:CXX>:${PROJECT_SOURCE_DIR}/${header}>")
    # GCC 12 warns of overflows inside std::string that cannot be, and where the standard library comes from a compiled
    # header it forgets that it does not warn of system headers.
    target_compile_options(
      ${target} PRIVATE
      "$<$<AND:$<COMPILE_LANGUAGE:CXX>,$<CXX_COMPILER_ID:GNU>>:-Wno-array-bounds;-Wno-stringop-overflow;-Wno-stringop-overread>")
  endif()
endfunction()

function(potluck_do_not_precompile target)
  set_source_files_properties(${ARGN} TARGET_DIRECTORY ${target} PROPERTIES SKIP_PRECOMPILE_HEADERS ON)
endfunction()
