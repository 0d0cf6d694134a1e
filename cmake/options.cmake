# Compiler settings shared by every target.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "" FORCE)
endif()

find_program(PARLEY_CCACHE ccache)
if(PARLEY_CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${PARLEY_CCACHE})
endif()

add_library(parley_options INTERFACE)
target_compile_options(parley_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wnon-virtual-dtor -Wvla -Werror)
# Numbers follow IEEE: results must not depend on how the compiler regroups sums.
target_compile_options(parley_options INTERFACE -ffp-contract=off -fno-math-errno)
target_include_directories(parley_options INTERFACE ${PROJECT_SOURCE_DIR}/src)
target_compile_definitions(parley_options INTERFACE PARLEY_VERSION="${PROJECT_VERSION}")

if(PARLEY_SANITIZE)
  add_compile_options(-fsanitize=${PARLEY_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PARLEY_SANITIZE})
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # Instrumented code confuses these warnings: they find fault with std::regex and coroutines.
    target_compile_options(parley_options INTERFACE -Wno-maybe-uninitialized
      -Wno-mismatched-new-delete)
  else()
    # Clang cannot check the types of coroutines' functions ("a difference across sections").
    add_compile_options(-fno-sanitize=function)
  endif()
endif()
