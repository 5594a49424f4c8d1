# The firmware's own C library and OpenSSL: a pinned sysroot of Debian 13 packages (fetch, packages.lock). The machine's
# packages have no post-quantum algorithms and must not leak in: with --sysroot alone the compiler would still find the
# machine's start files and libcrypto.a, so -B and -L name the sysroot's folder first.
#
# Programs are static-pie. With sanitizers they cannot be static: then they run on the sysroot's own dynamic loader and
# libc, with OpenSSL still static, so that what is tested is the same code. Compiler and sanitizer run time are the
# machine's.
set(FIRMWARE_SYSROOT_FOLDER ${PROJECT_SOURCE_DIR}/build/sysroot CACHE PATH "Where the firmware's sysroots are made")
execute_process(COMMAND dpkg --print-architecture OUTPUT_VARIABLE architecture OUTPUT_STRIP_TRAILING_WHITESPACE
    COMMAND_ERROR_IS_FATAL ANY)
execute_process(COMMAND ${CMAKE_CURRENT_LIST_DIR}/fetch ${FIRMWARE_SYSROOT_FOLDER} ${architecture}
    COMMAND_ERROR_IS_FATAL ANY)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/packages.lock)

set(sysroot ${FIRMWARE_SYSROOT_FOLDER}/${architecture})
file(GLOB loader ${sysroot}/usr/lib*/ld-linux-*.so.2 ${sysroot}/usr/lib/ld-linux-*.so.1)
set(libraries ${sysroot}/usr/lib/${CMAKE_LIBRARY_ARCHITECTURE})

# Headers of the machine that have no code behind them in the firmware (PKCS#11's types), and CUnit, which only tests use.
# Each through a link of its own, since /usr/include as a whole would bring the machine's OpenSSL.
set(firmware_headers ${CMAKE_BINARY_DIR}/firmware_headers)
file(MAKE_DIRECTORY ${firmware_headers})
find_path(P11KIT_FOLDER p11-kit/pkcs11.h HINTS ${P11KIT_INCLUDE_DIRS} REQUIRED)
file(CREATE_LINK ${P11KIT_FOLDER}/p11-kit ${firmware_headers}/p11-kit SYMBOLIC)
if(STRONGROOM_TESTS)
    find_path(CUNIT_FOLDER CUnit/Basic.h REQUIRED)
    file(CREATE_LINK ${CUNIT_FOLDER}/CUnit ${firmware_headers}/CUnit SYMBOLIC)
endif()

# What everything of the firmware is compiled and linked with.
add_library(firmware_flags INTERFACE)
# file-prefix-map: the image is measured, and must not depend on where it was built
target_compile_options(firmware_flags INTERFACE --sysroot=${sysroot}
    -ffile-prefix-map=${CMAKE_BINARY_DIR}=. -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
target_include_directories(firmware_flags SYSTEM INTERFACE ${firmware_headers})
target_link_options(firmware_flags INTERFACE --sysroot=${sysroot} -B${libraries} -L${libraries})
if(STRONGROOM_SANITIZE)
    # disable-new-dtags: the path then also serves the sanitizer libraries, which are the machine's
    target_link_options(firmware_flags INTERFACE
        -pie -Wl,--dynamic-linker=${loader} -Wl,--disable-new-dtags,-rpath,${libraries})
else()
    # no-warnings: glibc's, that dlopen() and getaddrinfo() in libcrypto.a would want shared libraries; nothing calls them
    target_link_options(firmware_flags INTERFACE -static-pie -Wl,--no-warnings)
endif()

add_library(firmware_openssl INTERFACE)
target_link_libraries(firmware_openssl INTERFACE
    ${libraries}/libssl.a ${libraries}/libcrypto.a ${libraries}/libz.a ${libraries}/libzstd.a firmware_flags)
add_library(firmware_protobuf_c INTERFACE)
target_link_libraries(firmware_protobuf_c INTERFACE ${libraries}/libprotobuf-c.a firmware_flags)
add_library(firmware_seccomp INTERFACE)
target_link_libraries(firmware_seccomp INTERFACE ${libraries}/libseccomp.a firmware_flags)

# add_firmware_library(<target> SOURCES <file>... USES <target>...): as add_folder_library, for the firmware.
function(add_firmware_library target)
    add_folder_library(${target} ${ARGN})
    target_link_libraries(${target} PUBLIC firmware_flags)
endfunction()

# add_firmware_records(<target> <file.proto>): as add_records, for the firmware. Both may be called for one file.
function(add_firmware_records target proto)
    get_filename_component(name ${proto} NAME_WE)
    set(out ${CMAKE_CURRENT_BINARY_DIR}/${target})
    add_custom_command(OUTPUT ${out}/${name}.pb-c.c ${out}/${name}.pb-c.h
        COMMAND ${CMAKE_COMMAND} -E make_directory ${out}
        COMMAND protoc-c --proto_path=${CMAKE_CURRENT_SOURCE_DIR} --c_out=${out} ${proto}
        DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${proto} VERBATIM)
    add_library(${target} STATIC ${out}/${name}.pb-c.c ${out}/${name}.pb-c.h)
    target_include_directories(${target} SYSTEM PUBLIC ${out})
    target_link_libraries(${target} PUBLIC firmware_protobuf_c)
    if(STRONGROOM_SANITIZE)
        target_compile_options(${target} PRIVATE -fsanitize=${STRONGROOM_SANITIZE})
    endif()
endfunction()

# add_firmware_program(<target> SOURCES <file>... USES <target>...): an executable of the firmware.
function(add_firmware_program target)
    cmake_parse_arguments(ARG "" "" "SOURCES;USES" ${ARGN})
    add_executable(${target} ${ARG_SOURCES})
    set_property(TARGET ${target} PROPERTY POSITION_INDEPENDENT_CODE)   # no -pie of CMake's beside ours
    target_compile_options(${target} PRIVATE -fPIE)
    target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR})
    target_link_libraries(${target} PRIVATE ${ARG_USES} build_flags firmware_flags)
endfunction()

# add_firmware_test(<name> SOURCES <file>... USES <target>... [TIMEOUT s]): as add_unit_test, linked as the firmware is.
function(add_firmware_test name)
    cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;USES" ${ARGN})
    if(NOT ARG_TIMEOUT)
        set(ARG_TIMEOUT 120)
    endif()
    if(NOT TARGET fw_test_harness)
        find_library(CUNIT_ARCHIVE libcunit.a REQUIRED)
        add_library(fw_test_harness STATIC ${PROJECT_SOURCE_DIR}/tests/unit/harness.c)
        target_include_directories(fw_test_harness PUBLIC ${PROJECT_SOURCE_DIR})
        target_compile_definitions(fw_test_harness PUBLIC STRONGROOM_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
        target_link_libraries(fw_test_harness PUBLIC fw_base ${CUNIT_ARCHIVE} PRIVATE build_flags)
    endif()
    add_firmware_program(${name} SOURCES ${ARG_SOURCES} USES fw_test_harness ${ARG_USES})
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS unit)
endfunction()
