# 64-bit ARM Linux: Raspberry Pi 3 and later with a 64-bit system, Jetson, every ARM server.
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(ALTOCAST_TRIPLET aarch64-linux-gnu)
set(ALTOCAST_EMULATOR qemu-aarch64-static -cpu cortex-a53)
include("${CMAKE_CURRENT_LIST_DIR}/linux.cmake")
