# What `cmake --install` puts where: libraries, headers, a CMake package, a pkg-config file, models and presets, man pages and
# completions.
include(CMakePackageConfigHelpers)

set_target_properties(xbartab_shared PROPERTIES EXPORT_NAME xbartab)
install(TARGETS xbartab_shared EXPORT xbartabTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES ${XBARTAB_ARCHIVE} DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(TARGETS xbartab RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(DIRECTORY src/include/xbartab ${CMAKE_BINARY_DIR}/include/xbartab
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(DIRECTORY devicemodels data DESTINATION ${CMAKE_INSTALL_DATADIR}/xbartab
  PATTERN "*.[ch]" EXCLUDE PATTERN trainer EXCLUDE)

install(DIRECTORY ${XBARTAB_MANUAL}/ DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 FILES_MATCHING PATTERN "*.1")
install(FILES ${XBARTAB_MANUAL}/xbartab.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME xbartab)
install(FILES ${XBARTAB_MANUAL}/_xbartab DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${XBARTAB_MANUAL}/xbartab.fish DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/xbartab)
install(EXPORT xbartabTargets NAMESPACE xbartab:: DESTINATION ${package_folder})
file(RELATIVE_PATH data_from_package /${package_folder} /${CMAKE_INSTALL_DATADIR}/xbartab)
file(WRITE ${CMAKE_BINARY_DIR}/xbartabConfig.cmake
"include(\${CMAKE_CURRENT_LIST_DIR}/xbartabTargets.cmake)
get_filename_component(xbartab_DATADIR \${CMAKE_CURRENT_LIST_DIR}/${data_from_package} ABSOLUTE) # models, presets, tiles
")
write_basic_package_version_file(${CMAKE_BINARY_DIR}/xbartabConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/xbartabConfig.cmake ${CMAKE_BINARY_DIR}/xbartabConfigVersion.cmake
  DESTINATION ${package_folder})

# The package finds its prefix from its own place, so that it may be moved.
file(RELATIVE_PATH prefix_from_pc /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(scripts/cmake/xbartab.pc.in ${CMAKE_BINARY_DIR}/xbartab.pc @ONLY)
install(FILES ${CMAKE_BINARY_DIR}/xbartab.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
