# ccache, if installed, shares objects between presets and checkouts of the same sources.
find_program(PAWK8S_CCACHE ccache)
if(PAWK8S_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}
      CCACHE_NOHASHDIR=1 ${PAWK8S_CCACHE})
endif()
