target_compile_definitions(lattice PRIVATE TRELLIS_VERSION="${PROJECT_VERSION}")
target_link_libraries(lattice PRIVATE OpenSSL::SSL)
# The tests use libnats as a client that others wrote.
if(TRELLIS_TESTS)
  cmake_language(DEFER CALL target_link_libraries lattice_test PRIVATE PkgConfig::nats)
endif()
