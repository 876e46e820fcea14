// Where in the work a workgroup stands.
//
// Every kernel's push constants begin with `uint group_base`, the number of workgroups along x that other dispatches
// of the same work take before this one. It lets a dispatch be split by rows (to keep to a slice of time, or to
// maxComputeWorkGroupCount) without another pipeline. A kernel therefore never reads gl_WorkGroupID.x itself.
#ifndef SAC_DISPATCH_GLSL
#define SAC_DISPATCH_GLSL

// The members a kernel declares after `uint group_base;` are its own:
//   PUSH { uint group_base; uint count; ... } pc;
#define PUSH layout(push_constant) uniform Push

#define GROUP_X (gl_WorkGroupID.x + pc.group_base)
#define INVOCATION_X (GROUP_X * gl_WorkGroupSize.x + gl_LocalInvocationID.x)

// (a / b, a % b) of numbers below 2^31, exactly. CPU drivers divide integers one lane at a time, and are slow at turning
// unsigned numbers into floats. An estimate is off by less than one in 2^20 (the reciprocal may be by 2.5 ulp); what it
// leaves is divided once more, and that is off by one at most.
uvec2 divide(uint a, uint b) {
    const int divisor = int(b);
    const float inverse = 1.0 / float(divisor);
    int quotient = int(float(int(a)) * inverse);
    int remainder = int(a) - quotient * divisor;
    const int rest = int(float(remainder) * inverse);
    quotient += rest;
    remainder -= rest * divisor;
    const int step = remainder < 0 ? -1 : (remainder >= divisor ? 1 : 0);
    return uvec2(quotient + step, remainder - step * divisor);
}

#endif
