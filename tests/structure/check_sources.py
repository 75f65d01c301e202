# SPDX-License-Identifier: Apache-2.0
"""Checks of the source tree itself: which room includes which, licence lines, nothing of one machine.

    python check_sources.py arrows|floors|licence|machine FOLDER

Prints one line for each violation, `file:line: text`, and exits with 1 where there is any.
"""

import os
import re
import subprocess
import sys

# room: the rooms whose headers it may include. "door" is plugins/include/potluck, "face" is potluck/engine.h; the longest
# folder counts.
ARROWS = {
    "core": {"core"},
    "plugins/include": {"door"},
    "plugins": {"core", "plugins", "door"},
    "models": {"models", "door"},
    "compose/include": set(),
    "compose": {"core", "plugins", "compose", "door", "face"},
    "apps": {"apps", "face"},
    "examples/embedding": {"face"},
    "tests/consumer/embed": {"face"},
    "examples/plugins": {"door", "examples/plugins"},
}
ROOMS = ["core", "plugins", "models", "compose", "apps", "tests", "examples", "benchmarks"]

# The floors of a room, the lowest first. A folder includes itself, what stands in it, and folders on lower floors; those
# that share a floor do not know each other. docs/architecture.md says what lives in each.
FLOORS = {
    "core": [
        ["core"],
        ["core/random", "core/variables", "core/device", "core/files/formats"],
        ["core/energy", "core/learning/data"],
        ["core/backend", "core/diagnostics"],
        ["core/methods", "core/comparison"],
        ["core/chains"],
        ["core/sampling/start", "core/sampling/tuning"],
        ["core/sampling/run"],
        ["core/sampling/annealing", "core/files/run"],
        ["core/learning"],
        ["core/learning/torch", "core/comparison/torch"],
    ],
    "compose": [
        ["compose/tree", "compose/include"],
        ["compose/text", "compose/experts"],
        ["compose/file", "compose/known"],
        ["compose/plan"],
        ["compose/start"],
        ["compose/session"],
        ["compose/record"],
        ["compose/training", "compose/comparison"],
        ["compose/engine"],
    ],
    "apps": [
        ["apps/process"],
        ["apps/terminal"],
        ["apps/commands"],
        ["apps"],
    ],
}

# The face includes the standard library and nothing else: its headers have no ending.
FACE = "compose/include/potluck/engine.h"

# The engine starts in milliseconds because LibTorch comes with those who need it.
LIBTORCH = re.compile(r"(ATen|c10|torch|caffe2)/")
LIBTORCH_MAY_BE_IN = ("models/", "core/learning/torch/", "core/comparison/torch/", "plugins/include/potluck/torch_model.hpp",
                      "plugins/include/potluck/torch/", "core/backend/", "tests/", "examples/", "benchmarks/")

C_FAMILY = (".c", ".h", ".hpp", ".cpp", ".cu", ".cuh")
LICENSED = C_FAMILY + (".py", ".sh", ".cmake", ".yaml", ".yml", "CMakeLists.txt", "Makefile", "cmake.in")
LICENCE = "SPDX-License-Identifier: Apache-2.0"
INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')

# Written so that no pattern finds itself.
OF_ONE_MACHINE = re.compile(
    r"(?<![\w.*-])/(work|root|home/\w+|Users/\w+)[/]"
    r"|\b(pypi[.]org|pythonhosted[.]org|download[.]pytorch[.]org|deb[.]debian[.]org|security[.]debian[.]org"
    r"|anaconda[.]org|npmjs[.]org|docker[.]io|developer[.]download[.]nvidia|pypi[.]nvidia[.]com)")


def files(folder):
    """All files that are, or would be, committed; a folder without git: all that is not built."""
    listed = subprocess.run(["git", "-C", folder, "ls-files", "--cached", "--others", "--exclude-standard"],
                            capture_output=True, text=True)
    if listed.returncode == 0 and listed.stdout:
        names = listed.stdout.splitlines()
    else:
        names = []
        for place, folders, found in os.walk(folder):
            folders[:] = [f for f in folders if not f.startswith((".venv", ".git", "build"))]
            names += [os.path.relpath(os.path.join(place, name), folder) for name in found]
    return sorted(name for name in names if os.path.isfile(os.path.join(folder, name)))


