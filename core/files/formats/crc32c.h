// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

namespace potluck {

/// The cyclic redundancy check of iSCSI (RFC 3720, appendix B.4: Castagnoli's polynomial 0x1EDC6F41, reflected): that
/// of "123456789" is 0xE3069283.
uint32_t crc32c(std::string_view bytes);

}  // namespace potluck
