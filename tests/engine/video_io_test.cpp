// labels: host_only bad_input
// Videos: frames, times and sizes, and what is damaged.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>

#include "engine/io/source.h"
#include "engine/io/video.h"
#include "engine/io/video_writer.h"
#include "tests/engine/pictures.h"
#include "tests/support/files.h"

using namespace sac;
using namespace sac::engine;
using namespace sac::test;

namespace {

Image frame_picture(uint32_t width, uint32_t height, uint32_t index) {
    return flat(width, height, static_cast<uint8_t>(20 + 20 * index), static_cast<uint8_t>(220 - 20 * index), 128);
}

void write_clip(const std::string &path, uint32_t width, uint32_t height, uint32_t frames, double rate = 10) {
    auto writer = VideoWriter::create(path, width, height, rate);
    REQUIRE_MESSAGE(writer.ok(), writer.error().message);
    for (uint32_t i = 0; i < frames; ++i) REQUIRE((*writer)->write(frame_picture(width, height, i)).ok());
    REQUIRE((*writer)->finish().ok());
}

Image rgba_of(const Frame &frame) {
    Image image(frame.width, frame.height);
    std::copy_n(to_rgba(frame).get(), image.pixels.size(), image.pixels.data());
    return image;
}

// All frames until the end or an error.
struct Reading {
    std::vector<Frame> frames;
    Status status;
};
Reading read_all(const std::string &path) {
    Reading reading;
    auto video = Video::open(path);
    if (!video) {
        reading.status = video.error();
        return reading;
    }
    for (;;) {
        auto frame = (*video)->next();
        if (!frame) {
            reading.status = frame.error();
            return reading;
        }
        if (!*frame) return reading;
        reading.frames.push_back(std::move(**frame));
    }
}

}  // namespace

TEST_CASE("a lossless clip comes back frame by frame, as the decoder has it") {
    const TempDir dir;
    const std::string path = (dir / "clip.mkv").string();
    write_clip(path, 66, 34, 8);
    const Reading reading = read_all(path);
    REQUIRE(reading.status.ok());
    REQUIRE(reading.frames.size() == 8);
    for (uint32_t i = 0; i < 8; ++i) {
        const Frame &frame = reading.frames[i];
        CHECK(frame.format == PixelFormat::bgra);
        CHECK(frame.index == i);
        CHECK(std::abs(static_cast<double>(frame.timestamp_ns) - i * 1e8) < 2e6);  // the container counts milliseconds
        CHECK(frame.source == path);
        CHECK(largest_difference(rgba_of(frame), frame_picture(66, 34, i)) == 0);
    }
}

TEST_CASE("a compressed clip stays YUV until the GPU") {
    const TempDir dir;
    const std::string path = (dir / "clip.mp4").string();
    write_clip(path, 64, 48, 6);
    const auto video = Video::open(path);
    REQUIRE(video.ok());
    CHECK((*video)->estimated_frames() == 6);
    CHECK((*video)->frame_rate() == doctest::Approx(10));
    const Reading reading = read_all(path);
    REQUIRE(reading.status.ok());
    REQUIRE(reading.frames.size() == 6);
    for (uint32_t i = 0; i < 6; ++i) {
        CHECK(reading.frames[i].format == PixelFormat::i420);
        CHECK(largest_difference(rgba_of(reading.frames[i]), frame_picture(64, 48, i)) <= 6);
    }
}

TEST_CASE("frames may change their size midway") {
    const TempDir dir;
    std::vector<uint8_t> stream;  // Motion JPEG is nothing but one JPEG after another
    for (uint32_t i = 0; i < 9; ++i) {
        const uint32_t width = i < 4 ? 64 : 96, height = i < 4 ? 48 : 80;
        const auto jpeg = encode_jpeg(frame_picture(width, height, i), 95);
        REQUIRE(jpeg.ok());
        stream.insert(stream.end(), jpeg->begin(), jpeg->end());
    }
    write_bytes(dir / "clip.mjpeg", stream.data(), stream.size());
    const Reading reading = read_all((dir / "clip.mjpeg").string());
    REQUIRE(reading.status.ok());
    REQUIRE(reading.frames.size() == 9);
    for (uint32_t i = 0; i < 9; ++i) {
        CHECK(reading.frames[i].width == (i < 4 ? 64 : 96));
        CHECK(reading.frames[i].height == (i < 4 ? 48 : 80));
        CHECK(largest_difference(rgba_of(reading.frames[i]),
                                 frame_picture(reading.frames[i].width, reading.frames[i].height, i)) <= 8);
    }
}

