#pragma once
// A walking figure: a skeleton, the poses of its actions, and a timetable of them.

#include "engine/scene/frame.h"
#include "engine/scene/random.h"

namespace sac::engine {

/// Joint angles. Positive is forward (hips, shoulders), bent (knees, elbows) or outwards (arms away from the body, legs
/// apart). [0] is left, [1] right.
struct Pose {
    float hip[2] = {}, knee[2] = {}, ankle[2] = {}, apart[2] = {};
    float shoulder[2] = {}, arm_out[2] = {}, elbow[2] = {}, elbow_out[2] = {};
    float spine = 0, head = 0;  ///< bent forward
    float lean = 0;             ///< of the whole body, forward about the feet
    float twist = 0;            ///< of the chest, to the left
    float sway = 0;             ///< of the whole body, to the left
    float lift = 0;             ///< of the lowest point above the floor, in heights
};

/// The pose `seconds` into an action of `duration` seconds. `gait`: the phase of the steps, one turn for two of them.
Pose pose_of(Action action, float seconds, float duration, float gait);
Pose blend(const Pose &from, const Pose &to, float t);

/// How a figure looks.
struct Build {
    float height = 1.7f, girth = 1;  ///< meters; 1 is usual
    Material shirt, trousers, skin, hair, shoes;
};

/// Appends the parts of a figure that stands at `floor` (y is not read), facing `heading` (0 is +z, a quarter turn +x).
/// The lowest part touches the floor unless the pose lifts it.
void add_figure(std::vector<Part> &parts, uint8_t object, const Build &build, const Pose &pose, Vec3 floor,
                float heading);

/// One entry of a timetable: from `start` on for `duration` seconds.
struct Segment {
    Action action = Action::idle;
    float start = 0, duration = 1;
    Vec3 from, to;                           ///< on the floor; the same unless it walks or runs
    float heading_from = 0, heading_to = 0;  ///< the same unless it turns
    float gait_from = 0, gait_to = 0;        ///< phase of the steps
};

/// A disc or a walked line on the floor that figures keep off.
struct Obstacle {
    Vec3 a, b;
    float radius = 0;
};

/// What a figure does when: without end, by repeating itself. Labels change exactly at a segment's start.
class Timetable {
public:
    /// Starts with `first` at a random point of it, at `home` at second 0. Walked lines keep off the obstacles and
    /// within `range` meters of home.
    static Timetable plan(Random random, Action first, Vec3 home, float heading, float height, float range,
                          const std::vector<Obstacle> &obstacles);

    struct Moment {
        Action action = Action::idle;
        Pose pose;
        Vec3 floor;
        float heading = 0;
    };
    Moment at(float seconds) const;
    /// In order of time; the first begins at or before 0.
    const std::vector<Segment> &segments() const { return segments_; }

private:
    std::vector<Segment> segments_;
};

}  // namespace sac::engine
