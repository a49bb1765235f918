# `make deb`: a Debian package with the programs, the actors they find by name, and a systemd unit.
install(FILES "${PROJECT_SOURCE_DIR}/deploy/systemd/trellis.service" DESTINATION lib/systemd/system)
install(FILES "${PROJECT_SOURCE_DIR}/deploy/systemd/trellis.env" DESTINATION /etc/trellis
        PERMISSIONS OWNER_READ OWNER_WRITE)  # it may hold seeds; systemd reads it as root
install(FILES "${PROJECT_SOURCE_DIR}/LICENSE" DESTINATION share/doc/trellis RENAME copyright)

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME trellis)
set(CPACK_PACKAGE_VENDOR Trellis)
set(CPACK_PACKAGE_CONTACT "Trellis <trellis@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "host for WebAssembly services, compatible with wasmCloud of 2022")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
    "Runs WebAssembly actors and capability providers, alone or with many hosts over NATS.\nwash is its command line.")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)   # the libraries the programs name, with their versions
set(CPACK_DEBIAN_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA
    "${PROJECT_SOURCE_DIR}/deploy/systemd/postinst;${PROJECT_SOURCE_DIR}/deploy/systemd/prerm;${PROJECT_SOURCE_DIR}/deploy/systemd/conffiles")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
include(CPack)
