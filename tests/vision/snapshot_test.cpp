// labels: host_only
// What a network gives becomes what a host may rely on.

#include "plugins/vision/snapshot.h"

#include <doctest/doctest.h>

#include <cmath>

using namespace sac;
using namespace sac::vision;

TEST_CASE("boxes lie within the frame, whatever the network says") {
    auto host = Host::create(nullptr);
    REQUIRE(host.ok());
    auto pool = SnapshotPool::create(**host, 2);
    REQUIRE(pool.ok());
    const Detection found[] = {
        {0, 0.9f, -5, 3, 700, 470},
        {1, 0.8f, NAN, -INFINITY, INFINITY, NAN},
    };
    SnapshotContent content;
    content.fields.width = 640;
    content.fields.height = 480;
    content.detections = found;
    content.labels = std::make_shared<const Labels>(Labels{"one"});
    REQUIRE((*pool)->publish(content).ok());
    const sac_snapshot *snapshot = (*pool)->acquire(0);
    REQUIRE(snapshot != nullptr);
    REQUIRE(snapshot->detection_count == 2);
    const sac_detection *boxes = snapshot->detections;
    CHECK(boxes[0].x1 == 0);
    CHECK(boxes[0].y1 == 3);
    CHECK(boxes[0].x2 == 640);
    CHECK(boxes[0].y2 == 470);
    CHECK(std::string(boxes[0].label) == "one");
    CHECK(boxes[1].x1 == 0);
    CHECK(boxes[1].y1 == 0);
    CHECK(boxes[1].x2 == 640);
    CHECK(boxes[1].y2 == 0);
    CHECK(std::string(boxes[1].label).empty());  // a class that the card does not name
    CHECK((*pool)->release(snapshot).ok());
}
