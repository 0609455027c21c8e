# GTest::gtest_main for the machine the tests run on. find_package finds the host's library; for another processor the
# sources that Debian's package googletest installs are built with the cross compiler.
set(ALTOCAST_GOOGLETEST_SOURCE /usr/src/googletest CACHE PATH "GoogleTest's sources, built when cross compiling")

if(CMAKE_CROSSCOMPILING)
  if(NOT EXISTS "${ALTOCAST_GOOGLETEST_SOURCE}/CMakeLists.txt")
    message(FATAL_ERROR "GoogleTest's sources are not in ${ALTOCAST_GOOGLETEST_SOURCE}. Install Debian's package "
                        "googletest, set ALTOCAST_GOOGLETEST_SOURCE, or leave the tests out with -DALTOCAST_TESTS=OFF.")
  endif()
  set(BUILD_GMOCK OFF CACHE INTERNAL "")
  set(INSTALL_GTEST OFF CACHE INTERNAL "")
  add_subdirectory("${ALTOCAST_GOOGLETEST_SOURCE}" "${PROJECT_BINARY_DIR}/googletest" EXCLUDE_FROM_ALL)
else()
  find_package(GTest REQUIRED)
endif()
