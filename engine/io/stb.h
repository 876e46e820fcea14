#pragma once
// The declarations of stb that the engine uses. Its code is compiled in stb.cpp alone, without our warnings.

#define STBI_NO_STDIO
#define STBI_MAX_DIMENSIONS 65536
#define STBI_WRITE_NO_STDIO
#include <stb_image.h>
#include <stb_image_write.h>
