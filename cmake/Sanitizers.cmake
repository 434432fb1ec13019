# PAWK8S_SANITIZE: empty, "address,undefined" or "thread".
set(PAWK8S_SANITIZE "" CACHE STRING "Sanitizers for every target of the project")
add_library(pawk8s_sanitizers INTERFACE)
if(PAWK8S_SANITIZE)
  include(CheckCXXSourceCompiles)
  set(CMAKE_REQUIRED_FLAGS "-fsanitize=${PAWK8S_SANITIZE}")
  check_cxx_source_compiles("int main() { return 0; }" PAWK8S_SANITIZER_WORKS)
  unset(CMAKE_REQUIRED_FLAGS)
  if(NOT PAWK8S_SANITIZER_WORKS)
    message(FATAL_ERROR "This compiler cannot link with -fsanitize=${PAWK8S_SANITIZE}; "
                        "install its sanitizer runtime or use the preset 'dev'.")
  endif()
  target_compile_options(pawk8s_sanitizers INTERFACE
    -fsanitize=${PAWK8S_SANITIZE} -fno-sanitize-recover=all -fno-omit-frame-pointer
    # GCC 12 sees uninitialised values in instrumented code that has none.
    -Wno-maybe-uninitialized)
  target_link_options(pawk8s_sanitizers INTERFACE -fsanitize=${PAWK8S_SANITIZE})
endif()
