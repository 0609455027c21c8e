# 32-bit ARM Linux, hard float, with VFPv3 at least: the kernels for NEON with VFPv4 (Cortex-A7, A15 and
# later; Raspberry Pi 2 and later) bring their own flag and are picked at run time.
set(CMAKE_SYSTEM_PROCESSOR armv7)
set(ALTOCAST_TRIPLET arm-linux-gnueabihf)
set(ALTOCAST_EMULATOR qemu-arm-static -cpu cortex-a7)
set(CMAKE_C_FLAGS_INIT "-march=armv7-a+fp -mfloat-abi=hard -Wno-psabi")
set(CMAKE_CXX_FLAGS_INIT "-march=armv7-a+fp -mfloat-abi=hard -Wno-psabi")
include("${CMAKE_CURRENT_LIST_DIR}/linux.cmake")
