target_compile_definitions(host PUBLIC TRELLIS_VERSION="${PROJECT_VERSION}")
target_link_libraries(host PRIVATE PkgConfig::sodium)
