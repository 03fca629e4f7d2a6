// Starts requests of an open loop when they are due, each on the next client that has room. When none has, moments pass
// and stay due: the schedule is the queue.
//
// Thread: the worker's. Clients outlive it.
#pragma once

#include <cstdint>
#include <optional>

#include "base/fifo.h"
#include "reactor/reactor.h"
#include "tools/load_schedule.h"

namespace kvorum::tools::load {

class Client;

class Pacer final : private reactor::Timer {
 public:
    Pacer(reactor::Reactor& reactor, const ScheduleShape& shape);

    // Moments from `end_ns` on are not part of the load.
    void begin(uint64_t start_ns, uint64_t end_ns);
    // `client` may start a request, as far as it knows.
    void on_room(Client& client);
    // How many moments before `end_ns` passed without a request. Ends the schedule.
    [[nodiscard]] uint64_t take_missed(uint64_t end_ns);

 private:
    void dispatch();

    reactor::Reactor& reactor_;
    const ScheduleShape shape_;
    uint64_t end_ns_ = UINT64_MAX;
    std::optional<ArrivalSchedule> schedule_;
    Fifo<Client*> free_clients_;
};

}  // namespace kvorum::tools::load
