target_link_libraries(engine PRIVATE OpenSSL::Crypto)
