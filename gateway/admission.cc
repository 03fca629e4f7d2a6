#include "gateway/admission.h"

#include "base/failure.h"
#include "base/probes.h"
#include "gateway/reply_lines.h"

namespace kvorum::gateway {
namespace {

// So much may be on its way to the output of one session, besides what is there already; a single reply may be larger.
constexpr uint64_t kExpectedReplyBytesMax = 1 * kMiB;
// What is larger may have to wait for the large replies of others.
constexpr uint64_t kSmallReplyBytes = 16 * kKiB;

}  // namespace

bool Admission::reply_fits(Lane& lane, Request& request, ops::Arguments arguments) {
    const ReplyPort& port = lane.port();
    lane.waits_for_bulk_room = false;
    lane.waits_for_room = !port.output_has_room();
    if (lane.waits_for_room) return false;
    const bool is_data = request.command->is_read() || request.command->is_write();
    if (!is_data || request.is_long || lane.is_large(request.sequence)) return true;
    const uint64_t bytes = ops::reply_value_bytes(store_, *request.command->operation, arguments);
    if (bytes == 0) return true;
    lane.waits_for_bulk_room = bytes > kSmallReplyBytes && !port.output_has_bulk_room();
    lane.waits_for_room = lane.waits_for_bulk_room;
    if (lane.waits_for_room) return false;
    lane.waits_for_room = lane.outstanding() > 0 && lane.expected_reply_bytes() + bytes > kExpectedReplyBytesMax;
    if (lane.waits_for_room) return false;
    lane.expect_reply(request, bytes);
    return true;
}

bool Admission::expect_local(Lane& lane, Request& request, uint64_t reply_bytes) {
    lane.expect_reply(request, reply_bytes);
    // A write that is carried out makes all replies before it, room or not.
    return lane.expected_reply_bytes() > kExpectedReplyBytesMax;
}

bool Admission::settle(Lane& lane, Request& request, replica::WriteAdmission admission, std::string_view error) {
    using enum replica::WriteAdmission;
    switch (admission) {
        case kAccepted:
            KVORUM_PROBE2(queued, lane.handle.slot, request.sequence);
            lane.set_state(request, RequestState::kWrite);
            return true;
        case kRefused: answers_.reply(lane, request, error); return true;
        case kNotLeader:
        case kHandingOver: return false;
        case kOverloaded: answers_.refuse_as_reply(lane, request, gateway::kOverloaded); return true;
        case kDiskFull: answers_.refuse_as_reply(lane, request, gateway::kDiskFull); return true;
        case kOutOfMemory: answers_.refuse_as_reply(lane, request, Failure::kOutOfMemory); return true;
    }
    return false;
}

}  // namespace kvorum::gateway
