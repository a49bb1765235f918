target_compile_definitions(lattice PRIVATE TRELLIS_VERSION="${PROJECT_VERSION}")
target_link_libraries(lattice PRIVATE OpenSSL::SSL)
# The tests use libnats as a client that others wrote; those with a real server borrow the bus that
# is made of it.
if(TRELLIS_TESTS)
  cmake_language(DEFER CALL target_link_libraries lattice_test PRIVATE PkgConfig::nats)
  cmake_language(DEFER CALL target_link_libraries lattice_real_test PRIVATE PkgConfig::nats)
  cmake_language(DEFER CALL target_sources lattice_real_test PRIVATE src/lattice/libnats_bus_test.cc)
endif()
