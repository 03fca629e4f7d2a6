// The language of tests/raft/testdata/*.txt: a command a line, then "----" and what it prints, up to an empty line.
//
//   add-nodes 3 [persist=manual] [apply=manual] [log-reads=manual] [message-bytes=N] [inflight-messages=N]
//   [cache-bytes=N]
//                                 first command of a file; numbered from 1
//   disk 2 1,1,2 term=2 [vote=1]  what node 2 finds when it restarts: entries of these terms (texts e<index>t<term>)
//   campaign 1                    time passes without anyone noticing, then node 1 does
//   tick ms=100 [1 2]             time passes, these nodes notice (all if none is named)
//   propose 1 text                a proposal to node 1
//   read 1 [count]                registers reads at node 1, numbered from 1 over the whole file
//   transfer 1 [2]                node 1 hands over (to node 2)
//   deliver [2] [from=1] [drop=1,3] [only=2] [reverse] [twice]
//                                 what is in flight (to node 2, from node 1); by position: drop some, or deliver only
//                                 some
//   drop [2] [from=1]             loses what is in flight
//   network                       prints what is in flight, oldest first
//   slow-disk 1                   from now on writes of node 1 wait for persist
//   persist 1 [units]             completes writes of node 1, oldest first
//   apply 1                       node 1 applied all that was handed out
//   answer-reads 1                answers the log reads of node 1
//   crash 2, restart 2            what was not persisted is lost
//   isolate 3, partition 1,2 3, heal
//   stall 1 on|off                the disk of node 1 hangs
//   unreachable 1 2               node 1 learns that its connection to node 2 broke
//   connected 1 2                 node 1 learns that it has a connection to node 2 again
//   stabilize [1 2]               delivers and persists until nothing moves, at these nodes (all if none is named)
//   run ms=1000 [1 2]             stabilize, and tick as above, in steps of half a heartbeat interval
//   compact 1 [keep=2]            node 1 makes a snapshot of what it applied, and releases the log but for so many
//   entries join                          a node with an empty disk and the next number, which is in no configuration
//   yet change 1 add 4 [promote=yes] | promote 4 | demote 2 | remove 2 | replace 2 by=4
//                                 node 1 is asked to change the members
//   state [1], log [1], members [1]
//                                 prints
//   quiet on|off                  events are not printed
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/raft/harness.h"

namespace kvorum::raft::testing {

class Script {
 public:
    // Runs one command and returns what it prints. An unknown command says so in the output, so that it shows as a
    // difference.
    [[nodiscard]] std::string run(const std::string& line);

 private:
    struct Command {
        std::string name;
        std::vector<std::string> words;                            // without '='
        std::vector<std::pair<std::string, std::string>> options;  // key=value

        [[nodiscard]] std::string option(const std::string& key, const std::string& otherwise) const;
        [[nodiscard]] uint64_t number(size_t position) const;
    };

    [[nodiscard]] static std::vector<uint64_t> ids(const Command& command);
    [[nodiscard]] static Command parse(const std::string& line);
    [[nodiscard]] bool run_setup(const Command& command);
    [[nodiscard]] bool run_input(const Command& command);
    [[nodiscard]] bool run_network(const Command& command);
    [[nodiscard]] bool run_question(const Command& command);
    void deliver(const Command& command, bool lose);
    void print(const std::string& line) { output_ += line + "\n"; }
    void print_transfer(const TransferStart& start);
    void print_state(uint64_t id);
    void print_members(const Status& status);
    void change(const Command& command);
    void print_log(uint64_t id);

    std::unique_ptr<Cluster> cluster_;
    std::string output_;
    bool quiet_ = false;
};

}  // namespace kvorum::raft::testing
