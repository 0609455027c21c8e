# The flags of the project's own targets, as interface libraries. Libraries link them within $<BUILD_INTERFACE:…>, so
# that nothing of them reaches those who use an installed altocast.

# altocast_options: what every target is compiled with. Floating-point contraction is off so that a sum of products
# has the same bits everywhere; the kernels say fma where they mean it.
add_library(altocast_options INTERFACE)
target_compile_options(altocast_options INTERFACE
  -Wall -Wextra -Wshadow -Wconversion $<$<BOOL:${ALTOCAST_WERROR}>:-Werror>
  -ffp-contract=off -fno-math-errno -ffunction-sections -fdata-sections)
# Clang warns where it does not follow a loop's vectorisation pragma, as it rightly does not in a debugging build.
target_compile_options(altocast_options INTERFACE
  $<$<AND:$<CXX_COMPILER_ID:Clang>,$<CONFIG:Debug>>:-Wno-pass-failed>)
# On 32-bit systems too, files may be larger than 2 GB and the year 2038 may pass.
target_compile_definitions(altocast_options INTERFACE _FILE_OFFSET_BITS=64 _TIME_BITS=64)
if(ALTOCAST_SANITIZE)
  target_compile_options(altocast_options INTERFACE -fsanitize=${ALTOCAST_SANITIZE} -fno-sanitize-recover=all
                         -fno-omit-frame-pointer)
  target_link_options(altocast_options INTERFACE -fsanitize=${ALTOCAST_SANITIZE})
endif()

# altocast_edge_code: how the edge program's own code is compiled, which travels over slow links. A static program has
# no tables by which an exception finds its way through functions: nothing there throws or catches, and what the C++
# library throws for want of memory or threads ends the program with a message (apps/altocast/static/exceptions.cpp).
add_library(altocast_edge_code INTERFACE)
if(ALTOCAST_STATIC)
  target_compile_options(altocast_edge_code INTERFACE
    $<$<CONFIG:Release>:-fno-exceptions -fno-asynchronous-unwind-tables -fno-unwind-tables>)
endif()

# altocast_static: a program that needs nothing on the machine it is taken to.
add_library(altocast_static INTERFACE)
target_link_options(altocast_static INTERFACE -static)

# altocast_edge: what the edge program is linked with. It travels over slow links, so unused sections and symbols are
# left out of it.
add_library(altocast_edge INTERFACE)
target_link_options(altocast_edge INTERFACE -Wl,--gc-sections -Wl,-z,noseparate-code $<$<CONFIG:Release,MinSizeRel>:-s>)
if(ALTOCAST_STATIC)
  target_link_libraries(altocast_edge INTERFACE altocast_static)
endif()
