# The tests drive the server with an independent client, and sign certificates.
if(TRELLIS_TESTS AND tests)
  cmake_language(DEFER CALL target_link_libraries net_test PRIVATE OpenSSL::Crypto)
endif()
