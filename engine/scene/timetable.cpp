#include <algorithm>
#include <optional>

#include "engine/scene/figure.h"

namespace sac::engine {

namespace {

constexpr float period = 60;  // seconds after which a timetable repeats itself, at least
constexpr float blend_time = 0.25f;
constexpr float walk_stride = 0.8f, run_stride = 1.45f;  // heights a turn of the gait
constexpr float walk_rate = 1.05f, run_rate = 1.5f;      // turns a second

bool moves(Action action) { return action == Action::walk || action == Action::run; }

float heading_of(Vec3 direction) { return std::atan2(direction.x, direction.z); }

// The difference of two headings, within half a turn.
float wrapped(float angle) { return angle - 2 * pi * std::round(angle / (2 * pi)); }

// The distance of two lines on the floor, by their ends and by points along the first: exact enough to keep off.
float distance(Vec3 a, Vec3 b, const Obstacle &obstacle) {
    const auto to_obstacle = [&](Vec3 p) {
        const Vec3 along = obstacle.b - obstacle.a;
        const float squared = dot(along, along);
        const float t = squared > 0 ? std::clamp(dot(p - obstacle.a, along) / squared, 0.f, 1.f) : 0;
        return length(p - (obstacle.a + along * t));
    };
    float nearest = INFINITY;
    for (int i = 0; i <= 12; ++i) nearest = std::min(nearest, to_obstacle(lerp(a, b, static_cast<float>(i) / 12)));
    return nearest;
}

// Plans one timetable, segment by segment.
class Planner {
public:
    Planner(Random random, Vec3 home, float heading, float height, float range, const std::vector<Obstacle> &obstacles)
        : random_(random),
          home_(home),
          height_(height),
          range_(range),
          obstacles_(obstacles),
          at_(home),
          heading_(heading) {}

    std::vector<Segment> run(Action first) {
        begin(first);
        const Segment start = segments_.front();
        while (time_ < period) act(choose());
        // Back to where it began, so that it can begin again.
        go_to(start.from, Action::walk);
        turn_to(start.heading_from);
        return std::move(segments_);
    }

private:
    void begin(Action first) {
        if (moves(first)) {
            const std::optional<Vec3> to = free_target(first);
            if (to) {
                heading_ = heading_of(*to - at_);
                go_to(*to, first);
                // Second 0 is on the way: the line is moved back so that home is passed then.
                Segment &segment = segments_.front();
                const float done = random_.uniform(0.1f, 0.9f);
                const Vec3 back = (segment.to - segment.from) * done;
                segment.from = segment.from - back;
                segment.to = segment.to - back;
                at_ = segment.to;
                segment.start = -done * segment.duration;
                time_ = segment.start + segment.duration;
                return;
            }
            first = Action::idle;
        }
        act(first);
        Segment &segment = segments_.front();
        segment.start = -random_.uniform(0.1f, 0.9f) * segment.duration;
        time_ = segment.start + segment.duration;
    }

    // By how often an action begins; what it is given is about evened out by how long they last.
    Action choose() {
        for (;;) {
            float left = random_.uniform();
            constexpr float shares[action_count] = {0.13f, 0.2f, 0.19f, 0.17f, 0.1f, 0.09f, 0.06f, 0.06f};
            size_t action = 0;
            while (action + 1 < action_count && left >= shares[action]) left -= shares[action++];
            const auto chosen = static_cast<Action>(action);
            if (segments_.back().action != chosen) return chosen;
        }
    }

    void act(Action action) {
        switch (action) {
            case Action::walk:
            case Action::run:
                if (const std::optional<Vec3> to = free_target(action)) return go_to(*to, action);
                return stay(Action::idle, random_.uniform(1.2f, 2.5f));
            case Action::turn: return turn_to(heading_ + random_.sign() * random_.uniform(0.8f, pi));
            case Action::jump: return stay(action, random_.uniform(0.95f, 1.25f));
            case Action::wave: return stay(action, random_.uniform(1.6f, 3));
            case Action::fall: return stay(action, random_.uniform(2.8f, 3.8f));
            case Action::sit: return stay(action, random_.uniform(3, 4.5f));
            case Action::idle: return stay(action, random_.uniform(1.2f, 2.5f));
        }
    }

