// Schedules, and a client over a network that the test plays: when requests leave, and what becomes of them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>

#include "tests/reactor/fake_backend.h"
#include "tools/load_client.h"
#include "tools/load_pacer.h"
#include "tools/load_schedule.h"

namespace kvorum::tools::load {
namespace {

using testing::ElementsAre;

TEST(LoadScheduleTest, AConstantRateHasEqualIntervalsAndNoDrift) {
    ArrivalSchedule schedule({.rate = 3, .phase = 0.5}, 1000);
    EXPECT_EQ(schedule.next_ns(), 1000U + 166'666'666);
    for (int i = 0; i < 3'000'000; ++i)
        schedule.advance();
    EXPECT_NEAR(static_cast<double>(schedule.next_ns()), 1e15 + 1000 + 166'666'666, 1000);
}

TEST(LoadScheduleTest, PoissonArrivalsHaveTheirRateAndSpread) {
    ArrivalSchedule schedule({.arrivals = Arrivals::kPoisson, .rate = 1000, .seed = 5}, 0);
    constexpr int kCount = 100'000;
    double squares = 0;
    uint64_t before_ns = 0;
    for (int i = 0; i < kCount; ++i) {
        const auto interval_ms = static_cast<double>(schedule.next_ns() - before_ns) / 1e6;
        squares += (interval_ms - 1) * (interval_ms - 1);
        before_ns = schedule.next_ns();
        schedule.advance();
    }
    EXPECT_NEAR(static_cast<double>(before_ns) / 1e6 / kCount, 1, 0.02) << "the mean";
    EXPECT_NEAR(std::sqrt(squares / kCount), 1, 0.03) << "exponential: the deviation equals the mean";
}

class LoadClientTest : public testing::Test {
 protected:
    LoadClientTest() { backend_.advance_to_deadline = false; }
    ~LoadClientTest() override { end(); }

    void make(LoadConfig config) {
        config_ = std::move(config);
        config_.servers = {{"a", 1}, {"b", 2}};
        config_.threads = config_.clients = 1;
        if (config_.commands.empty()) config_.commands = {{.text = "GET __key__", .type = "Gets"}};
        thread_.emplace(reactor_, config_, 1);
        if (config_.is_open_loop()) pacer_.emplace(reactor_, ScheduleShape{.rate = static_cast<double>(config_.rate)});
        client_.emplace(*thread_, pacer_.has_value() ? &*pacer_ : nullptr, 0);
        client_->connect();
        turn();
    }
    void begin() {
        thread_->started = true;
        thread_->start_ns = backend_.time_ns;
        if (pacer_.has_value()) pacer_->begin(backend_.time_ns, end_ns_);
        client_->fill();
        turn();
    }
    void turn() {
        reactor_.turn(0);
        reactor_.turn(0);
    }
    void pass_ms(uint64_t duration_ms) {
        backend_.time_ns += duration_ms * kMillisecondNs;
        turn();
    }
    reactor::IoOp* find(reactor::IoCode code) {
        for (reactor::IoOp* op : backend_.submitted) {
            if (op->code == code) return op;
        }
        return nullptr;
    }
    reactor::IoOp& get(reactor::IoCode code) {
        reactor::IoOp* op = find(code);
        KVORUM_ASSERT(op != nullptr, "no operation {}", static_cast<int>(code));
        return *op;
    }
    void accept() {
        backend_.complete(get(reactor::IoCode::kConnect), 5);
        turn();
    }
    // What the client sends, taken by the kernel.
    size_t take_requests() {
        size_t count = 0;
        while (reactor::IoOp* op = find(reactor::IoCode::kSend)) {
            std::string sent;
            for (uint32_t i = 0; i < op->iov_count; ++i)
                sent.append(static_cast<const char*>(op->iov[i].iov_base), op->iov[i].iov_len);
            count += static_cast<size_t>(std::count(sent.begin(), sent.end(), '*'));
            backend_.complete(*op, static_cast<int32_t>(sent.size()));
            turn();
        }
        return count;
    }
    void reply(const std::string& bytes) {
        backend_.buffers[1] = bytes;
        backend_.complete(
            get(reactor::IoCode::kReceive),
            {.result = static_cast<int32_t>(bytes.size()), .more = true, .has_buffer = true, .buffer_id = 1});
        turn();
    }
    void hang_up() {
        backend_.complete(get(reactor::IoCode::kReceive), -ECONNRESET);
        turn();
        close_socket();
    }
    void close_socket() {
        if (reactor::IoOp* op = find(reactor::IoCode::kClose)) backend_.complete(*op, 0);
        turn();
    }
    void end() {
        if (!client_.has_value()) return;
        client_->abort();
        for (int i = 0; i < 10 && thread_->scope.size() > 0; ++i) {
            turn();
            const std::vector<reactor::IoOp*> left = backend_.submitted;
            for (reactor::IoOp* op : left)
                backend_.complete(*op, op->code == reactor::IoCode::kClose ? 0 : -ECANCELED);
        }
        turn();
    }
    [[nodiscard]] CommandStats totals() const { return thread_->stats.totals(); }

