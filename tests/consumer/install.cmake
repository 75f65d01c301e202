# SPDX-License-Identifier: Apache-2.0
# cmake -DBINARY_DIR=... -DSCRATCH=... -P install.cmake: installs to a scratch prefix and moves it, so that whatever
# still pointed to the first place is found out by the tests that come after.
file(REMOVE_RECURSE "${SCRATCH}")
execute_process(COMMAND "${CMAKE_COMMAND}" --install "${BINARY_DIR}" --prefix "${SCRATCH}/first"
                OUTPUT_QUIET COMMAND_ERROR_IS_FATAL ANY)
file(RENAME "${SCRATCH}/first" "${SCRATCH}/moved")

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
