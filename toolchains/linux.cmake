# What the toolchain files share. Each sets, before it includes this file,
#   ALTOCAST_TRIPLET   the compiler's prefix and sysroot folder, in Debian's spelling
#   ALTOCAST_EMULATOR  the emulator and its arguments, which ctest puts before every test program
# -DALTOCAST_CROSS_CLANG=ON compiles with clang in place of gcc, against the same C and C++ library.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES ALTOCAST_CROSS_CLANG)

if(ALTOCAST_CROSS_CLANG)
  set(CMAKE_C_COMPILER clang)
  set(CMAKE_CXX_COMPILER clang++)
  set(CMAKE_C_COMPILER_TARGET ${ALTOCAST_TRIPLET})
  set(CMAKE_CXX_COMPILER_TARGET ${ALTOCAST_TRIPLET})
else()
  set(CMAKE_C_COMPILER ${ALTOCAST_TRIPLET}-gcc)
  set(CMAKE_CXX_COMPILER ${ALTOCAST_TRIPLET}-g++)
endif()
set(CMAKE_CROSSCOMPILING_EMULATOR ${ALTOCAST_EMULATOR})

# Programs are the host's; libraries and CMake packages are the target's, never the host's. Header-only libraries are
# the same for both.
set(CMAKE_FIND_ROOT_PATH /usr/${ALTOCAST_TRIPLET})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE BOTH)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE BOTH)
