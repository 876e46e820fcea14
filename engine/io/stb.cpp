// The one place where stb's code is compiled (a system header, so that its warnings are not ours).
#define STB_IMAGE_IMPLEMENTATION
#define STB_IMAGE_WRITE_IMPLEMENTATION
#include "engine/io/stb.h"
