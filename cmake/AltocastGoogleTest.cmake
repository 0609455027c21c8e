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
  # Its result streaming calls getaddrinfo, which the linker warns of in every static program; no test uses it.
  include(CheckLinkerFlag)
  check_linker_flag(CXX "LINKER:--no-warnings" ALTOCAST_LINKER_HAS_NO_WARNINGS)
  if(ALTOCAST_LINKER_HAS_NO_WARNINGS)
    target_link_options(gtest INTERFACE "LINKER:--no-warnings")
  endif()
else()
  find_package(GTest)
  if(NOT GTest_FOUND)
    message(FATAL_ERROR "GoogleTest is not installed. Install it (scripts/install_packages.sh test), or leave the tests "
                        "out with -DALTOCAST_TESTS=OFF.")
  endif()
endif()