    reactor::FakeBackend backend_;
    reactor::Reactor reactor_{backend_, {}};
    LoadConfig config_;
    std::optional<LoadThread> thread_;
    std::optional<Pacer> pacer_;
    uint64_t end_ns_ = UINT64_MAX;
    std::optional<Client> client_;
};

TEST_F(LoadClientTest, AClosedLoopKeepsThePipelineFullAndEndsAfterItsRequests) {
    LoadConfig config;
    config.pipeline = 3;
    config.requests_per_client = 5;
    make(config);
    accept();
    EXPECT_EQ(take_requests(), 0U) << "not before the start";
    begin();
    EXPECT_EQ(take_requests(), 3U);
    reply("$1\r\nx\r\n$-1\r\n");
    EXPECT_EQ(take_requests(), 2U);
    reply("$-1\r\n$1\r\nx\r\n$1\r\nx\r\n");
    EXPECT_EQ(totals().ok, 5U);
    EXPECT_EQ(totals().nulls, 2U);
    EXPECT_EQ(thread_->clients_finished, 1U);
}

TEST_F(LoadClientTest, OkErrorAndUnknownAreCountedApart) {
    LoadConfig config;
    config.pipeline = 5;
    make(config);
    accept();
    begin();
    EXPECT_EQ(take_requests(), 5U);
    reply("+OK\r\n-ERR no\r\n-UNCERTAIN who knows\r\n");
    EXPECT_EQ(take_requests(), 3U);
    hang_up();
    EXPECT_EQ(totals().ok, 1U);
    EXPECT_EQ(totals().errors, 1U);
    EXPECT_EQ(totals().unknown, 6U) << "the uncertain one, and what had no reply";
    EXPECT_EQ(thread_->stats.connections_lost, 1U);
}

TEST_F(LoadClientTest, AfterALossItGoesOnAtTheNextServer) {
    make({});
    EXPECT_EQ(get(reactor::IoCode::kConnect).endpoint->host, "a");
    accept();
    begin();
    EXPECT_EQ(take_requests(), 1U);
    hang_up();
    EXPECT_EQ(find(reactor::IoCode::kConnect), nullptr) << "it backs off first";
    pass_ms(400);
    EXPECT_EQ(get(reactor::IoCode::kConnect).endpoint->host, "b");
    accept();
    EXPECT_EQ(take_requests(), 1U);
    reply("+OK\r\n");
    EXPECT_EQ(totals().ok, 1U);
    EXPECT_EQ(totals().unknown, 1U);
}

TEST_F(LoadClientTest, AServerThatSpeaksNoRespLosesItsConnection) {
    make({});
    accept();
    begin();
    EXPECT_EQ(take_requests(), 1U);
    reply("HTTP/1.1 400 Bad Request\r\n");
    hang_up();
    EXPECT_EQ(totals().unknown, 1U);
    EXPECT_EQ(thread_->stats.connections_lost, 1U);
}

TEST_F(LoadClientTest, RequestsFollowTheRatioInTurn) {
    LoadConfig config;
    config.commands = {{.text = "SET __key__ __data__", .type = "Sets", .ratio = 2},
                       {.text = "GET __key__", .type = "Gets", .ratio = 1}};
    config.pipeline = 9;
    make(config);
    accept();
    begin();
    EXPECT_EQ(take_requests(), 9U);
    reply("+OK\r\n+OK\r\n$-1\r\n+OK\r\n+OK\r\n$-1\r\n+OK\r\n+OK\r\n$-1\r\n");
    EXPECT_EQ(thread_->stats.commands[0].ok, 6U);
    EXPECT_EQ(thread_->stats.commands[1].ok, 3U);
    EXPECT_EQ(thread_->stats.commands[1].nulls, 3U);
}

TEST_F(LoadClientTest, AnOpenLoopSendsWhenARequestIsDue) {
    LoadConfig config;
    config.pipeline = 10;
    config.arrivals = Arrivals::kConstant;
    config.rate = 100;
    make(config);
    accept();
    begin();
    EXPECT_EQ(take_requests(), 1U) << "the first is due at once";
    pass_ms(5);
    EXPECT_EQ(take_requests(), 0U);
    pass_ms(5);
    EXPECT_EQ(take_requests(), 1U);
    pass_ms(30);
    EXPECT_EQ(take_requests(), 3U) << "a late turn makes up for what fell due";
}

// Coordinated omission: what a stalled server kept from being sent has waited all the same.
TEST_F(LoadClientTest, LatencyCountsFromWhenARequestWasDue) {
    LoadConfig config;
    config.pipeline = 1;
    config.arrivals = Arrivals::kConstant;
    config.rate = 100;
    make(config);
    accept();
    begin();
    EXPECT_EQ(take_requests(), 1U);
    pass_ms(50);
    EXPECT_EQ(take_requests(), 0U) << "its only client waits for the server";
    for (int i = 0; i < 6; ++i) {
        reply("+OK\r\n");
        EXPECT_EQ(take_requests(), i < 5 ? 1U : 0U);
    }
    const Histogram latency = totals().latency;
    EXPECT_EQ(latency.count(), 6U);
    EXPECT_EQ(latency.max(), 50 * kMillisecondNs);
    EXPECT_EQ(latency.sum(), (50 + 40 + 30 + 20 + 10 + 0) * kMillisecondNs);
    EXPECT_EQ(thread_->stats.service.sum(), 50 * kMillisecondNs) << "from the sending, only the first was slow";
}

TEST_F(LoadClientTest, WhatCouldNeverBeSentIsCounted) {
    LoadConfig config;
    config.arrivals = Arrivals::kConstant;
    config.rate = 100;
    make(config);
    accept();
    begin();
    EXPECT_EQ(take_requests(), 1U);
    pass_ms(95);
    EXPECT_EQ(pacer_->take_missed(backend_.time_ns), 9U);
}

TEST_F(LoadClientTest, AMomentAtTheEndIsNoPartOfTheLoad) {
    LoadConfig config;
    config.arrivals = Arrivals::kConstant;
    config.rate = 10;
    config.pipeline = 100;
    config.requests_per_client = 0;
    make(config);
    accept();
    end_ns_ = backend_.time_ns + kSecondNs;
    begin();
    size_t sent = take_requests();
    for (int i = 0; i < 20; ++i) {
        pass_ms(100);
        sent += take_requests();
    }
    EXPECT_EQ(sent, 10U);
}

}  // namespace
}  // namespace kvorum::tools::load
