# libarchive as its static library. The shared one brings an XML parser and 31 MB of Unicode tables, for
# formats that are never read here; of the static one only tar, gzip and what they refer to is linked.
find_library(TRELLIS_LIBARCHIVE NAMES libarchive.a REQUIRED)
find_path(TRELLIS_LIBARCHIVE_INCLUDE archive.h REQUIRED)
find_package(ZLIB REQUIRED)
add_library(libarchive STATIC IMPORTED)
set_target_properties(libarchive PROPERTIES
  IMPORTED_LOCATION "${TRELLIS_LIBARCHIVE}"
  INTERFACE_INCLUDE_DIRECTORIES "${TRELLIS_LIBARCHIVE_INCLUDE}"
  INTERFACE_LINK_LIBRARIES "ZLIB::ZLIB;bz2;lzma;lz4;zstd")
