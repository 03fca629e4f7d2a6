// What an integration test needs of the machine: a directory on a real file system, ports of its own, programs, and
// waiting for a condition. Everything is given back in destructors, also when a test fails. Thread: one.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace kvorum::integration {

using Milliseconds = std::chrono::milliseconds;

// Looks until `condition` holds or the deadline has passed; returns whether it held.
[[nodiscard]] bool wait_until(Milliseconds deadline, const std::function<bool()>& condition);

// A fresh directory under the build tree or $KVORUM_TEST_DIR, removed at the end (kept, and named, when the test
// failed or somebody asked for it). It is never on tmpfs: what these tests say about durability would mean nothing
// there.
class TestDirectory {
 public:
    TestDirectory();
    TestDirectory(const TestDirectory&) = delete;
    TestDirectory& operator=(const TestDirectory&) = delete;
    ~TestDirectory();

    [[nodiscard]] const std::string& path() const { return path_; }
    void keep() { keep_ = true; }

 private:
    std::string path_;
    bool keep_ = false;
};

// TCP ports that no other integration test on this machine uses while this lives, outside the range of outgoing
// connections.
class Ports {
 public:
    explicit Ports(uint32_t count);
    Ports(const Ports&) = delete;
    Ports& operator=(const Ports&) = delete;
    ~Ports();

    [[nodiscard]] uint16_t operator[](size_t i) const { return ports_[i]; }

 private:
    std::vector<uint16_t> ports_;
    std::vector<int> locks_;
};

struct ProgramResult {
    int exit_code = -1;  // 124: did not end in time and was killed
    std::string output;  // both outputs
};

// Runs a shell command to its end.
[[nodiscard]] ProgramResult run(const std::string& shell_command, uint32_t timeout_s = 60);

// The programs of this build: beside the test program, or where KVORUM_BIN says.
[[nodiscard]] std::string program_path(const std::string& name);

[[nodiscard]] std::string read_file(const std::string& path);

}  // namespace kvorum::integration
