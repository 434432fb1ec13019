# pawk8s_layer(<name> [INTERFACE] SOURCES ... [PUBLIC ...] [PRIVATE ...])
# One static library a folder of lib/pawk8s, target pawk8s::<name>; an include may only point to a
# layer that stands in its PUBLIC or PRIVATE list (checked by the test lint.layers).
function(pawk8s_layer name)
  cmake_parse_arguments(arg "" "" "SOURCES;PUBLIC;PRIVATE" ${ARGN})
  add_library(pawk8s_${name} STATIC ${arg_SOURCES})
  add_library(pawk8s::${name} ALIAS pawk8s_${name})
  set_target_properties(pawk8s_${name} PROPERTIES EXPORT_NAME ${name})
  target_compile_features(pawk8s_${name} PUBLIC cxx_std_20)
  target_include_directories(pawk8s_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/lib> $<INSTALL_INTERFACE:include>)
  target_link_libraries(pawk8s_${name}
    PUBLIC ${arg_PUBLIC}
    PRIVATE ${arg_PRIVATE} $<BUILD_INTERFACE:pawk8s_warnings> $<BUILD_INTERFACE:pawk8s_sanitizers>)
  set_property(GLOBAL APPEND PROPERTY PAWK8S_LAYERS pawk8s_${name})
endfunction()
