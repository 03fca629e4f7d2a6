// Programs that load a cluster through the client libraries of others, and the judge of what those were told.
//
// Each client object of a program sets keys of its own and increments a counter of its own, one call after the other,
// and writes down what it called and what it heard (tests/clients/ledger.mjs has the lines). The programs know nothing
// of the faults and are never helped. Thread: one.
#pragma once

#include <cstdint>
#include <ios>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/integration/client.h"
#include "tools/process.h"

namespace kvorum::integration {

struct ClientProgram {
    std::vector<std::string> command;
    std::vector<std::string> objects;
};

class ClientLoad {
 public:
    // Their output goes to files in `directory`.
    ClientLoad(std::string directory, std::vector<ClientProgram> programs);
    ClientLoad(const ClientLoad&) = delete;
    ClientLoad& operator=(const ClientLoad&) = delete;
    ~ClientLoad();

    void start();
    void stop();  // they are killed in the middle of what they do

    // Waits until each of these objects has had `steps` calls in a row acknowledged since this call. Returns those that
    // have not, with their last trouble.
    [[nodiscard]] std::vector<std::string> wait_for_progress(const std::vector<std::string>& objects, uint64_t steps,
                                                             Milliseconds deadline);
    [[nodiscard]] std::vector<std::string> objects() const;
    // After stop(): what is wrong, read through `node`.
    [[nodiscard]] std::vector<std::string> check(const reactor::Endpoint& node) const;
    // After stop(): a line for each object.
    [[nodiscard]] std::string summary() const;

 private:
    struct Told;  // what one object was told

    [[nodiscard]] std::string output_path(size_t program) const;
    void read_outputs();  // what is new in them

    std::string directory_;
    std::vector<ClientProgram> programs_;
    std::vector<tools::ProcessId> processes_;
    std::vector<std::streamoff> read_bytes_;  // of each program's output
    std::map<std::string, std::unique_ptr<Told>> told_;
};

}  // namespace kvorum::integration
