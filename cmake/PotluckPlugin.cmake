# SPDX-License-Identifier: Apache-2.0
# potluck_add_plugin(): one shared library that offers models through the door.
