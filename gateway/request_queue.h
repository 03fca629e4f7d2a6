// The commands of one session that are not answered yet, in the order in which they arrived.
//
// A ring of reusable slots: in the steady state a request costs no allocation, because its slot keeps the capacity of
// its text. The queue knows what its memory is: texts are set through it, and a queue that was long once is short again
// when it has been emptied. Requests are named by a sequence number that is never reused within the session, so that a
// late completion for a request that is gone is recognised. Thread: the owning core.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.h"
#include "base/bytes.h"
#include "gateway/command.h"
#include "gateway/read_choice.h"

namespace kvorum::gateway {

enum class RequestState : uint8_t {
    kLocal,      // the connection's own business: carried out when it reaches the head
    kParked,     // waits until there is a leader to send it to
    kRead,       // waits until its read batch is confirmed (ReadIndex), or for its turn only (token 0)
    kWrite,      // in the open batch or in the log
    kForwarded,  // sent to the leader
    kWait,       // WAIT: counts replicas when it reaches the head
    kAnswered,   // `text` is the finished reply
};

// What a finished reply says about the command (docs/guarantees.md, "The three reply classes").
enum class ReplyClass : uint8_t { kExecuted, kNotExecuted, kUnknown };

// Of a request all but its text.
struct RequestFacts {
    RequestState state = RequestState::kLocal;
    ReplyClass reply_class = ReplyClass::kExecuted;  // kAnswered
    bool is_long = false;                            // a read that may take several turns (ops/long_read.h)
    bool is_barrier = false;       // what follows it in the session is not routed before it is answered
    bool is_readonly = false;      // it arrived behind READONLY: its client is not sent elsewhere
    bool is_rejected = false;      // kAnswered: it was refused before it was looked at closer
    bool holds_input = false;      // what follows it is not even looked at before it is answered
    bool reply_has_begun = false;  // kForwarded: the first parts of the reply have come
    bool reply_is_out = false;     // of these some are with the client
    uint64_t sequence = 0;         // its name in the queue
    const Command* command = &kUnknownCommand;
    ReadChoice read_choice;
    uint64_t token = 0;                 // kRead: its read batch; kForwarded: its forward id
    uint64_t origin_id = 0;             // the id that the forwarding node gave it; 0 for clients of this node
    uint64_t expected_reply_bytes = 0;  // that it adds to its lane's
    uint64_t arrived_ns = 0;

    [[nodiscard]] bool is_outstanding() const {
        return state == RequestState::kRead || state == RequestState::kWrite || state == RequestState::kForwarded ||
               state == RequestState::kWait;
    }
};

struct Request : RequestFacts {
    // Arguments (see pack_arguments) or, once answered, the reply or the error line. RequestQueue sets it.
    [[nodiscard]] const std::string& text() const { return text_; }

 private:
    friend class RequestQueue;
    std::string text_;
};

// Arguments as one string: count, then length and bytes of each.
void pack_arguments(std::span<const std::string_view> arguments, std::string& out);
// All but the first of them, each as a u32 size and its bytes. The reader borrows from `packed`.
struct PackedKeys {
    uint64_t count;
    ByteReader keys;
};
[[nodiscard]] PackedKeys packed_keys(std::string_view packed);
// The views borrow from `packed`.
void unpack_arguments(std::string_view packed, std::vector<std::string_view>& out);

class RequestQueue {
 public:
    [[nodiscard]] bool empty() const { return count_ == 0; }
    [[nodiscard]] size_t size() const { return count_; }
    [[nodiscard]] uint64_t head_sequence() const { return head_sequence_; }
    [[nodiscard]] uint64_t end_sequence() const { return head_sequence_ + count_; }

    // All facts are reset, and its text is empty.
    Request& push_back();
    [[nodiscard]] Request& front() {
        KVORUM_ASSERT(count_ > 0);
        return slots_[head_];
    }
    void pop_front();

    // `text` may lie in the request's own.
    void set_text(Request& request, std::string_view text) {
        write_text(request, [text](std::string& out) { out.assign(text); });
    }
    void keep_arguments(Request& request, std::span<const std::string_view> arguments) {
        write_text(request, [arguments](std::string& out) { pack_arguments(arguments, out); });
    }
    // `write(out)` puts the text into a string that holds an old one.
    template <typename Write>
    void write_text(Request& request, const Write& write);
    // Of all requests.
    [[nodiscard]] uint64_t text_bytes() const { return text_bytes_; }
    // What it takes from the system, about: slots and texts, used or kept for the next.
    [[nodiscard]] uint64_t memory_bytes() const { return slots_.size() * sizeof(Request) + text_memory_bytes_; }

    // Null when the request is gone already.
    [[nodiscard]] Request* find(uint64_t sequence) { return const_cast<Request*>(std::as_const(*this).find(sequence)); }
    [[nodiscard]] const Request* find(uint64_t sequence) const {
        if (sequence < head_sequence_ || sequence >= end_sequence()) return nullptr;
        return &slots_[(head_ + (sequence - head_sequence_)) & (slots_.size() - 1)];
    }

 private:
    // A slot gives memory above this back when its request ends, an emptied queue its slots above that many.
    static constexpr size_t kKeptCapacity = 4096;
    static constexpr size_t kKeptSlots = 256;

    // A short text lies in the string itself.
    [[nodiscard]] static uint64_t memory_of(const std::string& text) {
        return text.capacity() - std::string().capacity();
    }

    std::vector<Request> slots_ = std::vector<Request>(4);  // a power of two
    size_t head_ = 0;
    size_t count_ = 0;
    uint64_t head_sequence_ = 1;
    uint64_t text_bytes_ = 0;
    uint64_t text_memory_bytes_ = 0;  // the capacities of all texts, those of free slots too
};

template <typename Write>
void RequestQueue::write_text(Request& request, const Write& write) {
    std::string& text = request.text_;
    text_bytes_ -= text.size();
    text_memory_bytes_ -= memory_of(text);
    write(text);
    text_bytes_ += text.size();
    text_memory_bytes_ += memory_of(text);
}

}  // namespace kvorum::gateway
