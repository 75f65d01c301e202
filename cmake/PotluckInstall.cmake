# SPDX-License-Identifier: Apache-2.0
# What an installation holds. It may be moved as a whole: everything inside finds the rest from where it stands.
#
#   bin/potluck                      the program
#   lib/potluck/plugins/*.potluck.so our models
#   include/potluck                  component plugin: the door; needs no library of ours, and LibTorch only where asked
#   include/potluck/engine.h, lib/*.a  component engine: the face, and core, plugins and compose behind it
#   lib/cmake/Potluck                find_package(Potluck COMPONENTS plugin engine)
#   share/potluck                    composition.schema.json of our models, and the examples
#   share/doc/potluck                the documentation
include(CMakePackageConfigHelpers)

# Every target of the given types below a folder of ours.
function(potluck_targets_below folder types out)
  get_property(found DIRECTORY "${folder}" PROPERTY BUILDSYSTEM_TARGETS)
  set(targets "")
  foreach(target IN LISTS found)
    get_target_property(type ${target} TYPE)
    if(type IN_LIST types)
      list(APPEND targets ${target})
    endif()
  endforeach()
  get_property(folders DIRECTORY "${folder}" PROPERTY SUBDIRECTORIES)
  foreach(below IN LISTS folders)
    potluck_targets_below("${below}" "${types}" more)
    list(APPEND targets ${more})
  endforeach()
  set(${out} "${targets}" PARENT_SCOPE)
endfunction()

set(_package "${CMAKE_INSTALL_LIBDIR}/cmake/Potluck")
set(POTLUCK_INSTALLED_PLUGINS "${CMAKE_INSTALL_LIBDIR}/potluck/plugins")

# The program and our models; `programs` builds what a user runs, without the tests.
potluck_targets_below("${PROJECT_SOURCE_DIR}/models" MODULE_LIBRARY _models)
add_custom_target(programs)
if(_models)
  add_dependencies(programs ${_models})
  install(TARGETS ${_models} LIBRARY DESTINATION "${POTLUCK_INSTALLED_PLUGINS}")
endif()
if(TARGET potluck)
  add_executable(Potluck::program ALIAS potluck)
  add_dependencies(programs potluck)
  set_target_properties(potluck PROPERTIES EXPORT_NAME program)
  install(TARGETS potluck EXPORT PotluckPlugin RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")
endif()

add_dependencies(programs potluck_features potluck_optimisers)
install(TARGETS potluck_features potluck_optimisers LIBRARY DESTINATION "${CMAKE_INSTALL_LIBDIR}/potluck")

# Component plugin.
set_target_properties(potluck_plugin PROPERTIES EXPORT_NAME plugin)
install(TARGETS potluck_plugin EXPORT PotluckPlugin)
install(EXPORT PotluckPlugin NAMESPACE Potluck:: DESTINATION "${_package}" FILE PotluckPluginTargets.cmake)
install(DIRECTORY plugins/include/potluck DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}")
install(FILES cmake/PotluckPlugin.cmake cmake/FindLibTorch.cmake DESTINATION "${_package}")

# Component engine.
foreach(_room core plugins compose)
  set_target_properties(potluck_${_room} PROPERTIES EXPORT_NAME ${_room})
  install(TARGETS potluck_${_room} EXPORT PotluckEngine ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}")
endforeach()
install(FILES compose/include/potluck/engine.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/potluck")
add_library(potluck_engine INTERFACE)
target_include_directories(potluck_engine INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
add_library(Potluck::engine ALIAS potluck_engine)
set_target_properties(potluck_engine PROPERTIES EXPORT_NAME engine)
target_link_libraries(potluck_engine INTERFACE Potluck::compose Potluck::plugins Potluck::core)
install(TARGETS potluck_engine EXPORT PotluckEngine)
install(EXPORT PotluckEngine NAMESPACE Potluck:: DESTINATION "${_package}" FILE PotluckEngineTargets.cmake)

configure_package_config_file(
  cmake/PotluckConfig.cmake.in "${PROJECT_BINARY_DIR}/PotluckConfig.cmake" INSTALL_DESTINATION "${_package}"
  PATH_VARS POTLUCK_INSTALLED_PLUGINS)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/PotluckConfigVersion.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/PotluckConfig.cmake" "${PROJECT_BINARY_DIR}/PotluckConfigVersion.cmake"
        DESTINATION "${_package}")
install(FILES LICENSE README.md CHANGELOG.md DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/potluck")
install(DIRECTORY docs DESTINATION "${CMAKE_INSTALL_DATADIR}/doc/potluck" PATTERN "*.py" EXCLUDE)
install(DIRECTORY examples DESTINATION "${CMAKE_INSTALL_DATADIR}/potluck" PATTERN "runs" EXCLUDE PATTERN "build*" EXCLUDE)
if(TARGET potluck)
  # The schema is printed by the program, and knows our models.
  set(_schema "${PROJECT_BINARY_DIR}/composition.schema.json")
  add_custom_command(
    OUTPUT "${_schema}" COMMAND "${CMAKE_COMMAND}" "-DPROGRAM=$<TARGET_FILE:potluck>" "-DINTO=${_schema}" -P
                                "${PROJECT_SOURCE_DIR}/cmake/write_schema.cmake"
    DEPENDS potluck ${_models} "${PROJECT_SOURCE_DIR}/cmake/write_schema.cmake" VERBATIM)
  add_custom_target(schema ALL DEPENDS "${_schema}")
  add_dependencies(programs schema)
  install(FILES "${_schema}" DESTINATION "${CMAKE_INSTALL_DATADIR}/potluck")
endif()
