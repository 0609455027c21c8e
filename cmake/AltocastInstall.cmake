# Installs the libraries and what find_package(altocast) needs: altocast::c for C and other languages, altocast::formats,
# altocast::runtime and, where it was built, altocast::trainer. The C API's header is <altocast.h>; a C++ header is
# included by the name it has in the source tree: "runtime/random.h". altocast.pc says the same of altocast::c to pkg-config.
# The programs are installed where they are built, in apps/.
include(CMakePackageConfigHelpers)

set(installed_libraries formats runtime)
if(TARGET altocast_trainer)
  list(APPEND installed_libraries trainer)
endif()
foreach(library IN LISTS installed_libraries)
  install(TARGETS altocast_${library} EXPORT altocast_targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
  install(DIRECTORY ${library} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/altocast FILES_MATCHING PATTERN "*.h"
          PATTERN capi EXCLUDE)
endforeach()
install(TARGETS altocast_c EXPORT altocast_targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES runtime/capi/altocast.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
file(RELATIVE_PATH to_includes "/${CMAKE_INSTALL_LIBDIR}" "/${CMAKE_INSTALL_INCLUDEDIR}")
configure_file(cmake/altocast.pc.in "${PROJECT_BINARY_DIR}/altocast.pc" @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/altocast.pc" DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(EXISTS "${PROJECT_SOURCE_DIR}/share/altocast")
  install(DIRECTORY share/altocast DESTINATION ${CMAKE_INSTALL_DATADIR})
endif()

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/altocast)
install(EXPORT altocast_targets NAMESPACE altocast:: FILE altocast-targets.cmake DESTINATION ${package_folder})
configure_package_config_file(cmake/altocast-config.cmake.in "${PROJECT_BINARY_DIR}/altocast-config.cmake"
                              INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file("${PROJECT_BINARY_DIR}/altocast-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/altocast-config.cmake" "${PROJECT_BINARY_DIR}/altocast-config-version.cmake"
        DESTINATION ${package_folder})
