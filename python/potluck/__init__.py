# SPDX-License-Identifier: Apache-2.0
"""Hands energies written in PyTorch to Potluck. See docs/from-pytorch.md."""

from potluck.export import ExportError, export

__all__ = ["ExportError", "export"]
