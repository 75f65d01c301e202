# SPDX-License-Identifier: Apache-2.0
# potluck_add_plugin(): one shared library that offers models through the door. potluck_add_plugin_tests(), below, checks
# them.
#
#   potluck_add_plugin(
#     NAME target                     the CMake target
#     ID acme.smoothness              names the file: acme.smoothness.potluck.so
#     VERSION 1.0.0
#     LICENCE Apache-2.0              an SPDX expression
#     MODELS acme.smoothness ...      as in the table; each is the id, or begins with it and a dot
#     SOURCES smoothness.c ...
#     [LIBTORCH]                      the sources use LibTorch: link it, and say in the note which one
#     [NEEDS_MINOR 0]                 least minor version of the door that the plugin needs
#     [LIBRARIES ...]                 further libraries to link
#     [OUTPUT_DIRECTORY folder])
#
# The library exports the door's one symbol and nothing else, has no undefined symbols, and carries the note that is
# read before it is opened. C, C++ and CUDA sources; a project whose only language is C works too. This file stands
# alone: it is installed as it is, next to FindLibTorch.cmake.
function(potluck_add_plugin)
  cmake_parse_arguments(arg "LIBTORCH" "NAME;ID;VERSION;LICENCE;NEEDS_MINOR;OUTPUT_DIRECTORY"
                        "MODELS;SOURCES;LIBRARIES" ${ARGN})
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "potluck_add_plugin: unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  foreach(needed NAME ID VERSION LICENCE MODELS SOURCES)
    if(NOT arg_${needed})
      message(FATAL_ERROR "potluck_add_plugin: ${needed} must be given")
    endif()
  endforeach()
  foreach(name IN LISTS arg_ID arg_MODELS)
    if(NOT name MATCHES "^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)*$")
      message(FATAL_ERROR "potluck_add_plugin: ID and MODELS must be lower-case words of letters, digits and _, "
                          "joined by dots, got '${name}'")
    endif()
  endforeach()
  foreach(text VERSION LICENCE)
    if(arg_${text} MATCHES "[^-+.() A-Za-z0-9_]")
      message(FATAL_ERROR "potluck_add_plugin: ${text} must be plain text, got '${arg_${text}}'")
    endif()
  endforeach()
  if(NOT arg_NEEDS_MINOR)
    set(arg_NEEDS_MINOR 0)
  endif()
  if(NOT arg_OUTPUT_DIRECTORY)
    foreach(folder "${POTLUCK_PLUGIN_OUTPUT_DIRECTORY}" "${CMAKE_LIBRARY_OUTPUT_DIRECTORY}"
                   "${CMAKE_CURRENT_BINARY_DIR}")
      if(folder AND NOT arg_OUTPUT_DIRECTORY)
        set(arg_OUTPUT_DIRECTORY "${folder}")
      endif()
    endforeach()
  endif()

  set(torch none)
  if(arg_LIBTORCH)
    if(NOT TARGET LibTorch::cpu OR NOT LibTorch_BUILD)
      list(APPEND CMAKE_MODULE_PATH "${CMAKE_CURRENT_FUNCTION_LIST_DIR}")
      find_package(LibTorch 2.10 REQUIRED)
    endif()
    set(torch "${LibTorch_BUILD}")
  endif()

  # The note, as a source of its own: a plugin's sources need not know of it.
  get_property(languages GLOBAL PROPERTY ENABLED_LANGUAGES)
  set(language C)
  set(extension c)
  if("CXX" IN_LIST languages)
    set(language CXX)
    if(NOT "C" IN_LIST languages)
      set(extension cpp)
    endif()
  endif()
  list(JOIN arg_MODELS "," models)
  string(
    JOIN "\\n" note
    "note=1"
    "id=${arg_ID}"
    "version=${arg_VERSION}"
    "abi=1"
    "needs_minor=${arg_NEEDS_MINOR}"
    "models=${models}"
    "licence=${arg_LICENCE}"
    "torch=${torch}"
    "compiler=${CMAKE_${language}_COMPILER_ID} ${CMAKE_${language}_COMPILER_VERSION}"
    "")
  set(note_file "${CMAKE_CURRENT_BINARY_DIR}/${arg_NAME}_note.${extension}")
  file(CONFIGURE OUTPUT "${note_file}" CONTENT "#include \"potluck/plugin.h\"\nPOTLUCK_NOTE(\"${note}\");\n" @ONLY)
  set(version_script "${CMAKE_CURRENT_BINARY_DIR}/${arg_NAME}.version")
  file(CONFIGURE OUTPUT "${version_script}" CONTENT "{ global: potluck_plugin_v1; local: *; };\n" @ONLY)

  add_library(${arg_NAME} MODULE ${arg_SOURCES} "${note_file}")
  target_compile_definitions(${arg_NAME} PRIVATE POTLUCK_NEEDS_MINOR=${arg_NEEDS_MINOR})
  set_target_properties(
    ${arg_NAME}
    PROPERTIES PREFIX ""
               OUTPUT_NAME "${arg_ID}"
               SUFFIX ".potluck.so"
               LIBRARY_OUTPUT_DIRECTORY "${arg_OUTPUT_DIRECTORY}"
               POTLUCK_MODELS "${arg_MODELS}"
               C_VISIBILITY_PRESET hidden
               CXX_VISIBILITY_PRESET hidden
               CUDA_VISIBILITY_PRESET hidden
               VISIBILITY_INLINES_HIDDEN ON
               LINK_DEPENDS "${version_script}")
  foreach(standard C_STANDARD:11 CXX_STANDARD:20)
    string(REPLACE ":" ";" standard "${standard}")
    list(GET standard 0 property)
    list(GET standard 1 least)
    if(NOT CMAKE_${property} OR (CMAKE_${property} LESS least OR CMAKE_${property} GREATER 89))
      set_target_properties(${arg_NAME} PROPERTIES ${property} ${least})
    endif()
  endforeach()
  # Unique symbols of g++ would join plugins that were opened apart. clang-tidy does not know the option.
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND NOT POTLUCK_TIDY)
    target_compile_options(${arg_NAME} PRIVATE $<$<COMPILE_LANGUAGE:CXX>:-fno-gnu-unique>)
    target_compile_options(${arg_NAME} PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-fno-gnu-unique>)
  endif()
  if(arg_SOURCES MATCHES "\\.cu(;|$)")
    if(TARGET Potluck::cudart)  # in Potluck's own tree: LibTorch's runtime, and the flags of our kernels
      set_target_properties(${arg_NAME} PROPERTIES CUDA_RUNTIME_LIBRARY None)
      target_link_libraries(${arg_NAME} PRIVATE Potluck::cuda_compile_options)
    else()
      set_target_properties(${arg_NAME} PROPERTIES CUDA_RUNTIME_LIBRARY Shared)
    endif()
  endif()
  target_link_options(${arg_NAME} PRIVATE "LINKER:--version-script=${version_script}" LINKER:-z,defs
                      LINKER:--enable-new-dtags)
  target_link_libraries(${arg_NAME} PRIVATE Potluck::plugin ${arg_LIBRARIES})
  if(arg_LIBTORCH)
    target_link_libraries(${arg_NAME} PRIVATE LibTorch::cpu)
    set_target_properties(${arg_NAME} PROPERTIES INSTALL_RPATH "${LibTorch_LIBRARY_DIR}"
                                                 INSTALL_RPATH_USE_LINK_PATH ON)
    potluck_use_cuda_of_libtorch(${arg_NAME} "${arg_ID}")
  endif()
