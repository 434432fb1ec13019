# Included by ctest itself, through each phase's generated list of cases, before the tests of
# gtest_discover_tests get their properties: a case that the executable has gets its labels, one
# that it lacks becomes a failing test, and the phase's preflight, sweep and gate are added.
cmake_policy(VERSION 3.25)  # ctest runs included scripts without any policy

# pawk8s_case(<id> <Suite.Case> <impact> <quick> <needs>...)
function(pawk8s_case id test impact quick)
  set(name ${phase}.${test})
  string(REGEX REPLACE "\\..*" "" suite ${test})
  set(labels ${phase} suite:${suite} impact:${impact})
  foreach(need IN LISTS ARGN)
    list(APPEND labels needs:${need})
  endforeach()
  if(name IN_LIST discovered)
    if(quick)
      list(APPEND labels quick)
    endif()
  else()
    add_test(${name} ${pawk8s} not-implemented ${id})
    list(APPEND labels not-implemented)
  endif()
  # Budgets are enforced inside the process, where reverts still run; ctest's limit is the last net.
  set_tests_properties(${name} PROPERTIES
    LABELS "${labels}" TIMEOUT 1800 FIXTURES_REQUIRED ${phase}.cluster)
  # Writers alone, readers together; what is measured is measured alone.
  if(NOT impact STREQUAL read OR phase STREQUAL performance)
    set_tests_properties(${name} PROPERTIES RUN_SERIAL ON)
  endif()
  set(names ${names} ${name} PARENT_SCOPE)
endfunction()

function(pawk8s_frame)
  add_test(${phase}.preflight ${pawk8s} preflight ${phase})
  set_tests_properties(${phase}.preflight PROPERTIES
    LABELS "${phase};preflight" FIXTURES_SETUP ${phase}.cluster TIMEOUT 120)
  add_test(${phase}.sweep ${pawk8s} sweep ${phase})
  set_tests_properties(${phase}.sweep PROPERTIES
    LABELS "${phase};sweep" FIXTURES_CLEANUP ${phase}.cluster TIMEOUT 300)
  # No fixture: the gate judges even where preflight failed. DEPENDS only orders.
  add_test(${phase}.gate ${pawk8s} gate ${phase})
  set_tests_properties(${phase}.gate PROPERTIES
    LABELS "${phase};gate" RUN_SERIAL ON TIMEOUT 120 DEPENDS "${names};${phase}.sweep")
endfunction()
