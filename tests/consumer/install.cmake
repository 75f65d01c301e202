# SPDX-License-Identifier: Apache-2.0
# cmake -DBINARY_DIR=... -DSCRATCH=... -P install.cmake: installs to a scratch prefix and moves it, so that whatever
# still pointed to the first place is found out by the tests that come after.
file(REMOVE_RECURSE "${SCRATCH}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BINARY_DIR}" --prefix "${SCRATCH}/first"
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(RENAME "${SCRATCH}/first" "${SCRATCH}/moved")

# The engine has one header; what is behind it is private.
file(GLOB_RECURSE headers RELATIVE "${SCRATCH}/moved/include/potluck" "${SCRATCH}/moved/include/*.h")
list(SORT headers)
if(NOT headers STREQUAL "engine.h;plugin.h")
  message(SEND_ERROR "the installed headers of C must be engine.h and plugin.h, got '${headers}'")
endif()
file(GLOB folders RELATIVE "${SCRATCH}/moved/include" "${SCRATCH}/moved/include/*")
if(NOT folders STREQUAL "potluck")
  message(SEND_ERROR "include must hold the folder potluck only, got '${folders}'")
endif()
foreach(file share/doc/potluck/README.md share/doc/potluck/docs/embedding.md share/potluck/examples/embedding/main.cpp
             share/potluck/examples/wardrobe/wardrobe.yaml share/potluck/composition.schema.json)
  if(NOT EXISTS "${SCRATCH}/moved/${file}")
    message(SEND_ERROR "the installation must hold ${file}")
  endif()
endforeach()
file(READ "${SCRATCH}/moved/share/potluck/composition.schema.json" schema)
string(JSON dialect GET "${schema}" "$schema")
string(FIND "${schema}" "class_gaussian" model)
if(model EQUAL -1)
  message(SEND_ERROR "the installed schema must know the installed models")
endif()

file(GLOB_RECURSE installed "${SCRATCH}/moved/*.cmake")
foreach(file IN LISTS installed)
  file(READ "${file}" text)
  foreach(place "${BINARY_DIR}" "${SCRATCH}/first")
    string(FIND "${text}" "${place}/" at)
    if(NOT at EQUAL -1)
      message(SEND_ERROR "${file}: an installed file must not name ${place}, where it was built")
    endif()
  endforeach()
endforeach()
