# 32-bit ARM Linux, hard float, with NEON and VFPv4 (which has fma): Cortex-A7, A15 and later; Raspberry Pi 2 and later.
set(CMAKE_SYSTEM_PROCESSOR armv7)
set(ALTOCAST_TRIPLET arm-linux-gnueabihf)
set(ALTOCAST_EMULATOR qemu-arm-static -cpu cortex-a7)
set(CMAKE_C_FLAGS_INIT "-march=armv7-a -mfpu=neon-vfpv4 -mfloat-abi=hard")
set(CMAKE_CXX_FLAGS_INIT "-march=armv7-a -mfpu=neon-vfpv4 -mfloat-abi=hard")
include("${CMAKE_CURRENT_LIST_DIR}/linux.cmake")
