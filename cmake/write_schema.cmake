# SPDX-License-Identifier: Apache-2.0
# cmake -DPROGRAM=... -DINTO=... -P write_schema.cmake: writes the JSON Schema of the composition format with the models
# beside the program, and no plugins of whoever builds.
set(ENV{POTLUCK_PLUGIN_PATH} "")
set(ENV{XDG_DATA_HOME} "${CMAKE_CURRENT_BINARY_DIR}/nobody")
set(ENV{XDG_CACHE_HOME} "${CMAKE_CURRENT_BINARY_DIR}/nobody")
execute_process(COMMAND "${PROGRAM}" schema OUTPUT_FILE "${INTO}.part" COMMAND_ERROR_IS_FATAL ANY)
file(RENAME "${INTO}.part" "${INTO}")