endfunction()

# Where LibTorch has CUDA and the toolkit's headers are at hand, LibTorch models run on the host's CUDA stream
# (torch_model.hpp), and say so; else they run on the CPU only. Which of the two was made is printed.
function(potluck_use_cuda_of_libtorch target id)
  get_target_property(outside Potluck::plugin IMPORTED)
  set(why "")
  if(NOT TARGET LibTorch::c10_cuda)
    set(why "LibTorch ${LibTorch_BUILD} has no CUDA")
  elseif(outside AND NOT TARGET CUDA::cudart)  # Potluck's own tree has its own switch
    find_package(CUDAToolkit QUIET)
  endif()
  # "2.11.0+cu130" -> "13": two majors of the runtime in one process share no streams.
  if(NOT why AND TARGET CUDA::cudart AND LibTorch_BUILD MATCHES "\\+cu([0-9]+)[0-9]$")
    if(NOT CMAKE_MATCH_1 STREQUAL CUDAToolkit_VERSION_MAJOR)
      set(why "LibTorch ${LibTorch_BUILD} needs a CUDA toolkit ${CMAKE_MATCH_1}, found ${CUDAToolkit_VERSION}")
    endif()
  endif()
  if(NOT why)
    set(why "no CUDA toolkit was found; set CUDAToolkit_ROOT")
    foreach(runtime Potluck::cudart CUDA::cudart)
      if(TARGET ${runtime})
        target_compile_definitions(${target} PRIVATE POTLUCK_TORCH_CUDA)
        target_link_libraries(${target} PRIVATE LibTorch::c10_cuda ${runtime})
        set(why "")
        break()
      endif()
    endforeach()
  endif()
  if(why)
    set(made "on the CPU only (${why})")
  else()
    set(made "on the CPU and on CUDA (LibTorch ${LibTorch_BUILD})")
  endif()
  if(outside)
    message(STATUS "Plugin ${id}: its models run ${made}")
  endif()