    void stay(Action action, float seconds) {
        add({action, time_, seconds, at_, at_, heading_, heading_, gait_, gait_});
    }

    void turn_to(float heading) {
        const float angle = wrapped(heading - heading_);
        if (std::abs(angle) < 0.02f) return;
        const float seconds = 0.45f + std::abs(angle) / 2.6f;
        add({Action::turn, time_, seconds, at_, at_, heading_, heading_ + angle, gait_, gait_ + seconds * 1.1f});
        heading_ += angle;
    }

    void go_to(Vec3 to, Action action) {
        const float distance_there = length(to - at_);
        if (distance_there < 0.01f * height_) return;
        turn_to(heading_of(to - at_));
        const bool runs = action == Action::run;
        const float turns = distance_there / (height_ * (runs ? run_stride : walk_stride));
        const float seconds = turns / (runs ? run_rate : walk_rate);
        add({action, time_, seconds, at_, to, heading_, heading_, gait_, gait_ + turns});
        at_ = to;
    }

    void add(const Segment &segment) {
        segments_.push_back(segment);
        time_ += segment.duration;
        gait_ = segment.gait_to;
    }

    std::optional<Vec3> free_target(Action action) {
        const bool runs = action == Action::run;
        const float step = height_ * (runs ? run_stride * run_rate : walk_stride * walk_rate);
        for (int attempt = 0; attempt < 60; ++attempt) {
            const float angle = random_.uniform(0, 2 * pi);
            const float seconds = runs ? random_.uniform(0.7f, 1.6f) : random_.uniform(1, 2.6f);
            const Vec3 to = at_ + Vec3{std::sin(angle), 0, std::cos(angle)} * (step * seconds);
            if (length(to - home_) > range_) continue;
            if (std::all_of(obstacles_.begin(), obstacles_.end(),
                            [&](const Obstacle &o) { return distance(at_, to, o) > o.radius + 0.25f * height_; }))
                return to;
        }
        return {};
    }

    Random random_;
    Vec3 home_;
    float height_, range_;
    const std::vector<Obstacle> &obstacles_;
    std::vector<Segment> segments_;
    Vec3 at_;
    float heading_, time_ = 0, gait_ = 0;
};

}  // namespace

Timetable Timetable::plan(Random random, Action first, Vec3 home, float heading, float height, float range,
                          const std::vector<Obstacle> &obstacles) {
    Timetable table;
    table.segments_ = Planner(random, home, heading, height, range, obstacles).run(first);
    return table;
}

Timetable::Moment Timetable::at(float seconds) const {
    const float start = segments_.front().start;
    const float total = segments_.back().start + segments_.back().duration - start;
    // Taken as it is in the first round, where segments' starts are exact.
    const float rounds = std::floor((seconds - start) / total);
    const float time = rounds == 0 ? seconds : seconds - total * rounds;
    const auto after = std::upper_bound(segments_.begin() + 1, segments_.end(), time,
                                        [](float t, const Segment &segment) { return t < segment.start; });
    const Segment &now = *(after - 1);
    const Segment &before = after - 1 == segments_.begin() ? segments_.back() : *(after - 2);

    const float into = time - now.start, share = std::clamp(into / now.duration, 0.f, 1.f);
    Moment moment;
    moment.action = now.action;
    moment.floor = lerp(now.from, now.to, share);
    moment.heading = lerp(now.heading_from, now.heading_to, smooth(share));
    moment.pose = pose_of(now.action, into, now.duration, lerp(now.gait_from, now.gait_to, share));
    if (into < blend_time) {
        const Pose last = pose_of(before.action, before.duration, before.duration, before.gait_to);
        moment.pose = blend(last, moment.pose, smooth(into / blend_time));
    }
    return moment;
}

}  // namespace sac::engine
