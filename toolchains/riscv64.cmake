# 64-bit RISC-V Linux, rv64gc: no vector extension is needed.
set(CMAKE_SYSTEM_PROCESSOR riscv64)
set(ALTOCAST_TRIPLET riscv64-linux-gnu)
set(ALTOCAST_EMULATOR qemu-riscv64-static)
include("${CMAKE_CURRENT_LIST_DIR}/linux.cmake")
