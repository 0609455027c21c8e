#!/bin/bash
# install_packages.sh [build|test]: installs the Debian 12 packages that altocast is built with.
#   build  what the two programs need (default)
#   test   also what scripts/test.sh needs: clang, the cross compilers, qemu, GoogleTest, the netCDF library, MPI, a browser
# Does nothing, and needs neither network nor root, when all of them are there already.
set -euo pipefail

packages=(g++ cmake ninja-build libeigen3-dev libdnnl-dev libstb-dev libcxxopts-dev libtomlplusplus-dev
          nlohmann-json3-dev)
case "${1:-build}" in
  build) ;;
  test)
    packages+=(libgtest-dev googletest libnetcdf-dev libopenmpi-dev openmpi-bin ccache chromium-headless-shell
               clang libclang-rt-14-dev llvm clang-format
               g++-aarch64-linux-gnu g++-arm-linux-gnueabihf g++-riscv64-linux-gnu qemu-user-static)
    ;;
  *)
    echo "usage: $0 [build|test]" >&2
    exit 2
    ;;
esac

missing=()
for package in "${packages[@]}"; do
  if [[ $(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) != installed ]]; then
    missing+=("$package")
  fi
done
if [[ ${#missing[@]} -eq 0 ]]; then
  echo "All ${#packages[@]} Debian packages are installed."
  exit 0
fi

as_root=()
if [[ $EUID -ne 0 ]]; then
  if ! command -v sudo >/dev/null; then
    echo "These packages are missing, and installing them needs root: ${missing[*]}" >&2
    exit 1
  fi
  as_root=(sudo)
fi
echo "Installing ${#missing[@]} Debian packages: ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get -qq update
"${as_root[@]}" apt-get -qq install --yes --no-install-recommends -o Dpkg::Use-Pty=0 "${missing[@]}" > /dev/null
echo "Installed."
