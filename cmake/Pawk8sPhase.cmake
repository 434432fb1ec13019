# pawk8s_add_phase(<phase> SOURCES <suite>_test.cc ...)
# The only place that registers cases. The catalogue (fixtures/catalogue/<phase>.yaml) is the
# specification; the executable's tests are compared with it after every link, and CaseProperties
# gives ctest each case's labels, or a failing test where the catalogue has a case that no source
# implements yet (cmake/CaseProperties.cmake).
include(GoogleTest)

function(pawk8s_add_phase phase)
  cmake_parse_arguments(arg "" "" "SOURCES" ${ARGN})
  set(target pawk8s_${phase})
  set(catalogue ${PROJECT_SOURCE_DIR}/fixtures/catalogue/${phase}.yaml)
  set(properties ${CMAKE_CURRENT_BINARY_DIR}/CaseProperties.cmake)

  add_executable(${target} ${PROJECT_SOURCE_DIR}/lib/pawk8s/testing/phase_main.cc ${arg_SOURCES})
  target_link_libraries(${target} PRIVATE
    pawk8s::testing pawk8s_warnings pawk8s_sanitizers)
  target_compile_definitions(${target} PRIVATE PAWK8S_PHASE="${phase}")

  add_custom_command(OUTPUT ${properties}
    COMMAND pawk8s-catalogue properties ${catalogue} ${properties}
      --discovered ${target}_discovered --pawk8s $<TARGET_FILE:pawk8s>
      --script ${PROJECT_SOURCE_DIR}/cmake/CaseProperties.cmake
    DEPENDS ${catalogue} pawk8s-catalogue
    VERBATIM)
  add_custom_target(${target}_properties ALL DEPENDS ${properties})
  add_custom_command(TARGET ${target} POST_BUILD
    COMMAND pawk8s-catalogue compare ${catalogue} $<TARGET_FILE:${target}>
    VERBATIM)
  set_property(TARGET ${target} APPEND PROPERTY LINK_DEPENDS ${catalogue})
  add_dependencies(${target} ${target}_properties pawk8s pawk8s-catalogue)

  gtest_discover_tests(${target}
    TEST_PREFIX ${phase}.
    TEST_LIST ${target}_discovered
    DISCOVERY_MODE PRE_TEST
    DISCOVERY_TIMEOUT 60)
  set_property(DIRECTORY APPEND PROPERTY TEST_INCLUDE_FILES ${properties})
endfunction()
