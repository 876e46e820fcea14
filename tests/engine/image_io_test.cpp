// labels: host_only bad_input
// Stills: what is read is what was written, and damaged files give a sentence.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>

#include "engine/io/image.h"
#include "engine/io/source.h"
#include "tests/engine/pictures.h"
#include "tests/support/files.h"

using namespace sac;
using namespace sac::engine;
using namespace sac::test;

namespace {

// A binary PNM, PGM or PPM: stb reads them, and they are easy to write.
std::vector<uint8_t> pnm(const std::string &header, const std::vector<uint8_t> &data) {
    std::vector<uint8_t> bytes(header.begin(), header.end());
    bytes.insert(bytes.end(), data.begin(), data.end());
    return bytes;
}

// A PNG of one pixel with 16 bits a channel; the data is a stored block, and stb checks no checksums.
std::vector<uint8_t> deep_png(uint16_t red, uint16_t green, uint16_t blue) {
    const auto high = [](uint16_t v) { return static_cast<uint8_t>(v >> 8); };
    const auto low = [](uint16_t v) { return static_cast<uint8_t>(v & 255); };
    return {0x89, 'P',  'N',  'G', '\r',      '\n',     0x1a,        '\n',       0,          0,         0, 13,
            'I',  'H',  'D',  'R', 0,         0,        0,           1,          0,          0,         0, 1,
            16,   2,    0,    0,   0,         0,        0,           0,          0,  //
            0,    0,    0,    18,  'I',       'D',      'A',         'T',        0x78,       0x01,      1, 7,
            0,    0xf8, 0xff, 0,   high(red), low(red), high(green), low(green), high(blue), low(blue), 0, 0,
            0,    0,    0,    0,   0,         0,  //
            0,    0,    0,    0,   'I',       'E',      'N',         'D',        0,          0,         0, 0};
}

void expect_error(const Result<Image> &result, Code code, const std::string &name) {
    REQUIRE(!result.ok());
    CAPTURE(result.error().message);
    CHECK(result.error().code == code);
    CHECK(result.error().message.find(name) != std::string::npos);
}

}  // namespace

TEST_CASE("a PNG comes back as it was") {
    const TempDir dir;
    for (const auto &[w, h] : {std::pair{1u, 1u}, {37u, 5u}, {120u, 90u}}) {
        const Image image = pattern(w, h);
        const std::string path = (dir / "picture.png").string();
        REQUIRE(write_image(path, image).ok());
        const auto read = read_image(path);
        REQUIRE(read.ok());
        CHECK(largest_difference(*read, image) == 0);
    }
    CHECK(!std::filesystem::exists(dir / "picture.png.part"));
}

TEST_CASE("a JPEG comes back nearly as it was") {
    const TempDir dir;
    const std::string path = (dir / "picture.jpg").string();
    const Image image = flat(64, 48, 200, 90, 40);
    REQUIRE(write_image(path, image).ok());
    const auto read = read_image(path);
    REQUIRE(read.ok());
    CHECK(largest_difference(*read, image) <= 3);
}

TEST_CASE("greys are spread, 16 bits become 8, alpha is left out") {
    const auto grey = decode_image(pnm("P5\n3 2\n255\n", {0, 50, 100, 150, 200, 250}), "grey.pgm");
    REQUIRE(grey.ok());
    CHECK(grey->width == 3);
    CHECK(grey->height == 2);
    for (const int channel : {0, 1, 2}) CHECK(grey->at(1, 1)[channel] == 200);
    CHECK(grey->at(1, 1)[3] == 255);

    const auto deep = decode_image(deep_png(0x8000, 0x40ff, 0xffff), "deep.png");
    REQUIRE(deep.ok());
    CHECK(std::abs(deep->at(0, 0)[0] - 0x80) <= 1);
    CHECK(std::abs(deep->at(0, 0)[1] - 0x40) <= 1);
    CHECK(deep->at(0, 0)[2] == 255);
    expect_error(decode_image(pnm("P6\n1 1\n65535\n", {1, 2, 3, 4, 5, 6}), "deep.ppm"), Code::unsupported, "deep.ppm");

    // A TGA with alpha: one pixel, blue 10, green 20, red 30, alpha 0.
    const std::vector<uint8_t> tga = {0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0, 32, 8, 10, 20, 30, 0};
    const auto clear = decode_image(tga, "clear.tga");
    REQUIRE(clear.ok());
    CHECK(clear->at(0, 0)[0] == 30);
    CHECK(clear->at(0, 0)[2] == 10);
    CHECK(clear->at(0, 0)[3] == 255);
}

