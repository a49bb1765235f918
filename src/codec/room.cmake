# The tests compare with an independent msgpack (nlohmann-json) and generate their input (rapidcheck).
if(TRELLIS_TESTS AND tests)
  find_package(rapidcheck REQUIRED)
  find_package(nlohmann_json REQUIRED)
  cmake_language(DEFER CALL target_link_libraries codec_test PRIVATE
                 rapidcheck rapidcheck_gtest nlohmann_json::nlohmann_json)
endif()
