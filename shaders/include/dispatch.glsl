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

// (a / b, a % b) for a quotient below 2^21: integer division is one lane at a time on CPU drivers.
uvec2 divide(uint a, uint b) {
    uint quotient = uint(float(a) / float(b));
    int remainder = int(a - quotient * b);
    const int step = remainder < 0 ? -1 : (remainder >= int(b) ? 1 : 0);
    return uvec2(quotient + uint(step), uint(remainder - step * int(b)));
}

#endif
