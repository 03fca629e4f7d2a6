#include "gateway/reads.h"

#include "ops/long_read.h"

namespace kvorum::gateway {
namespace {

constexpr std::string_view kCutOff =
    "CLUSTERDOWN Leadership was lost during a long read, which is not sent on by itself: it was not completed";

// A fast read is not long unless it has more arguments than this.
constexpr size_t kFewArguments = 64;
// A read of more is not sent on to the next leader by itself.
constexpr uint64_t kCostlyKeys = 50'000;
constexpr size_t kCostlyBytes = 512 * kKiB;

}  // namespace

bool may_be_long(const Command& command, ops::Arguments arguments, uint64_t store_size) {
    if (command.is_fast && arguments.size() <= kFewArguments) return false;
    return ops::is_long_read(store_size, *command.operation, arguments);
}

Reads::Reads(reactor::Reactor& reactor, const kv::Store& store, replica::Group& group, Answers& answers,
             CommandTimer& timer, NodeCounters& counters)
    : reactor_(reactor),
      store_(store),
      group_(group),
      answers_(answers),
      timer_(timer),
      counters_(counters),
      random_(reactor.backend().random_seed()) {}

std::optional<std::string_view> Reads::carry_out(Lane& lane, const ops::Operation& operation, ops::Arguments arguments,
                                                 uint64_t value_bytes_max) {
    const ops::ReadContext context{group_.turn_clock_ms(), random_.next(), value_bytes_max};
    ReplyWriter& reply = lane.port().begin_reply();
    const ops::KeyLookups lookups = ops::execute_read(store_, operation, arguments, context, reply);
    if (lookups.too_long) return std::nullopt;
    counters_.keyspace_hits += lookups.hits;
    counters_.keyspace_misses += lookups.misses;
    reactor_.work().add(TurnPart::kRead, lookups.work);
    lane.saw(store_.applied_index());
    lane.port().end_reply();
    return reply.error_code();
}

bool Reads::answer_head(Lane& lane, uint64_t value_bytes_max) {
    Request& head = lane.queue().front();
    unpack_arguments(lane.head_arguments(), scratch_arguments_);
    const auto error_code = carry_out(lane, *head.command->operation, scratch_arguments_, value_bytes_max);
    head.is_long = !error_code.has_value();
    if (head.is_long) return false;
    timer_.answered(head, *error_code);
    timer_.note_if_slow(lane, head, "read-index");
    answers_.pop(lane);
    return true;
}

bool Reads::is_costly(const Lane& lane, const Request& read) const {
    if (ops::is_walk(*read.command->operation)) return store_.size() > kCostlyKeys;
    const bool is_large = lane.is_large(read.sequence);
    return (is_large ? lane.large->command.bytes().size() : read.text().size()) > kCostlyBytes;
}

void Reads::repeat(Lane& lane, Request& request) {
    if (answers_.drop_parts(lane, request)) return;
    if (request.is_long && is_costly(lane, request)) {
        answers_.refuse(lane, request, kCutOff);
        return;
    }
    lane.lift_barrier(request);
    lane.set_state(request, RequestState::kParked);
}

}  // namespace kvorum::gateway
