// What one session may be told, whatever happens: held against every reply that it gets.
//
// Its writes append their numbers to a key of its own, so that the key's value says which took effect and in which
// order.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "gateway/reply_lines.h"
#include "tests/gateway/fake_client.h"

namespace kvorum::gateway {

class LaneModel {
 public:
    enum class Kind { kAppend, kGet, kFixed, kLocal, kWait };
    struct Sent {
        Kind kind;
        std::string reply;  // kFixed, kLocal: what it must be when it is executed
        bool is_write = false;
    };

    LaneModel(FakeClient& client, std::string key) : client_(client), key_(std::move(key)) {}

    [[nodiscard]] FakeClient& client() { return client_; }
    [[nodiscard]] const std::string& key() const { return key_; }
    // The number of the next command.
    [[nodiscard]] size_t next() const { return sent_.size(); }
    void sent(Sent command) { sent_.push_back(std::move(command)); }
    [[nodiscard]] bool is_answered(size_t number) const { return number < judged_; }
    [[nodiscard]] bool all_answered() const { return judged_ == sent_.size(); }

    // `value` is the key's now.
    void judge_replies(const std::string& value) {
        ASSERT_LE(client_.replies.size(), sent_.size()) << "more replies than commands";
        for (; judged_ < client_.replies.size(); ++judged_)
            judge(judged_, client_.replies[judged_], client_.classes[judged_], value);
    }
    // Each write took effect once at most, in the order of commands, and none that was refused.
    void judge_value(const std::string& value) const {
        const std::vector<size_t> numbers = numbers_in(value);
        for (size_t i = 0; i < numbers.size(); ++i) {
            if (i > 0) ASSERT_LT(numbers[i - 1], numbers[i]) << key_ << " " << value;
            ASSERT_FALSE(is_refused(numbers[i])) << key_ << ": " << numbers[i] << " was refused, and took effect";
        }
    }

    Term sent_in;  // of another node's client: the term of those that are not answered

 private:
    enum class Fate { kOpen, kExecuted, kRefused, kUnknown };

    static std::vector<size_t> numbers_in(std::string_view value) {
        std::vector<size_t> numbers;
        size_t number = 0;
        for (const char c : value) {
            if (c == ';') {
                numbers.push_back(std::exchange(number, 0));
            } else {
                number = number * 10 + static_cast<size_t>(c - '0');
            }
        }
        return numbers;
    }
    static bool has(const std::vector<size_t>& numbers, size_t number) {
        return std::find(numbers.begin(), numbers.end(), number) != numbers.end();
    }
    [[nodiscard]] bool is_refused(size_t number) const {
        return number < fates_.size() && fates_[number] == Fate::kRefused;
    }

    void judge(size_t number, const std::string& reply, ReplyClass reply_class, const std::string& value) {
        const Sent& sent = sent_[number];
        fates_.push_back(fate_of(reply, reply_class, sent));
        const auto where = [&] { return fmt::format("{}, command {}: {}", key_, number, reply.substr(0, 200)); };
        if (fates_[number] == Fate::kUnknown) {
            ASSERT_TRUE(sent.is_write) << where();
            return;
        }
        if (fates_[number] == Fate::kRefused) {
            ASSERT_TRUE(sent.kind != Kind::kLocal) << where();
            ASSERT_FALSE(has(numbers_in(value), number)) << where();
            const bool is_repeated = reply == error(kLeadershipLost) || reply == error(kNotLeader);
            if (is_repeated && client_.lane.is_of_other_node()) repeated_from_ = sent_.size();
            return;
        }
        if (!reply.starts_with('-'))
            ASSERT_GE(number, repeated_from_)
                << where() << ": one before it was refused, and its node sends that again";
        switch (sent.kind) {
            case Kind::kLocal:
            case Kind::kFixed: ASSERT_TRUE(reply == sent.reply) << where(); return;
            case Kind::kWait: ASSERT_TRUE(reply.starts_with(':')) << where(); return;
            // A read whose answer was lost together with that of a write behind it is repeated, and may see that write.
            case Kind::kAppend:
                ASSERT_GE(number, seen_end_) << where() << ": a read before it saw it";
                ASSERT_TRUE(has(numbers_in(value), number)) << where() << " of " << value;
                return;
            case Kind::kGet: judge_read(number, reply, value); return;
        }
    }
    static Fate fate_of(const std::string& reply, ReplyClass reply_class, const Sent& sent) {
        if (reply_class == ReplyClass::kUnknown) return Fate::kUnknown;
        if (reply_class == ReplyClass::kNotExecuted) return Fate::kRefused;
        if (reply == error(kUncertain)) return Fate::kUnknown;
        return reply.starts_with('-') && reply != sent.reply ? Fate::kRefused : Fate::kExecuted;
    }
    void judge_read(size_t number, const std::string& reply, const std::string& value) {
        const size_t begin = reply.find("\r\n") + 2;
        const std::string seen = reply == null() ? "" : reply.substr(begin, reply.size() - begin - 2);
        ASSERT_TRUE(value.starts_with(seen)) << key_ << ": " << seen << " of " << value;
        const std::vector<size_t> numbers = numbers_in(seen);
        for (size_t earlier = 0; earlier < number; ++earlier) {
            if (sent_[earlier].kind == Kind::kAppend && fates_[earlier] == Fate::kExecuted)
                ASSERT_TRUE(has(numbers, earlier)) << key_ << ": read " << number << " misses write " << earlier;
        }
        if (!numbers.empty()) seen_end_ = std::max(seen_end_, numbers.back() + 1);
    }

    FakeClient& client_;
    const std::string key_;
    std::vector<Sent> sent_;
    std::vector<Fate> fates_;  // of those that are answered
    size_t judged_ = 0;
    size_t seen_end_ = 0;       // behind the latest write that a read saw
    size_t repeated_from_ = 0;  // of another node's client: what was sent before may be sent again
};

}  // namespace kvorum::gateway
