// The binary operators, chosen by OP: 0 add, 1 sub, 2 mul, 3 div, 4 max, 5 min, 6 pow.
#ifndef SAC_BINARY_GLSL
#define SAC_BINARY_GLSL

#if OP == 6
// GLSL leaves negative bases and 0^0 undefined; ONNX does not.
float power(float x, float y) {
    const float magnitude = y == 0.0 ? 1.0 : (x == 0.0 ? (y > 0.0 ? 0.0 : uintBitsToFloat(0x7f800000u)) : pow(abs(x), y));
    const bool whole = floor(y) == y;
    const bool odd = whole && 2.0 * floor(y / 2.0) != y;
    return x < 0.0 ? (whole ? (odd ? -magnitude : magnitude) : uintBitsToFloat(0x7fc00000u)) : magnitude;
}
#endif

vec4 combine(vec4 a, vec4 b) {
#if OP == 0
    return a + b;
#elif OP == 1
    return a - b;
#elif OP == 2
    return a * b;
#elif OP == 3
    return a / b;
#elif OP == 4
    return max(a, b);
#elif OP == 5
    return min(a, b);
#else
    return vec4(power(a.x, b.x), power(a.y, b.y), power(a.z, b.z), power(a.w, b.w));
#endif
}

#endif
