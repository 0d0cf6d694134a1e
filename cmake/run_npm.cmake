# cmake -DTASK=packages|build -DNPM=… -DNODE=… -DWEB=… [-DOUT=…] -P run_npm.cmake
# Runs npm quietly; when it fails, its words and what to do.
execute_process(COMMAND ${NODE} --version OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE)
string(REGEX REPLACE "^v([0-9]+).*" "\\1" major "${version}")
if(NOT major MATCHES "^[0-9]+$" OR major LESS 18)
  message(FATAL_ERROR "The web app needs Node.js 18 or newer; ${NODE} is '${version}'. "
    "Without the app: cmake -DPARLEY_WEB=OFF")
endif()
if(TASK STREQUAL packages)
  # npm writes this file when all is there; somebody who works on the app has done it already.
  set(installed ${WEB}/node_modules/.package-lock.json)
  if(EXISTS ${installed} AND NOT ${WEB}/package-lock.json IS_NEWER_THAN ${installed} AND
     NOT ${WEB}/package.json IS_NEWER_THAN ${installed})
    return()
  endif()
  set(command ${NPM} ci --no-audit --no-fund --loglevel=error)
else()
  set(command ${NPM} run build --silent -- --outDir ${OUT} --emptyOutDir --logLevel warn)
endif()
execute_process(COMMAND ${command} WORKING_DIRECTORY ${WEB} RESULT_VARIABLE result
  OUTPUT_VARIABLE words ERROR_VARIABLE words)
if(NOT result EQUAL 0)
  list(JOIN command " " command)
  set(hint "")
  if(TASK STREQUAL packages)
    set(hint "npm needs its registry once, for the packages of web/package-lock.json. ")
  endif()
  message(FATAL_ERROR "The web app was not built: `${command}` in ${WEB} failed (${result}):\n"
    "${words}\n${hint}To build parley without the web app: cmake -DPARLEY_WEB=OFF build")
endif()
