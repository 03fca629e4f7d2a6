// Names are looked up beside the reactor: a silent name server stops nobody.
#include "reactor/uring_resolver.h"

#include <netinet/in.h>

#include <condition_variable>
#include <mutex>

#include "tests/reactor/uring_fixture.h"

namespace kvorum::reactor {
namespace {

// A name server that answers when the test says so. Shared with the thread that asks it, which may outlive the test.
class NameServer : public std::enable_shared_from_this<NameServer> {
 public:
    NameResolver::LookUp look_up() {
        return [self = shared_from_this()](const std::string& host) { return self->answer(host); };
    }
    void go_silent() {
        const std::scoped_lock lock(mutex_);
        silent_ = true;
    }
    void fail() {
        const std::scoped_lock lock(mutex_);
        failing_ = true;
    }
    void speak() {
        const std::scoped_lock lock(mutex_);
        silent_ = false;
        changed_.notify_all();
    }
    // Of lookups that have begun.
    void wait_for_questions(size_t count) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return questions_ >= count; });
    }
    size_t questions() {
        const std::scoped_lock lock(mutex_);
        return questions_;
    }

 private:
    ResolvedAddress answer(const std::string& host) {
        std::unique_lock lock(mutex_);
        ++questions_;
        changed_.notify_all();
        changed_.wait(lock, [&] { return !silent_; });
        if (failing_ || host != "peer.test") return {.storage = {}, .length = 0, .error = "no such name"};
        return parse_numeric_address("127.0.0.1");
    }

    std::mutex mutex_;
    std::condition_variable changed_;
    bool silent_ = false;
    bool failing_ = false;
    size_t questions_ = 0;
};

UringConfig config_with(NameServer& names) {
    UringConfig config;
    config.look_up = names.look_up();
    return config;
}

class UringResolverTest : public ::testing::Test {
 protected:
    UringResolverTest() : backend(make_backend(config_with(names))), reactor(*backend, {}) {
        absl::StatusOr<Handle> listening = backend->listen(loopback());
        KVORUM_ASSERT(listening.ok());
        listener = *listening;
        port = backend->local_port(listener);
    }
    ~UringResolverTest() override {
        names.speak();
        run_until_done(reactor, close_handle(reactor, listener));
    }

    int32_t connect(const std::string& host) {
        auto once = [](Reactor& r, Endpoint endpoint) -> Task<int32_t> {
            const int32_t socket = co_await r.connect(endpoint);
            if (socket >= 0) co_await close_handle(r, socket);
            co_return socket;
        };
        return run_until_done(reactor, once(reactor, {.host = host, .port = port}));
    }

    const std::shared_ptr<NameServer> server = std::make_shared<NameServer>();
    NameServer& names = *server;
    std::unique_ptr<UringBackend> backend;
    Reactor reactor;
    Handle listener = kNoHandle;
    uint16_t port = 0;
};

TEST_F(UringResolverTest, ANameIsConnectedTo) { EXPECT_GE(connect("peer.test"), 0); }

TEST_F(UringResolverTest, ANameThatNobodyKnowsIsAnError) { EXPECT_EQ(connect("nobody.test"), -EHOSTUNREACH); }

TEST_F(UringResolverTest, ANumericAddressAsksNobody) {
    names.go_silent();
    EXPECT_GE(connect("127.0.0.1"), 0);
    EXPECT_EQ(names.questions(), 0);
}

// Connects to a name; everything else goes on meanwhile, and the wait can be given up.
Task<int32_t> connect_until(Reactor& reactor, Endpoint endpoint, StopToken stop) {
    const int32_t socket = co_await reactor.connect(endpoint, stop);
    if (socket >= 0) co_await close_handle(reactor, socket);
    co_return socket;
}

TEST_F(UringResolverTest, WhileANameServerIsSilentEverythingElseGoesOn) {
    names.go_silent();
    auto scenario = [](Reactor& r, Endpoint named, Endpoint numeric, NameServer* server) -> Task<> {
        StopSource stop;
        TaskScope scope(r);
        int32_t result = 0;
        auto into = [](Reactor& loop, Endpoint endpoint, StopToken token, int32_t* out) -> Task<> {
            *out = co_await connect_until(loop, endpoint, token);
        };
        scope.spawn(into(r, named, stop.token(), &result));
        co_await r.sleep_for(kMillisecondNs);
        server->wait_for_questions(1);
        const int32_t other = co_await connect_until(r, numeric, {});
        EXPECT_GE(other, 0) << "another connect is not held up";
        stop.request_stop();
        co_await scope.join();
        EXPECT_EQ(result, -ECANCELED) << "a lookup can be given up";
    };
    run_until_done(reactor, scenario(reactor, {.host = "peer.test", .port = port}, loopback(port), &names));
}

TEST_F(UringResolverTest, ADeadNameServerKeepsNoKnownPeerAway) {
    ASSERT_GE(connect("peer.test"), 0);
    names.go_silent();
    for (int i = 0; i < 3; ++i)
        EXPECT_GE(connect("peer.test"), 0) << "the last answer serves, although the name server is silent";
    names.wait_for_questions(2);
    EXPECT_EQ(names.questions(), 2) << "one question behind it, not one for each attempt";
    names.fail();
    names.speak();
    EXPECT_GE(connect("peer.test"), 0) << "nor does an error take it away";
}

TEST_F(UringResolverTest, ManyThatWaitForOneNameShareItsLookup) {
    names.go_silent();
    auto scenario = [](Reactor& r, Endpoint named, NameServer* server) -> Task<> {
        TaskScope scope(r);
        auto once = [](Reactor& loop, Endpoint endpoint) -> Task<> {
            const int32_t socket = co_await connect_until(loop, endpoint, {});
            EXPECT_GE(socket, 0);
        };
        for (int i = 0; i < 20; ++i)
            scope.spawn(once(r, named));
        co_await r.sleep_for(kMillisecondNs);
        server->speak();
        co_await scope.join();
        EXPECT_EQ(server->questions(), 1);
    };
    run_until_done(reactor, scenario(reactor, {.host = "peer.test", .port = port}, &names));
}

TEST(NameResolver, TheSystemKnowsTheLoopbackAndNumbersAreReadWithoutIt) {
    EXPECT_TRUE(look_up_name("localhost").found());
    EXPECT_EQ(parse_numeric_address("::1").storage.ss_family, AF_INET6);
    EXPECT_FALSE(parse_numeric_address("localhost").found());
    EXPECT_TRUE(look_up_name("", true).found()) << "the wildcard";
}

}  // namespace
}  // namespace kvorum::reactor
