target_compile_definitions(registry PRIVATE TRELLIS_VERSION="${PROJECT_VERSION}")
