target_compile_definitions(builtin PRIVATE TRELLIS_VERSION="${PROJECT_VERSION}")