def lines(folder, name):
    try:
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            return file.read().splitlines()
    except UnicodeDecodeError:
        return []  # an image, say


def room_of_header(header, includer, folder):
    """The room that a header belongs to, or None for a stranger's."""
    if header == "potluck/engine.h":
        return "face"
    if header.startswith("potluck/"):
        return "door"
    for room in ROOMS:
        if header.startswith(room + "/"):
            return "examples/plugins" if header.startswith("examples/plugins/") else room
    beside = os.path.normpath(os.path.join(os.path.dirname(includer), header))
    if os.path.isfile(os.path.join(folder, beside)) and "/" in beside:
        if beside.startswith("plugins/include/"):
            return "door"
        if beside.startswith("examples/plugins/"):
            return "examples/plugins"
        return beside.split("/")[0]
    return None


def check_arrows(folder):
    violations = []
    for name in files(folder):
        if not name.endswith(C_FAMILY):
            continue
        own = max((room for room in ARROWS if name.startswith(room + "/")), key=len, default=None)
        for number, line in enumerate(lines(folder, name), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            header = found.group(2)
            room = room_of_header(header, name, folder)
            if name == FACE and ("/" in header or "." in header):
                violations.append(f"{name}:{number}: the face must include the standard library only, got {header}")
            elif own and room and room not in ARROWS[own]:
                allowed = ", ".join(sorted(ARROWS[own]))
                violations.append(f"{name}:{number}: {own}/ must include headers of {allowed} only, got {header}")
            if LIBTORCH.match(header) and not name.startswith(LIBTORCH_MAY_BE_IN):
                violations.append(f"{name}:{number}: LibTorch must stay in plugins and the CUDA backend, got {header}")
    return violations


def folder_of(name, room):
    """The folder of FLOORS that a file or header belongs to, and its floor; None where nothing names it."""
    found = None
    for floor, folders in enumerate(FLOORS[room]):
        for one in folders:
            below = name.startswith(one + "/") if one != room else os.path.dirname(name) == room
            if below and (found is None or len(one) > len(found[0])):
                found = (one, floor)
    return found


def check_floors(folder):
    violations = []
    for name in files(folder):
        room = name.split("/")[0]
        if room not in FLOORS or not name.endswith(C_FAMILY):
            continue
        own = folder_of(name, room)
        if own is None:
            violations.append(f"{name}:1: must be in a folder that FLOORS names, got {os.path.dirname(name)}. Give the "
                              f"folder a floor")
            continue
        for number, line in enumerate(lines(folder, name), 1):
            found = INCLUDE.match(line)
            if not found or not found.group(2).startswith(room + "/"):
                continue
            other = folder_of(found.group(2), room)
            if other is None or (other[0] != own[0] and other[1] >= own[1]):
                violations.append(f"{name}:{number}: {own[0]}/ must include headers of lower floors only, got "
                                  f"{found.group(2)}")
    return violations


def check_licence(folder):
    violations = []
    for name in files(folder):
        text = lines(folder, name)
        script = bool(text) and text[0].startswith("#!")
        if not name.endswith(LICENSED) and not script:
            continue
        at = 1 if script else 0
        if len(text) <= at or LICENCE not in text[at]:
            violations.append(f"{name}:{at + 1}: line {at + 1} must be the licence, '{LICENCE}' in a comment")
    return violations


def check_machine(folder):
    violations = []
    for name in files(folder):
        for number, line in enumerate(lines(folder, name), 1):
            found = OF_ONE_MACHINE.search(line)
            if found:
                violations.append(f"{name}:{number}: must not name a path of one machine or a package registry, "
                                  f"got {found.group(0)}")
    return violations


CHECKS = {"arrows": check_arrows, "floors": check_floors, "licence": check_licence, "machine": check_machine}


def main(arguments):
    if len(arguments) != 2 or arguments[0] not in CHECKS:
        print(__doc__)
        return 2
    violations = CHECKS[arguments[0]](arguments[1])
    for violation in violations:
        print(violation)
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
