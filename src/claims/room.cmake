# The tests generate their input with rapidcheck.
if(TRELLIS_TESTS AND tests)
  find_package(rapidcheck REQUIRED)
  cmake_language(DEFER CALL target_link_libraries claims_test PRIVATE rapidcheck rapidcheck_gtest)
endif()
