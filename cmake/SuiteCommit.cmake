# Writes the commit of the sources into FILE, only when it has changed. Run at every build.
cmake_policy(VERSION 3.25)
# Without optional locks: a commit that is made meanwhile must not fail for a build.
execute_process(COMMAND ${CMAKE_COMMAND} -E env GIT_OPTIONAL_LOCKS=0 git -C ${ROOT} describe --always --dirty --abbrev=12 --exclude=*
                OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET
                RESULT_VARIABLE code)
if(NOT code EQUAL 0)
  set(commit "")
endif()
file(CONFIGURE OUTPUT ${FILE} CONTENT "${commit}\n" @ONLY)