TEST_CASE("what is no video is refused with file and reason") {
    const TempDir dir;
    const auto expect = [&](const std::string &name, Code code) {
        const auto video = Video::open((dir / name).string());
        REQUIRE(!video.ok());
        CAPTURE(video.error().message);
        CHECK(video.error().code == code);
        CHECK(video.error().message.find(name) != std::string::npos);
    };
    expect("missing.mp4", Code::not_found);
    write_text(dir / "empty.mp4", "");
    expect("empty.mp4", Code::invalid_file);
    write_text(dir / "text.mkv", std::string(5000, 'x'));
    expect("text.mkv", Code::invalid_file);
    // A WAV file has a stream, but not of pictures.
    std::vector<uint8_t> wav = {'R', 'I', 'F', 'F', 0x24, 0x08, 0,   0,   'W', 'A',  'V',  'E', 'f', 'm',  't',
                                ' ', 16,  0,   0,   0,    1,    0,   1,   0,   0x40, 0x1f, 0,   0,   0x80, 0x3e,
                                0,   0,   2,   0,   16,   0,    'd', 'a', 't', 'a',  0,    8,   0,   0};
    wav.resize(wav.size() + 2048, 0);
    write_bytes(dir / "sound.wav", wav.data(), wav.size());
    expect("sound.wav", Code::invalid_file);
    const auto sound = Video::open((dir / "sound.wav").string());
    CHECK(sound.error().message.find("no video stream") != std::string::npos);
    const auto source = Source::open((dir / "sound.wav").string());
    CHECK(source.error().message.find("sound.wav") != std::string::npos);
}

TEST_CASE("a clip cut anywhere gives frames or an error that names it, never a crash") {
    const TempDir dir;
    for (const std::string name : {"clip.mkv", "clip.mp4", "clip.avi"}) {
        write_clip((dir / name).string(), 64, 48, 5);
        const std::vector<uint8_t> whole = read_bytes(dir / name);
        CAPTURE(name);
        for (size_t step = 0; step < 12; ++step) {
            const std::string cut = "cut-" + name;
            write_bytes(dir / cut, whole.data(), whole.size() * step / 12);
            const Reading reading = read_all((dir / cut).string());
            CHECK(reading.frames.size() <= 5);
            if (!reading.status.ok()) CHECK(reading.status.error().message.find(cut) != std::string::npos);
            if (reading.frames.empty()) CHECK(!reading.status.ok());
        }
    }
}

TEST_CASE("what is missing from a clip is told, and the rest is read") {
    const TempDir dir;
    const auto remark_of = [](const std::string &path) {
        const auto source = Source::open(path);
        REQUIRE_MESSAGE(source.ok(), source.error().message);
        for (;;) {
            const auto frame = (*source)->next();
            REQUIRE_MESSAGE(frame.ok(), frame.error().message);
            if (!frame->has_value()) return (*source)->remark();
        }
    };
    const std::string path = (dir / "clip.avi").string();
    auto writer = VideoWriter::create(path, 64, 48, 10);
    REQUIRE(writer.ok());
    for (uint32_t i = 0; i < 40; ++i) REQUIRE((*writer)->write(pattern(64, 48)).ok());
    REQUIRE((*writer)->finish().ok());
    CHECK(remark_of(path).empty());

    const std::vector<uint8_t> bytes = read_bytes(path);
    write_bytes(dir / "cut.avi", bytes.data(), bytes.size() * 3 / 4);
    CHECK(remark_of((dir / "cut.avi").string()).find("cut.avi: is ") != std::string::npos);
}

TEST_CASE("a video of which nothing can be decoded is an error that names it") {
    const TempDir dir;
    std::vector<uint8_t> stream;
    for (uint32_t i = 0; i < 6; ++i) {
        auto jpeg = encode_jpeg(pattern(64, 48), 95);
        REQUIRE(jpeg.ok());
        std::fill(jpeg->begin() + 20, jpeg->end() - 2, uint8_t{0x11});  // begins and ends as a JPEG, and is none
        stream.insert(stream.end(), jpeg->begin(), jpeg->end());
    }
    write_bytes(dir / "nothing.mjpeg", stream.data(), stream.size());
    const Reading reading = read_all((dir / "nothing.mjpeg").string());
    CHECK(reading.frames.empty());
    REQUIRE(!reading.status.ok());
    CHECK(reading.status.error().code == Code::invalid_file);
    CHECK(reading.status.error().message.find("nothing.mjpeg") != std::string::npos);
}

TEST_CASE("a video that cannot be written is refused") {
    const TempDir dir;
    CHECK(VideoWriter::create((dir / "clip.webm").string(), 64, 48, 10).error().code == Code::unsupported);
    CHECK(VideoWriter::create((dir / "clip.mp4").string(), 63, 48, 10).error().code == Code::unsupported);
    CHECK(VideoWriter::create((dir / "no folder" / "clip.mkv").string(), 64, 48, 10).error().code == Code::io_error);
    const auto writer = VideoWriter::create((dir / "clip.mkv").string(), 64, 48, 10);
    REQUIRE(writer.ok());
    CHECK((*writer)->write(flat(32, 32, 0, 0, 0)).error().code == Code::invalid_argument);
}
