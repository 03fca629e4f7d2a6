// What the proxy does to the bytes of one link.
#include "tests/nemesis/peer_proxy.h"

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/integration/client.h"

namespace kvorum::nemesis {
namespace {

using integration::Milliseconds;
using integration::RawConnection;
using integration::wait_until;

constexpr auto kDeadline = Milliseconds(10'000);
constexpr auto kQuiet = Milliseconds(200);

// Node 2: takes one connection at a time.
class Receiver {
 public:
    explicit Receiver(uint16_t port) {
        listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_port = htons(port);
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        EXPECT_EQ(bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
        EXPECT_EQ(listen(listener_, 4), 0);
    }
    Receiver(const Receiver&) = delete;
    Receiver& operator=(const Receiver&) = delete;
    ~Receiver() {
        close(handle_);
        close(listener_);
    }

    void accept_one() { handle_ = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC); }
    [[nodiscard]] bool is_readable(Milliseconds deadline) const {
        pollfd waiting{.fd = handle_, .events = POLLIN, .revents = 0};
        return poll(&waiting, 1, static_cast<int>(deadline.count())) == 1;
    }
    // Everything until `size` bytes came or the other side is gone.
    std::string receive(size_t size) {
        std::string all(size, '\0');
        size_t got = 0;
        while (got < size && is_readable(kDeadline)) {
            const ssize_t part = recv(handle_, all.data() + got, size - got, 0);
            if (part <= 0) break;
            got += static_cast<size_t>(part);
        }
        all.resize(got);
        return all;
    }
    void send(const std::string& bytes) const { (void)::send(handle_, bytes.data(), bytes.size(), MSG_NOSIGNAL); }

 private:
    int listener_ = -1;
    int handle_ = -1;
};

class PeerProxyTest : public testing::Test {
 protected:
    PeerProxyTest() : receiver_(ports_[0]), proxy_(2, [this](uint32_t) { return ports_[0]; }, 1) {}

    [[nodiscard]] RawConnection dial() const { return RawConnection({"127.0.0.1", proxy_.port(1, 2)}, kDeadline); }

    integration::Ports ports_{1};
    Receiver receiver_;
    PeerProxy proxy_;
};

TEST_F(PeerProxyTest, PassesBothWays) {
    RawConnection sender = dial();
    receiver_.accept_one();
    ASSERT_TRUE(sender.send("there"));
    EXPECT_EQ(receiver_.receive(5), "there");
    receiver_.send("and back");
    EXPECT_EQ(sender.receive_until("back"), "and back");
    EXPECT_EQ(proxy_.hits(), 0U);
}

TEST_F(PeerProxyTest, HeldBytesArriveLate) {
    RawConnection sender = dial();
    receiver_.accept_one();
    ASSERT_TRUE(sender.send("1"));
    ASSERT_EQ(receiver_.receive(1), "1");
    proxy_.set(1, 2, {.mode = LinkMode::kHold});
    ASSERT_TRUE(sender.send("2"));
    EXPECT_FALSE(receiver_.is_readable(kQuiet));
    proxy_.set(1, 2, {});
    EXPECT_EQ(receiver_.receive(1), "2");
    EXPECT_EQ(proxy_.hits(), 1U);
}

TEST_F(PeerProxyTest, SwallowedBytesAreGoneAndTheConnectionIsResetAfterwards) {
    proxy_.set(1, 2, {.mode = LinkMode::kSwallow});
    RawConnection sender = dial();
    ASSERT_TRUE(sender.send("nobody hears this"));
    ASSERT_TRUE(wait_until(kDeadline, [&] { return proxy_.hits() > 0; }));
    proxy_.set(1, 2, {});
    bool closed = false;
    (void)sender.receive_until_closed(closed);
    EXPECT_TRUE(closed);
}

TEST_F(PeerProxyTest, ACutLetsSomeBytesThrough) {
    RawConnection sender = dial();
    receiver_.accept_one();
    proxy_.set(1, 2, {.cut_after_bytes = 10});
    ASSERT_TRUE(sender.send("0123456789abcdef"));
    bool closed = false;
    (void)sender.receive_until_closed(closed);
    EXPECT_TRUE(closed);
    EXPECT_EQ(receiver_.receive(16).substr(0, 10), "0123456789");
    EXPECT_EQ(proxy_.hits(), 1U);
}

TEST_F(PeerProxyTest, DelayedBytesKeepTheirOrder) {
    proxy_.set(1, 2, {.mode = LinkMode::kDelay, .delay = Milliseconds(20)});
    RawConnection sender = dial();
    receiver_.accept_one();
    std::string all;
    for (int i = 0; i < 50; ++i) {
        const std::string part = std::to_string(i) + ",";
        ASSERT_TRUE(sender.send(part));
        all += part;
    }
    EXPECT_EQ(receiver_.receive(all.size()), all);
}

}  // namespace
}  // namespace kvorum::nemesis
