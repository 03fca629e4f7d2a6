// A session without a socket: keeps its replies as text, has room or none, and notes when it is cut off.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "gateway/lane.h"
#include "redis/resp_writer.h"
#include "tests/gateway/resp_text.h"

namespace kvorum::gateway {

using Replies = std::vector<std::string>;

class FakeClient final : public ReplyPort {
 public:
    FakeClient(uint64_t session_id, ClientOf client_of) : lane(*this, session_id, client_of) {}

    Lane lane;
    bool has_room = true;
    bool has_bulk_room = true;

    Replies replies;                       // whole ones; a refusal as the error that it is
    std::vector<ReplyClass> classes;       // of each
    std::string begun;                     // of a reply that is not whole
    std::vector<std::string> carried_out;  // commands about the node
    bool is_cut_off = false;
    int flushes = 0;

    ReplyWriter& begin_reply() override {
        EXPECT_EQ(begun, "") << "two replies at a time";
        written_.clear();
        return writer_to(written_);
    }
    void end_reply() override { end(begun + std::exchange(written_, {}), ReplyClass::kExecuted); }
    void pause_reply() override { begun += std::exchange(written_, {}); }
    ReplyWriter& resume_reply() override { return writer_to(written_); }
    void write_reply(std::string_view reply) override {
        EXPECT_EQ(begun, "") << "two replies at a time";
        end(std::string(reply), ReplyClass::kExecuted);
    }
    void write_reply_part(std::string part, bool is_last) override {
        begun += part;
        if (is_last) end(std::exchange(begun, {}), ReplyClass::kExecuted);
    }
    ReplyWriter& writer_to(std::string& out) override {
        writer_.set_output(out);
        writer_.forget_error();
        return writer_;
    }
    [[nodiscard]] ReplyFormat format() const override { return writer_.format(); }
    [[nodiscard]] std::string_view error_code_of(std::string_view reply) const override {
        return writer_.error_code_of(reply);
    }
    [[nodiscard]] bool output_has_room() const override { return has_room; }
    [[nodiscard]] bool output_has_bulk_room() const override { return has_room && has_bulk_room; }
    void cut_off() override {
        EXPECT_NE(begun, "") << "nothing of the reply was there";
        begun.clear();
        is_cut_off = true;
    }
    void reply_not_executed(std::string_view why) override { end(error(why), ReplyClass::kNotExecuted); }
    void reply_outcome_unknown(std::string_view why) override { end(error(why), ReplyClass::kUnknown); }
    std::string_view carry_out(uint16_t /*local_code*/, ops::Arguments arguments) override {
        carried_out.emplace_back(arguments[0]);
        end(simple(arguments[0]), ReplyClass::kExecuted);
        return {};
    }
    [[nodiscard]] std::string redirection(const Command& /*command*/, ops::Arguments arguments,
                                          const Member& leader) const override {
        return fmt::format("MOVED {} {}", arguments[1], leader.id);
    }
    void flush() override { ++flushes; }
    [[nodiscard]] ClientName client() const override { return {"fake:1", {}}; }

 private:
    void end(std::string reply, ReplyClass reply_class) {
        begun.clear();
        if (is_cut_off) return;
        replies.push_back(std::move(reply));
        classes.push_back(reply_class);
    }

    redis::RespWriter writer_;
    std::string written_;
};

}  // namespace kvorum::gateway
