#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs what Potluck needs on Debian 12 and is not there yet: Debian packages, a Python environment in .venv with
# LibTorch, and nvcc. Run again, it only looks. Nothing outside apt's packages and this folder's .venv is changed.
#
#   POTLUCK_LIBTORCH=/path   use this LibTorch (2.10 - 2.12; has include/ and lib/), install none
#   POTLUCK_PYTHON=/path     use this Python for tests and examples, which has cmake/requirements.txt installed
#   POTLUCK_CUDA=OFF         do not look for nvcc, install none
set -Eeuo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "setup: $*"; }
fail() { printf '%s\n' "setup: $1" >&2; shift; printf '       %s\n' "$@" >&2; exit 2; }

# work "what it does" "what to do if it fails" command...: the last line of its output and the size of .venv every few
# seconds; the end of its output where it fails.
work() {
  local what=$1 advice=$2 log started=$SECONDS last=0 status=0
  shift 2
  log=$(mktemp)
  say "$what"
  "$@" >"$log" 2>&1 </dev/null &
  local job=$!
  trap 'kill "$job" 2>/dev/null; exit 130' INT TERM
  while kill -0 "$job" 2>/dev/null; do
    sleep 0.5
    if ((SECONDS - last >= 4 && SECONDS - started >= 3)); then
      last=$SECONDS
      printf '  %4d s  %s%s\n' $((SECONDS - started)) \
        "$([ ! -d .venv ] || du -sh .venv 2>/dev/null | sed 's/[[:space:]].*/ in .venv  /')" \
        "$(tr '\r' '\n' <"$log" | sed '/^ *$/d; s/^ *//' | tail -n 1 | cut -c 1-90)"
    fi
  done
  wait "$job" || status=$?
  trap - INT TERM
  if ((status != 0)); then
    tail -n 30 "$log" >&2
    rm -f "$log"
    fail "failed: $what" "$advice"
  fi
  rm -f "$log"
}

# Whatever else stops the script does not do so in silence; 2 is fail's own.
trap '(($? == 2)) || fail "stopped at line $LINENO of cmake/setup.sh" "Run bash -x cmake/setup.sh to see why."; exit 2' ERR

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