endfunction()

# potluck_add_plugin_tests(): a ctest test that runs `potluck plugins check` on a plugin. Say enable_testing() first.
#
#   potluck_add_plugin_tests(
#     NAME target                     as given to potluck_add_plugin()
#     [TEST name]                     of the test, default <target>.conformance; a second setup needs one of its own
#     [MODELS acme.smoothness ...]    check only these models
#     [SET setting=value ...]         settings that are not at their presets; a list as 1,2,3
#     [SHAPE input=28x28 ...]         shapes of the inputs; small ones are tried without
#     [SUPPORT input=0:1 ...]         where inputs are tested; standard normal without
#     [CATEGORIES input=10 ...]       of categorical inputs
#     [START [input=]points.npy ...]  points near which inputs are tested
#     [WEIGHTS file.safetensors]
#     [WITHOUT input ...]             optional inputs that are left out
#     [SEED number]                   of the test points, default 1
#     [PATIENCE seconds])             longest time that one check may take, default 60
function(potluck_add_plugin_tests)
  cmake_parse_arguments(arg "" "NAME;TEST;WEIGHTS;SEED;PATIENCE" "MODELS;SET;SHAPE;SUPPORT;CATEGORIES;START;WITHOUT"
                        ${ARGN})
  if(arg_UNPARSED_ARGUMENTS)
    message(FATAL_ERROR "potluck_add_plugin_tests: unknown arguments: ${arg_UNPARSED_ARGUMENTS}")
  endif()
  if(NOT TARGET "${arg_NAME}")
    message(FATAL_ERROR "potluck_add_plugin_tests: NAME must be a target of potluck_add_plugin(), got '${arg_NAME}'")
  endif()
  if(NOT arg_TEST)
    set(arg_TEST "${arg_NAME}.conformance")
  endif()
  if(TARGET Potluck::program)
    set(program "$<TARGET_FILE:Potluck::program>")
  else()
    find_program(POTLUCK_PROGRAM potluck)
    mark_as_advanced(POTLUCK_PROGRAM)
    if(NOT POTLUCK_PROGRAM)
      message(FATAL_ERROR "potluck_add_plugin_tests: the program potluck was not found. Set POTLUCK_PROGRAM.")
    endif()
    set(program "${POTLUCK_PROGRAM}")
  endif()
  set(options "")
  foreach(option MODELS:model SET:set SHAPE:shape SUPPORT:support CATEGORIES:categories START:start WEIGHTS:weights WITHOUT:without
                  SEED:seed PATIENCE:patience)
    string(REPLACE ":" ";" option "${option}")
    list(GET option 0 argument)
    list(GET option 1 flag)
    foreach(value IN LISTS arg_${argument})
      list(APPEND options "--${flag}" "${value}")
    endforeach()
  endforeach()
  # The author's build folder is the author's affair, even where others may write to it.
  add_test(NAME "${arg_TEST}" COMMAND "${program}" plugins check "$<TARGET_FILE:${arg_NAME}>" --allow-world-writable
                                      ${options})
  # All checks of a model may take 8 times as long as one; the rest is for the start.
  if(NOT arg_PATIENCE)
    set(arg_PATIENCE 60)
  endif()
  set(models "${arg_MODELS}")
  if(NOT models)
    get_target_property(models "${arg_NAME}" POTLUCK_MODELS)
  endif()
  list(LENGTH models count)
  math(EXPR timeout "10 * ${arg_PATIENCE} * ${count}")
  set_tests_properties("${arg_TEST}" PROPERTIES LABELS conformance TIMEOUT ${timeout})
endfunction()
