# One target per entry of the floor table. Precompiled headers are shared by targets of alike files:
# `pure` (standard library, fmt, expected), `io` (Asio), `test` (GoogleMock).

add_library(banyan_options INTERFACE)
target_include_directories(banyan_options INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(banyan_options INTERFACE -Wall -Wextra -Wpedantic -Wswitch -Wshadow
                                                -Wnon-virtual-dtor)
if(BANYAN_WERROR)
  target_compile_options(banyan_options INTERFACE -Werror)
endif()
target_compile_definitions(banyan_options INTERFACE BOOST_ASIO_NO_DEPRECATED
                                                    BANYAN_VERSION="${PROJECT_VERSION}")

set(BANYAN_PCH_PURE <algorithm> <chrono> <cstdint> <map> <memory> <optional> <set> <string>
                    <string_view> <utility> <variant> <vector> <fmt/format.h> <tl/expected.hpp>)

# banyan_library(NAME FILES ... LINK ... [PCH header...])
function(banyan_library name)
  cmake_parse_arguments(ARG "" "" "FILES;LINK;PCH" ${ARGN})
  add_library(${name} STATIC ${ARG_FILES})
  target_link_libraries(${name} PUBLIC banyan_options fmt::fmt tl::expected ${ARG_LINK})
  if(ARG_PCH)
    target_precompile_headers(${name} PRIVATE ${ARG_PCH})
  endif()
endfunction()

# banyan_program(NAME FILES ... LINK ...)
function(banyan_program name)
  cmake_parse_arguments(ARG "" "" "FILES;LINK" ${ARGN})
  add_executable(${name} ${ARG_FILES})
  target_link_libraries(${name} PRIVATE banyan_options ${ARG_LINK})
endfunction()
