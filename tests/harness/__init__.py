# SPDX-License-Identifier: MIT
"""What the end-to-end tests stand on: a server to start and judge, a strict HTTP reader, a witness under load."""
