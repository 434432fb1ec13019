# `cmake --install` and find_package(pawk8s) for suites of one's own.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

get_property(layers GLOBAL PROPERTY PAWK8S_LAYERS)
install(TARGETS ${layers} EXPORT pawk8s-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS pawk8s RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY lib/pawk8s DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h" PATTERN internal EXCLUDE)
install(DIRECTORY ${PROJECT_BINARY_DIR}/proto/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.pb.h")
install(DIRECTORY fixtures/catalogue fixtures/profiles
  DESTINATION ${CMAKE_INSTALL_DATADIR}/pawk8s)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/pawk8s)
install(EXPORT pawk8s-targets NAMESPACE pawk8s:: DESTINATION ${package_dir})
configure_package_config_file(cmake/pawk8s-config.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/pawk8s-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/pawk8s-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/pawk8s-config.cmake
  ${CMAKE_CURRENT_BINARY_DIR}/pawk8s-config-version.cmake DESTINATION ${package_dir})
