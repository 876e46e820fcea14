#include "engine/scene/figure.h"

#include <algorithm>

namespace sac::engine {

namespace {

// Lengths in heights of the figure.
constexpr float thigh = 0.235f, shin = 0.225f, hip_width = 0.055f, torso = 0.27f, shoulder_width = 0.115f;
constexpr float upper_arm = 0.155f, forearm = 0.14f, foot = 0.075f, head_radius = 0.085f;

float swing(float phase) { return std::sin(2 * pi * phase); }

Pose standing() {
    Pose pose;
    for (int side = 0; side < 2; ++side) {
        pose.arm_out[side] = 0.12f;
        pose.elbow[side] = 0.15f;
        pose.apart[side] = 0.04f;
    }
    return pose;
}

// Both gaits: legs and arms swing against each other, a knee bends while its leg comes forward.
Pose stride(float gait, float leg, float knee, float arm, float elbow, float lean) {
    Pose pose = standing();
    for (int side = 0; side < 2; ++side) {
        const float phase = gait + 0.5f * static_cast<float>(side);
        pose.hip[side] = leg * swing(phase) + 0.12f * leg;
        pose.knee[side] = 0.12f + knee * std::max(0.f, swing(phase + 0.22f)) * std::max(0.f, swing(phase + 0.22f));
        pose.ankle[side] = 0.25f * swing(phase + 0.1f);
        pose.shoulder[side] = -arm * swing(phase);
        pose.elbow[side] = elbow + 0.25f * arm * swing(phase + 0.5f);
    }
    pose.spine = lean;
    pose.twist = 0.18f * arm * swing(gait);
    return pose;
}

Pose seated(float seconds) {
    Pose pose = standing();
    for (int side = 0; side < 2; ++side) {
        pose.hip[side] = 1.5f;
        pose.knee[side] = 0.75f;
        pose.apart[side] = 0.18f;
        pose.shoulder[side] = 0.55f;
        pose.elbow[side] = 0.7f;
    }
    pose.spine = 0.12f + 0.02f * swing(seconds / 3);
    pose.head = 0.1f;
    return pose;
}

Pose lying() {
    Pose pose = standing();
    pose.lean = pi / 2;
    pose.shoulder[0] = 2.3f;
    pose.shoulder[1] = 1.1f;
    pose.arm_out[0] = 0.5f;
    pose.arm_out[1] = 0.7f;
    pose.elbow[0] = 0.8f;
    pose.elbow[1] = 1.1f;
    pose.knee[0] = 0.5f;
    pose.hip[0] = 0.3f;
    pose.apart[0] = pose.apart[1] = 0.16f;
    pose.head = -0.3f;
    return pose;
}

Pose crouching() {
    Pose pose = standing();
    for (int side = 0; side < 2; ++side) {
        pose.hip[side] = 1.25f;
        pose.knee[side] = 1.9f;
        pose.ankle[side] = 0.6f;
        pose.shoulder[side] = 0.5f;
    }
    pose.spine = 0.6f;
    return pose;
}

Pose jump(float seconds, float duration) {
    // Down, up through the air with the arms thrown up, and down again.
    constexpr float down = 0.2f, off = 0.38f, landed = 0.78f;
    const float t = seconds / duration;
    Pose low = standing(), high = standing();
    for (int side = 0; side < 2; ++side) {
        low.hip[side] = 0.85f;
        low.knee[side] = 1.4f;
        low.ankle[side] = 0.5f;
        low.shoulder[side] = -0.7f;
        high.shoulder[side] = 1.5f;
        high.arm_out[side] = 0.35f;
        high.hip[side] = 0.1f;
        high.knee[side] = 0.25f;
        high.ankle[side] = -0.6f;
    }
    low.spine = 0.45f;
    if (t < down) return blend(standing(), low, smooth(t / down));
    if (t < off) return blend(low, high, smooth((t - down) / (off - down)));
    if (t < landed) {
        const float s = (t - off) / (landed - off), bow = 4 * s * (1 - s);
        Pose pose = high;
        pose.lift = 0.3f * bow;
        for (int side = 0; side < 2; ++side) {
            pose.shoulder[side] += 1.1f * bow;
            pose.knee[side] += 0.9f * bow;
            pose.hip[side] += 0.55f * bow;
        }
        return pose;
    }
    const float s = (t - landed) / (1 - landed);
    for (float &shoulder : low.shoulder) shoulder = 0.4f;
    return s < 0.45f ? blend(high, low, smooth(s / 0.45f)) : blend(low, standing(), smooth((s - 0.45f) / 0.55f));
}

Pose fall(float seconds, float duration) {
    constexpr float down = 0.75f, up = 1.2f;
    if (seconds < down) {
        // Slow at first, then as things fall.
        const float t = seconds / down;
        Pose pose = blend(standing(), lying(), t * t);
        for (int side = 0; side < 2; ++side) pose.knee[side] += 0.9f * 4 * t * (1 - t) * 0.5f;
        return pose;
    }
    if (seconds < duration - up) return lying();
    const float t = (seconds - (duration - up)) / up;
    return t < 0.55f ? blend(lying(), crouching(), smooth(t / 0.55f))
                     : blend(crouching(), standing(), smooth((t - 0.55f) / 0.45f));
}

Pose sit(float seconds, float duration) {
    constexpr float down = 0.8f, up = 0.7f;
    if (seconds < down) {
        const float t = seconds / down;
        return t < 0.5f ? blend(standing(), crouching(), smooth(2 * t))
                        : blend(crouching(), seated(0), smooth(2 * t - 1));
    }
    const float rest = duration - seconds;
    if (rest > up) return seated(seconds - down);
    const float t = 1 - rest / up;
    return t < 0.5f ? blend(seated(0), crouching(), smooth(2 * t)) : blend(crouching(), standing(), smooth(2 * t - 1));
}

// A capsule of radius `radius` from one joint to another; `flat` widens it along its x.
Part limb(uint8_t object, const Material &material, const Affine &joint, float length, float radius, float wide = 1) {
    Part part;
    part.mesh = Mesh::capsule;
    part.object = object;
    part.material = material;
    part.stretch = length / radius;
    part.place = joint * Affine::translation({0, -length / 2, 0}) * Affine::scaling({radius * wide, radius, radius});
    return part;
}

// How far a part reaches down.
float lowest(const Part &part) {
    const Affine &m = part.place;
    // Each column's y times a unit vector: an ellipsoid round each end.
    const float radius =
        std::sqrt(m.x.y * m.x.y + m.y.y * m.y.y + m.z.y * m.z.y) * (part.mesh == Mesh::ball ? 0.5f : 1);
    return m.origin.y - radius - std::abs(m.y.y) * part.stretch / 2;
}

}  // namespace

Pose blend(const Pose &from, const Pose &to, float t) {
    Pose out;
    for (int side = 0; side < 2; ++side) {
        out.hip[side] = lerp(from.hip[side], to.hip[side], t);
        out.knee[side] = lerp(from.knee[side], to.knee[side], t);
        out.ankle[side] = lerp(from.ankle[side], to.ankle[side], t);
        out.apart[side] = lerp(from.apart[side], to.apart[side], t);
        out.shoulder[side] = lerp(from.shoulder[side], to.shoulder[side], t);
        out.arm_out[side] = lerp(from.arm_out[side], to.arm_out[side], t);
        out.elbow[side] = lerp(from.elbow[side], to.elbow[side], t);
        out.elbow_out[side] = lerp(from.elbow_out[side], to.elbow_out[side], t);
    }
    out.spine = lerp(from.spine, to.spine, t);
    out.head = lerp(from.head, to.head, t);
    out.lean = lerp(from.lean, to.lean, t);
    out.twist = lerp(from.twist, to.twist, t);
    out.sway = lerp(from.sway, to.sway, t);
    out.lift = lerp(from.lift, to.lift, t);
    return out;
}

Pose pose_of(Action action, float seconds, float duration, float gait) {
    switch (action) {
        case Action::walk: return stride(gait, 0.45f, 0.75f, 0.45f, 0.25f, 0.04f);
        case Action::run: {
            Pose pose = stride(gait, 0.85f, 1.7f, 0.9f, 1.5f, 0.28f);
            pose.lift = 0.045f * std::max(0.f, swing(2 * gait + 0.05f));
            return pose;
        }
        case Action::jump: return jump(seconds, duration);
        case Action::wave: {
            Pose pose = standing();
            pose.arm_out[1] = 1.75f;
            pose.elbow[1] = 0.1f;
            pose.elbow_out[1] = 0.95f + 0.6f * swing(1.6f * seconds);
            pose.sway = 0.03f * swing(1.6f * seconds);
            return pose;
        }
        case Action::turn: {
            Pose pose = stride(gait, 0.2f, 0.55f, 0.15f, 0.2f, 0);
            pose.twist = 0.35f * std::sin(pi * std::clamp(seconds / duration, 0.f, 1.f));
            return pose;
        }
        case Action::fall: return fall(seconds, duration);
        case Action::sit: return sit(seconds, duration);
        case Action::idle: break;
    }
    Pose pose = standing();
    pose.sway = 0.025f * swing(seconds / 3.1f);
    pose.spine = 0.02f * swing(seconds / 2.3f);
    pose.head = 0.06f * swing(seconds / 4.7f);
    return pose;
}

void add_figure(std::vector<Part> &parts, uint8_t object, const Build &build, const Pose &pose, Vec3 floor,
                float heading) {
    const size_t first = parts.size();
    const float girth = build.girth;
    // The body faces +z, its left is +x. Joints' y axes point up the limb, so limbs hang along -y.
    const Affine root = Affine::rotation_y(heading) * Affine::rotation_x(pose.lean) * Affine::rotation_z(-pose.sway);
    const Affine pelvis = root * Affine::translation({0, thigh + shin + 0.03f, 0});
    const Affine waist = pelvis * Affine::rotation_x(pose.spine);
    const Affine chest = waist * Affine::translation({0, torso, 0}) * Affine::rotation_y(pose.twist);

    parts.push_back(
        limb(object, build.trousers, pelvis * Affine::translation({0, 0.05f, 0}), 0.05f, 0.068f * girth, 1.3f));
    parts.push_back(
        limb(object, build.shirt, chest * Affine::translation({0, -0.03f, 0}), torso - 0.1f, 0.075f * girth, 1.35f));
    const Affine neck = chest * Affine::translation({0, 0.035f, 0}) * Affine::rotation_x(pose.head);
    parts.push_back(limb(object, build.skin, neck * Affine::translation({0, 0.05f, 0}), 0.06f, 0.03f));
    const Affine head = neck * Affine::translation({0, 0.05f + head_radius, 0});
    Part ball;
    ball.mesh = Mesh::ball;
    ball.object = object;
    ball.material = build.skin;
    ball.place = head * Affine::scaling({1.75f * head_radius, 2.1f * head_radius, 1.9f * head_radius});
    parts.push_back(ball);
    ball.material = build.hair;  // a cap, a little larger than the skull and further back
    ball.place = head * Affine::translation({0, 0.022f, -0.016f}) *
                 Affine::scaling({1.84f * head_radius, 1.95f * head_radius, 1.86f * head_radius});
    parts.push_back(ball);
    Material eyes;
    eyes.a = eyes.b = {0.02f, 0.02f, 0.03f};
    for (const float out : {-0.03f, 0.03f})
        parts.push_back(limb(object, eyes, head * Affine::translation({out, 0.005f, 0.074f}), 0, 0.0115f));

    for (int side = 0; side < 2; ++side) {
        const float out = side == 0 ? 1.f : -1.f;
        const Affine hip = pelvis * Affine::translation({out * hip_width * girth, 0, 0}) *
                           Affine::rotation_z(out * pose.apart[side]) * Affine::rotation_x(-pose.hip[side]);
        const Affine knee = hip * Affine::translation({0, -thigh, 0}) * Affine::rotation_x(pose.knee[side]);
        const Affine ankle = knee * Affine::translation({0, -shin, 0}) * Affine::rotation_x(-pose.ankle[side]);
        parts.push_back(limb(object, build.trousers, hip, thigh, 0.052f * girth));
        parts.push_back(limb(object, build.trousers, knee, shin, 0.04f * girth));
        const Affine sole = ankle * Affine::translation({0, 0, foot - 0.02f}) * Affine::rotation_x(pi / 2);
        parts.push_back(limb(object, build.shoes, sole, foot, 0.03f, 1.15f));

        const Affine shoulder = chest * Affine::translation({out * shoulder_width * (0.6f + 0.4f * girth), -0.02f, 0}) *
                                Affine::rotation_z(out * pose.arm_out[side]) * Affine::rotation_x(-pose.shoulder[side]);
        const Affine elbow = shoulder * Affine::translation({0, -upper_arm, 0}) *
                             Affine::rotation_z(out * pose.elbow_out[side]) * Affine::rotation_x(-pose.elbow[side]);
        parts.push_back(limb(object, build.shirt, shoulder, upper_arm, 0.036f * girth));
        parts.push_back(limb(object, build.shirt, elbow, forearm * 0.8f, 0.03f * girth));
        const Affine wrist = elbow * Affine::translation({0, -forearm, 0});
        parts.push_back(limb(object, build.skin, wrist, 0.02f, 0.032f));
    }

    float bottom = INFINITY;
    for (size_t i = first; i < parts.size(); ++i) bottom = std::min(bottom, lowest(parts[i]));
    const Affine stand = Affine::translation({floor.x, (pose.lift - bottom) * build.height, floor.z}) *
                         Affine::scaling({build.height, build.height, build.height});
    for (size_t i = first; i < parts.size(); ++i) parts[i].place = stand * parts[i].place;
}

}  // namespace sac::engine
