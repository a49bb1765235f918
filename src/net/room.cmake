# The tests drive the server with an independent client.
if(TRELLIS_TESTS AND tests)
  cmake_language(DEFER CALL target_link_libraries net_test PRIVATE CURL::libcurl OpenSSL::Crypto)
endif()
