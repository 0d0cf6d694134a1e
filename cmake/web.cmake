# The web app in web/ (React, Vite), built with npm and packed into the program.
#   PARLEY_WEB=OFF: without it; `parley serve` then shows a page that says so.
if(PARLEY_SANITIZE OR PARLEY_FUZZ OR NOT EXISTS ${PROJECT_SOURCE_DIR}/web/package.json)
  set(PARLEY_WEB_DEFAULT OFF)
else()
  set(PARLEY_WEB_DEFAULT ON)
endif()
option(PARLEY_WEB "build the web app into the program (needs Node.js 18 and npm)"
  ${PARLEY_WEB_DEFAULT})

set(PARLEY_WEB_DIR ${PROJECT_BINARY_DIR}/web)
set(PARLEY_WEB_PACK ${PARLEY_WEB_DIR}/web.pack)
file(MAKE_DIRECTORY ${PARLEY_WEB_DIR})

if(PARLEY_WEB)
  find_program(PARLEY_NODE NAMES node nodejs)
  find_program(PARLEY_NPM npm)
  if(NOT PARLEY_NODE OR NOT PARLEY_NPM)
    message(FATAL_ERROR "The web app needs Node.js 18 or newer and npm (Debian: nodejs npm; "
      "tools/install_packages.sh build installs them). Without it: cmake -DPARLEY_WEB=OFF")
  endif()
  file(GLOB_RECURSE PARLEY_WEB_SOURCES CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/web/src/* ${PROJECT_SOURCE_DIR}/web/public/*)
  list(FILTER PARLEY_WEB_SOURCES EXCLUDE REGEX "\\.test\\.tsx?$")
  file(GLOB PARLEY_WEB_SETTINGS CONFIGURE_DEPENDS
    ${PROJECT_SOURCE_DIR}/web/index.html ${PROJECT_SOURCE_DIR}/web/vite.config.ts
    ${PROJECT_SOURCE_DIR}/web/tsconfig*.json ${PROJECT_SOURCE_DIR}/web/mock/*.ts)
  # Packages only when their list changes; the app when anything of it does.
  add_custom_command(OUTPUT ${PARLEY_WEB_DIR}/packages.stamp
    COMMAND ${CMAKE_COMMAND} -DTASK=packages -DNPM=${PARLEY_NPM} -DNODE=${PARLEY_NODE}
      -DWEB=${PROJECT_SOURCE_DIR}/web -P ${PROJECT_SOURCE_DIR}/cmake/run_npm.cmake
    COMMAND ${CMAKE_COMMAND} -E touch ${PARLEY_WEB_DIR}/packages.stamp
    DEPENDS ${PROJECT_SOURCE_DIR}/web/package.json ${PROJECT_SOURCE_DIR}/web/package-lock.json
      ${PROJECT_SOURCE_DIR}/cmake/run_npm.cmake
    COMMENT "Installing the packages of the web app (npm ci)" VERBATIM)
  add_custom_command(OUTPUT ${PARLEY_WEB_PACK}
    COMMAND ${CMAKE_COMMAND} -DTASK=build -DNPM=${PARLEY_NPM} -DNODE=${PARLEY_NODE}
      -DWEB=${PROJECT_SOURCE_DIR}/web -DOUT=${PARLEY_WEB_DIR}/dist
      -P ${PROJECT_SOURCE_DIR}/cmake/run_npm.cmake
    COMMAND ${PARLEY_NODE} ${PROJECT_SOURCE_DIR}/cmake/pack_web.mjs ${PARLEY_WEB_DIR}/dist
      ${PARLEY_WEB_PACK}
    DEPENDS ${PARLEY_WEB_DIR}/packages.stamp ${PARLEY_WEB_SOURCES} ${PARLEY_WEB_SETTINGS}
      ${PROJECT_SOURCE_DIR}/cmake/pack_web.mjs
    COMMENT "Building the web app (npm run build)" VERBATIM)
else()
  file(TOUCH ${PARLEY_WEB_DIR}/empty.pack)
  set(PARLEY_WEB_PACK ${PARLEY_WEB_DIR}/empty.pack)
endif()

# One object whose read-only data is the pack.
configure_file(${PROJECT_SOURCE_DIR}/cmake/web_pack.cc.in ${PARLEY_WEB_DIR}/web_pack.cc @ONLY)
set_source_files_properties(${PARLEY_WEB_DIR}/web_pack.cc PROPERTIES OBJECT_DEPENDS
  ${PARLEY_WEB_PACK})
add_library(parley_web STATIC ${PARLEY_WEB_DIR}/web_pack.cc)
target_link_libraries(parley_web PUBLIC parley_options)
