// labels: host_only bad_input serial
// Streams of a server on this computer that is slow, silent, cut off, gone and back.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmath>

#include "engine/io/feed.h"
#include "engine/io/video_writer.h"
#include "tests/engine/pictures.h"
#include "tests/support/files.h"

using namespace sac;
using namespace sac::engine;
using namespace sac::test;
using namespace std::chrono_literals;
using Clock = Feed::Clock;
using State = Feed::State;

namespace {

constexpr auto patience = 20s;

// A socket that is closed at the end.
class Socket {
public:
    explicit Socket(int handle = -1) : handle_(handle) {}
    Socket(Socket &&other) noexcept : handle_(std::exchange(other.handle_, -1)) {}
    Socket &operator=(Socket &&other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Socket() {
        if (handle_ >= 0) ::close(handle_);
    }
    int get() const { return handle_; }
    // False once the other side has gone.
    bool send(const void *data, size_t size) const {
        for (size_t done = 0; done < size;) {
            const ssize_t sent = ::send(handle_, static_cast<const char *>(data) + done, size - done, MSG_NOSIGNAL);
            if (sent <= 0) return false;
            done += static_cast<size_t>(sent);
        }
        return true;
    }
    bool send(const std::string &text) const { return send(text.data(), text.size()); }

private:
    int handle_;
};

class Server {
public:
    Server() { listen(); }
    int port() const { return port_; }
    void leave() { listener_ = Socket(); }
    // Also again, on the same port.
    void listen() {
        listener_ = Socket(::socket(AF_INET, SOCK_STREAM, 0));
        const int yes = 1;
        ::setsockopt(listener_.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
        sockaddr_in address = {};
        address.sin_family = AF_INET;
        address.sin_port = htons(static_cast<uint16_t>(port_));
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        REQUIRE(::bind(listener_.get(), reinterpret_cast<sockaddr *>(&address), sizeof address) == 0);
        REQUIRE(::listen(listener_.get(), 4) == 0);
        socklen_t size = sizeof address;
        ::getsockname(listener_.get(), reinterpret_cast<sockaddr *>(&address), &size);
        port_ = ntohs(address.sin_port);
    }
    Socket accept() const {
        pollfd ready = {listener_.get(), POLLIN, 0};
        REQUIRE(::poll(&ready, 1, 20'000) == 1);
        return Socket(::accept(listener_.get(), nullptr, nullptr));
    }
    // The same, for HTTP: reads the request and answers.
    Socket accept_http(const std::string &headers) const {
        Socket client = accept();
        std::string request;
        char byte = 0;
        while (request.find("\r\n\r\n") == std::string::npos && ::recv(client.get(), &byte, 1, 0) == 1) request += byte;
        CHECK(request.find("GET /") == 0);
        client.send("HTTP/1.0 200 OK\r\n" + headers + "\r\n");
        return client;
    }
    std::string url(const std::string &protocol) const {
        return protocol + "://127.0.0.1:" + std::to_string(port_) + "/live";
    }

private:
    Socket listener_;
    int port_ = 0;
};

// What cameras of the net send: one JPEG after another, each with a header.
const std::string multipart = "Content-Type: multipart/x-mixed-replace;boundary=frame\r\n";

std::string part(uint8_t red, uint8_t green, uint8_t blue, uint32_t width = 64) {
    const auto jpeg = encode_jpeg(flat(width, 48, red, green, blue), 90);
    REQUIRE(jpeg.ok());
    return "--frame\r\nContent-Type: image/jpeg\r\nContent-Length: " + std::to_string(jpeg->size()) + "\r\n\r\n" +
           std::string(jpeg->begin(), jpeg->end()) + "\r\n";
}

// Sends until a frame has come through that fits: how much is read ahead at the beginning is FFmpeg's affair.
template <class Fits>
Frame send_until(Feed &feed, const Socket &client, const std::string &data, Fits fits) {
    const auto until = Clock::now() + patience;
    while (Clock::now() < until) {
        client.send(data);
        const auto frame = feed.wait_for(20ms);
        if (frame && fits(*frame)) return *frame;
    }
    FAIL("no such frame came");
    return {};
}

std::unique_ptr<Feed> start(const std::string &url, std::chrono::milliseconds timeout = 10s) {
    const auto name = SourceName::parse(url);
    REQUIRE(name.ok());
    SourceOptions options;
    options.timeout = timeout;
    return Feed::start(*name, options, {5ms, 20ms});
}

Feed::Status reach(Feed &feed, State state) {
    const auto until = Clock::now() + patience;
    while (Clock::now() < until) {
        Feed::Status status = feed.status();
        if (status.state == state) return status;
        feed.wait_for(1ms);
    }
    FAIL("the feed did not get there: " << feed.status().text("") << " in state "
                                        << static_cast<int>(feed.status().state));
    return {};
}

bool has_color(const Frame &frame, int red, int green, int blue) {
    const auto rgba = to_rgba(frame);
    const size_t middle = (size_t{frame.height} / 2 * frame.width + frame.width / 2) * 4;
    return std::abs(rgba[middle] - red) < 12 && std::abs(rgba[middle + 1] - green) < 12 &&
           std::abs(rgba[middle + 2] - blue) < 12;
}

}  // namespace

TEST_CASE("a stream that is cut in the middle of a frame goes on when its server is back") {
    Server server;
    const auto feed = start(server.url("http"));
    uint64_t before = 0;
    {
        const Socket client = server.accept_http(multipart);
        const std::string red = part(200, 0, 0);
        const Frame frame = send_until(*feed, client, red, [](const Frame &f) { return has_color(f, 200, 0, 0); });
        CHECK(frame.width == 64);
        CHECK(feed->status().kind == Source::Kind::stream);
        before = frame.index;
        client.send(red.data(), red.size() / 2);
        server.leave();
    }
    const Feed::Status lost = reach(*feed, State::lost);
    CHECK(lost.losses == 1);
    CHECK(lost.error.message.find(server.url("http")) != std::string::npos);
    server.listen();
    const Socket client = server.accept_http(multipart);
    const Frame frame =
        send_until(*feed, client, part(0, 0, 200), [](const Frame &f) { return has_color(f, 0, 0, 200); });
    CHECK(frame.index > before);
    CHECK(feed->status().state == State::running);
    const std::vector<std::string> messages = feed->take_messages();
    REQUIRE(messages.size() >= 2);
    CHECK(messages.front().find("trying again") != std::string::npos);
    CHECK(messages.back() == server.url("http") + ": is back");
}

TEST_CASE("plain TCP: pictures one after another, of another size after a while") {
    const Server server;
    const auto feed = start("tcp://127.0.0.1:" + std::to_string(server.port()));
    const Socket client = server.accept();
    const auto small = encode_jpeg(flat(64, 48, 0, 180, 0), 90), large = encode_jpeg(flat(128, 96, 0, 180, 0), 90);
    REQUIRE(small.ok());
    REQUIRE(large.ok());
    const Frame first = send_until(*feed, client, std::string(small->begin(), small->end()),
                                   [](const Frame &f) { return f.width == 64; });
    CHECK(has_color(first, 0, 180, 0));
    send_until(*feed, client, std::string(large->begin(), large->end()), [](const Frame &f) { return f.width == 128; });
    const std::vector<std::string> messages = feed->take_messages();
    REQUIRE(messages.size() == 1);
    CHECK(messages[0].find("128 x 96 now, before 64 x 48") != std::string::npos);
}

TEST_CASE("a stream that falls silent is lost after its time") {
    const Server server;
    const auto feed = start(server.url("http"), 150ms);
    const Socket client = server.accept_http(multipart);
    send_until(*feed, client, part(0, 0, 0), [](const Frame &) { return true; });
    const Feed::Status status = reach(*feed, State::lost);
    CHECK(status.error.code == Code::io_error);
    CHECK(status.error.message.find("no picture came for 0.15 s") != std::string::npos);
}

TEST_CASE("a feed of a silent stream ends at once: connected or half open") {
    const Server server;
    for (const bool answers : {false, true}) {
        CAPTURE(answers);
        auto feed = start(server.url("http"), 1h);
        const Socket client = answers ? server.accept_http(multipart) : server.accept();
        if (answers) send_until(*feed, client, part(0, 0, 0), [](const Frame &) { return true; });
        const auto before = Clock::now();
        feed.reset();
        CHECK(Clock::now() - before < 200ms);
    }
}

TEST_CASE("a server that is not there, or tells nonsense, is told by name and tried again") {
    Server server;
    const std::string url = server.url("http");
    server.leave();
    const auto feed = start(url);
    const Feed::Status refused = reach(*feed, State::lost);
    CHECK(refused.error.message.find(url) == 0);
    CHECK(refused.error.message.find("refused") != std::string::npos);
    server.listen();
    server.accept_http("Content-Type: text/plain\r\nContent-Length: 40000\r\n").send(std::string(40'000, 'x'));
    const auto until = Clock::now() + patience;
    bool told = false;
    while (!told && Clock::now() < until) {
        feed->wait_for(1ms);
        for (const std::string &message : feed->take_messages()) {
            CAPTURE(message);
            told |= message.find("Invalid data") != std::string::npos;
        }
    }
    CHECK(told);
    const Socket client = server.accept_http(multipart);
    send_until(*feed, client, part(9, 9, 9), [](const Frame &) { return true; });
}

TEST_CASE("a video of the net that has an end keeps its time and ends") {
    const TempDir dir;
    const std::string path = (dir / "clip.mkv").string();
    auto writer = VideoWriter::create(path, 64, 48, 50);
    REQUIRE(writer.ok());
    for (uint32_t i = 0; i < 10; ++i) REQUIRE((*writer)->write(flat(64, 48, 10, 20, 30)).ok());
    REQUIRE((*writer)->finish().ok());
    const std::vector<uint8_t> bytes = read_bytes(path);
    const Server server;
    const auto feed = start(server.url("http"));
    {
        const Socket client = server.accept_http(
            "Content-Type: video/x-matroska\r\nContent-Length: " + std::to_string(bytes.size()) + "\r\n");
        CHECK(client.send(bytes.data(), bytes.size()));
    }
    const auto first = feed->wait_for(patience);
    REQUIRE(first.has_value());
    const auto before = Clock::now();
    const Feed::Status status = reach(*feed, State::ended);
    CHECK(Clock::now() - before >= 150ms);
    CHECK(status.kind == Source::Kind::video);
    CHECK(status.frames == 10);
    CHECK(status.losses == 0);
}