TEST_CASE("what is no picture is refused with file and reason") {
    const TempDir dir;
    expect_error(read_image((dir / "nothing.png").string()), Code::not_found, "nothing.png");
    expect_error(read_image(dir.path().string()), Code::io_error, dir.path().filename().string());
    write_text(dir / "empty.png", "");
    expect_error(read_image((dir / "empty.png").string()), Code::invalid_file, "empty.png");
    write_text(dir / "text.jpg", "This is not a JPEG, whatever its name says.");
    expect_error(read_image((dir / "text.jpg").string()), Code::invalid_file, "text.jpg");
    expect_error(decode_image(pnm("P6\n0 5\n255\n", {}), "zero.ppm"), Code::invalid_file, "zero.ppm");
    expect_error(decode_image(pnm("P5\n20000 1\n255\n", {}), "huge.pgm"), Code::unsupported, "20000");
}

TEST_CASE("a picture cut anywhere is an error or a whole picture, never a crash") {
    const Image image = pattern(60, 44);
    for (const bool png : {true, false}) {
        const auto encoded = png ? encode_png(image) : encode_jpeg(image, 90);
        REQUIRE(encoded.ok());
        CAPTURE(png);
        for (size_t size = 0; size < encoded->size(); size += 1 + encoded->size() / 90) {
            CAPTURE(size);
            const std::vector<uint8_t> cut(encoded->begin(), encoded->begin() + static_cast<ptrdiff_t>(size));
            const auto decoded = decode_image(cut, "cut");
            // Only a PNG that lacks nothing but its end is whole all the same.
            const bool only_end_missing = png && size + 16 > encoded->size();
            if (!only_end_missing) expect_error(decoded, Code::invalid_file, "cut");
        }
        REQUIRE(decode_image(*encoded, "whole").ok());
    }
}

TEST_CASE("a picture with any bit wrong is an error or a picture of that size, never a crash") {
    const Image image = pattern(24, 16);
    for (const bool png : {true, false}) {
        const auto encoded = png ? encode_png(image) : encode_jpeg(image, 90);
        REQUIRE(encoded.ok());
        size_t refused = 0;
        for (size_t i = 0; i < std::min<size_t>(encoded->size(), 400); ++i) {
            std::vector<uint8_t> damaged = *encoded;
            damaged[i] ^= static_cast<uint8_t>(1u << (i % 8));
            const auto decoded = decode_image(damaged, "damaged");
            if (decoded.ok())
                CHECK(decoded->pixels.size() == size_t{decoded->width} * decoded->height * 4);
            else
                ++refused;
        }
        CHECK(refused > 20);
    }
}

TEST_CASE("a JPEG whose Huffman table claims more than 256 codes is refused before it is decoded") {
    const auto encoded = encode_jpeg(pattern(24, 16), 90);
    REQUIRE(encoded.ok());
    std::vector<uint8_t> damaged = *encoded;
    const uint8_t marker[] = {0xff, 0xc4};
    const auto table = std::search(damaged.begin(), damaged.end(), marker, marker + 2);
    REQUIRE(table != damaged.end());
    table[5] = 255;
    table[6] = 255;  // behind the marker, the length and the table's name: the counts of codes by length
    expect_error(decode_image(damaged, "damaged"), Code::invalid_file, "256 codes");
}

TEST_CASE("what cannot be written is refused, and what was there stays") {
    const TempDir dir;
    const Image image = flat(4, 4, 1, 2, 3);
    CHECK(write_image((dir / "picture.webp").string(), image).error().code == Code::unsupported);
    CHECK(write_image((dir / "no such folder" / "picture.png").string(), image).error().code == Code::io_error);
    CHECK(write_image((dir / "picture.png").string(), Image()).error().code == Code::invalid_argument);
    CHECK(std::filesystem::is_empty(dir.path()));
}

TEST_CASE("a folder gives its pictures by name, an unreadable one is an error once") {
    const TempDir dir;
    REQUIRE(write_image((dir / "b.png").string(), flat(8, 8, 0, 0, 255)).ok());
    REQUIRE(write_image((dir / "a.png").string(), flat(4, 4, 255, 0, 0)).ok());
    write_text(dir / "ab.png", "damaged");
    write_text(dir / "notes.txt", "no picture");
    const auto source = Source::open(dir.path().string());
    REQUIRE(source.ok());
    CHECK((*source)->kind() == Source::Kind::folder);
    CHECK((*source)->estimated_frames() == 3);
    auto first = (*source)->next();
    REQUIRE(first.ok());
    CHECK((*first)->width == 4);
    CHECK((*first)->source.find("a.png") != std::string::npos);
    auto second = (*source)->next();
    REQUIRE(!second.ok());
    CHECK(second.error().message.find("ab.png") != std::string::npos);
    auto third = (*source)->next();
    REQUIRE(third.ok());
    CHECK((*third)->width == 8);
    auto end = (*source)->next();
    REQUIRE(end.ok());
    CHECK(!end->has_value());
}

TEST_CASE("sources that are nothing") {
    const TempDir dir;
    CHECK(Source::open((dir / "missing.mp4").string()).error().code == Code::not_found);
    const auto empty = Source::open(dir.path().string());
    REQUIRE(!empty.ok());
    CHECK(empty.error().message.find("no picture") != std::string::npos);
}
