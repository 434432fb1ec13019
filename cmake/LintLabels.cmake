# `ctest -L security` is an unanchored regular expression: no label of another phase's tests may
# contain a phase's name, and each phase has its catalogue's number of cases.
cmake_policy(VERSION 3.25)
set(phases infrastructure security chaos performance monitoring integration)
set(sizes 45 55 65 70 80 15)
foreach(phase size IN ZIP_LISTS phases sizes)
  execute_process(COMMAND ${CTEST} --test-dir ${BUILD} -N -L ${phase} OUTPUT_VARIABLE out
                  RESULT_VARIABLE code)
  string(REGEX MATCHALL "Test +#[0-9]+: [^\n]+" tests "${out}")
  set(own 0)
  foreach(test IN LISTS tests)
    if(NOT test MATCHES ": ${phase}\\.")
      message(FATAL_ERROR "-L ${phase} selects ${test}")
    endif()
    math(EXPR own "${own} + 1")
  endforeach()
  math(EXPR want "${size} + 3")  # preflight, sweep, gate
  if(NOT code EQUAL 0 OR NOT own EQUAL want)
    message(FATAL_ERROR "-L ${phase} selects ${own} tests, not ${want}")
  endif()
endforeach()
