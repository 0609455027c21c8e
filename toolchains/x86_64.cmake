# x86-64 Linux. The emulated processor has no AVX, so that ctest also shows that the program runs on such a one.
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(ALTOCAST_TRIPLET x86_64-linux-gnu)
set(ALTOCAST_EMULATOR qemu-x86_64-static -cpu Nehalem)
include("${CMAKE_CURRENT_LIST_DIR}/linux.cmake")
