#include "replica/repair_answers.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

namespace kvorum::replica {

using reactor::Task;

namespace {
// Sent along with the entry asked for, because its neighbours are probably missing too.
constexpr uint64_t kPredecessors = 63;
}  // namespace

void RepairAnswers::on_repair_request(NodeId from, const peers::RepairRequest& request) {
    if (tasks_.stop_requested() || !answering_.insert(from).second) return;
    tasks_.spawn(answer(from, request));
}

Task<void> RepairAnswers::stop() {
    tasks_.request_stop();
    co_await tasks_.join();
}

Task<void> RepairAnswers::answer(NodeId from, peers::RepairRequest request) {
    absl::StatusOr<peers::RepairReply> reply = co_await look_up(request);
    answering_.erase(from);
    if (reply.ok()) {
        const bool sent = peers_.send(from, *reply);
        maybe(!sent);
    } else if (absl::IsDataLoss(reply.status())) {
        reactor_.backend().halt(std::string(reply.status().message()));
    }
}

Task<absl::StatusOr<peers::RepairReply>> RepairAnswers::look_up(peers::RepairRequest request) {
    peers::RepairReply reply{request.index, request.checksum, peers::RepairOutcome::kOther, {}, {}};
    const LogIndex lowest = log_.first_index();
    const LogIndex last = std::min(request.index, log_.last_index());
    if (request.index < lowest) {
        reply.outcome = peers::RepairOutcome::kInSnapshot;
        reply.at.index = lowest - 1;
        co_return reply;
    }
    if (last < lowest) {
        reply.at = log_.last();
        co_return reply;
    }
    const uint64_t before = std::min(kPredecessors, last.value() - lowest.value());
    const LogIndex first{last.value() - before};
    auto entries = co_await log_.read(first, last, peers::kRepairReplyBytes);
    if (entries.ok() && entries->back()->index() < last) entries = co_await log_.read(last, last, 1);
    if (!entries.ok()) co_return entries.status();
    reply.at = entries->back()->id();
    if (reply.at.index == request.index && reply.at.checksum == request.checksum) {
        reply.outcome = peers::RepairOutcome::kHeld;
        reply.entries = std::move(*entries);
    }
    co_return reply;
}

}  // namespace kvorum::replica