install_packages() {
  local wanted missing=() package
  mapfile -t wanted < <(grep -v '^#' cmake/debian-packages.txt)
  if ! command -v dpkg-query >/dev/null; then
    say "this is not Debian: cmake/debian-packages.txt lists what must be there, under Debian's names"
    return
  fi
  local installed  # dpkg-query fails where it does not know a name; what it does know is what counts
  installed=$({ dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null || true; } |
    sed -n 's/^installed //p')
  for package in "${wanted[@]}"; do
    grep -qx -- "$package" <<<"$installed" || missing+=("$package")
  done
  if ((${#missing[@]} == 0)); then return; fi
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null ||
      fail "Debian packages are missing, and there is no sudo: ${missing[*]}" \
        "As root: apt-get update && apt-get install ${missing[*]}" "Then run this again."
    say "sudo may ask for your password, to install ${#missing[@]} Debian packages"
    sudo -v || fail "sudo refused" "As root: apt-get update && apt-get install ${missing[*]}"
  fi
  work "looking for new Debian packages (apt-get update)" "Is there a network? See /etc/apt/sources.list." \
    as_root apt-get -q update
  work "installing ${#missing[@]} Debian packages: ${missing[*]}" \
    "These are packages of Debian 12. Elsewhere install their like by hand, then run this again." \
    as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install "${missing[@]}"
}

# A Python that can make an environment LibTorch's wheels exist for.
base_python() {
  local python seen=()
  for python in python3 /usr/bin/python3 python3.14 python3.13 python3.12 python3.11 python3.10; do
    command -v "$python" >/dev/null || continue
    seen+=("$("$python" --version 2>&1)")
    if "$python" -c 'import sys, venv, ensurepip; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))' \
      2>/dev/null; then
      command -v "$python"
      return
    fi
  done
  fail "needs a Python from 3.10 to 3.14 with the module venv, found ${seen[*]:-none}" \
    "On Debian: apt-get install python3-venv. Elsewhere put such a Python first on PATH, or set POTLUCK_PYTHON to one" \
    "that has cmake/requirements.txt installed and POTLUCK_LIBTORCH to a LibTorch."
}

pip() { .venv/bin/python -m pip --disable-pip-version-check --no-input "$@"; }

check_libtorch() {
  local libtorch=$1
  [ -e "$libtorch/lib/libtorch_cpu.so" ] && [ -e "$libtorch/include/ATen/core/Tensor.h" ] ||
    fail "POTLUCK_LIBTORCH must be a folder with lib/libtorch_cpu.so and include/ATen, got $libtorch" \
      "It is what LibTorch's archive unpacks to, or site-packages/torch of a Python environment."
}

is_nvcc_13() { [ -x "$1" ] && "$1" --version 2>/dev/null | grep -q 'release 13\.'; }

system_nvcc() {
  local nvcc
  for nvcc in "$(command -v nvcc || true)" "${CUDA_HOME:-/usr/local/cuda}/bin/nvcc" /usr/local/cuda/bin/nvcc; do
    if is_nvcc_13 "$nvcc"; then
      echo "$nvcc"
      return
    fi
  done
}

# The wheels of CUDA 13 share one folder. Their nvcc looks for its libraries in lib64, which only a toolkit has.
install_nvcc() {
  local advice="This is only for CUDA; POTLUCK_CUDA=OFF leaves it out."
  if ! (work "installing nvcc of CUDA 13 (270 MB) into .venv" "$advice" \
    pip install --progress-bar off -r cmake/requirements-cuda.txt); then
    return 1
  fi
  local folder
  folder=$(echo .venv/lib/python3*/site-packages/nvidia/cu13)
  [ -e "$folder/lib64" ] || ln -s lib "$folder/lib64"
  is_nvcc_13 "$folder/bin/nvcc"
}

main() {
  local started=$SECONDS stamp=.venv/potluck-setup wants cuda=${POTLUCK_CUDA:-AUTO}
  install_packages

  local needs=()
  if [ -n "${POTLUCK_PYTHON:-}" ]; then
    "$POTLUCK_PYTHON" -c 'import importlib.util as u, sys
missing = [m for m in ("arviz", "netCDF4", "numpy", "PIL", "safetensors") if u.find_spec(m) is None]
sys.exit("missing: " + " ".join(missing) if missing else 0)' ||
      fail "POTLUCK_PYTHON=$POTLUCK_PYTHON must have cmake/requirements.txt installed" \
        "$POTLUCK_PYTHON -m pip install -r cmake/requirements.txt, or unset POTLUCK_PYTHON."
  else
    needs+=(-r cmake/requirements.txt)
  fi
  if [ -n "${POTLUCK_LIBTORCH:-}" ]; then
    check_libtorch "$POTLUCK_LIBTORCH"
  else
    needs+=(-r cmake/requirements-libtorch.txt)
  fi
  local nvcc=""
  if [ "$cuda" != OFF ]; then nvcc=$(system_nvcc); fi
  if ((${#needs[@]} == 0)); then
    say "ready: LibTorch $POTLUCK_LIBTORCH, Python $POTLUCK_PYTHON, ${nvcc:-no nvcc of CUDA 13: a build for CPU only}"
    return
  fi

  wants=$(cat cmake/setup.sh cmake/requirements*.txt <(echo "${needs[*]} $nvcc $cuda") | sha256sum)
  if [ "$(head -n 1 "$stamp" 2>/dev/null)" = "$wants" ] && .venv/bin/python -c '' 2>/dev/null; then
    say "ready ($(tail -n 1 "$stamp"))"
    return
  fi

  if ! .venv/bin/python -c 'import pip' 2>/dev/null; then
    local python
    python=$(base_python)
    rm -rf .venv
    work "making a Python environment in .venv with $("$python" --version)" \
      "Remove .venv, then run this again." "$python" -m venv .venv
  fi
  local room
  room=$(df -Pk . | awk 'NR == 2 {print int($4 / 1048576)}')
  if [ -z "${POTLUCK_LIBTORCH:-}" ] && ((room < 10)) && [ ! -d .venv/lib/python3*/site-packages/torch ]; then
    fail "LibTorch with CUDA takes 5 GB, and building 2 GB more; this disk has $room GB left" \
      "Make room, or set POTLUCK_LIBTORCH to a LibTorch that is there already."
  fi
  local size="0.5 GB"
  [ -n "${POTLUCK_LIBTORCH:-}" ] || size="LibTorch with CUDA is most of it: 2.5 GB to fetch, 5 GB in the end"
  work "installing Python packages into .venv ($size)" \
    "Is there a network? Run this again, or set POTLUCK_LIBTORCH to a LibTorch 2.10 - 2.12." \
    pip install --progress-bar off "${needs[@]}"

  local cuda_says="CPU only, as POTLUCK_CUDA=OFF asks"
  if [ -n "$nvcc" ]; then
    cuda_says="nvcc $nvcc"
  elif [ "$cuda" != OFF ]; then
    if install_nvcc; then
      cuda_says="nvcc from PyPI"
    else
      cuda_says="CPU only: no nvcc of CUDA 13, and it could not be installed"
      say "no nvcc: this will be a build for the CPU only. To try again: rm $stamp"
    fi
  fi
  printf '%s\n' "$wants" "LibTorch ${POTLUCK_LIBTORCH:-in .venv}, $cuda_says" >"$stamp"
  say "ready after $((SECONDS - started)) s ($(tail -n 1 "$stamp"))"
}

main "$@"
