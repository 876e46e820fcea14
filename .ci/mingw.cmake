# Cross-compiles for Windows with Debian's MinGW. Vulkan's headers, protozero, nlohmann-json and stb are plain headers
# that hold for every system, but /usr/include as a whole does not: links to these alone make a sysroot.
set(CMAKE_SYSTEM_NAME Windows)
set(CMAKE_SYSTEM_PROCESSOR x86_64)
set(CMAKE_C_COMPILER x86_64-w64-mingw32-gcc-posix)
set(CMAKE_CXX_COMPILER x86_64-w64-mingw32-g++-posix)

set(sysroot ${CMAKE_CURRENT_LIST_DIR}/../build/mingw-sysroot)
file(MAKE_DIRECTORY ${sysroot}/include)
foreach(headers vulkan vk_video protozero nlohmann stb)
    if(NOT EXISTS ${sysroot}/include/${headers})
        file(CREATE_LINK /usr/include/${headers} ${sysroot}/include/${headers} SYMBOLIC)
    endif()
endforeach()
set(CMAKE_FIND_ROOT_PATH ${sysroot} /usr/x86_64-w64-mingw32)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
