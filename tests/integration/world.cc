#include "tests/integration/world.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <thread>

#include "base/assert.h"

namespace kvorum::integration {
namespace {

namespace fs = std::filesystem;

constexpr auto kLookInterval = Milliseconds(10);
constexpr long kTmpfsMagic = 0x01021994;
constexpr uint16_t kFirstPort = 20000;
constexpr uint16_t kPortCount = 12000;  // up to 32000: Linux gives out ports from 32768 on to outgoing connections

fs::path own_directory() { return fs::read_symlink("/proc/self/exe").parent_path(); }

bool can_bind(uint16_t port) {
    const int handle = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const bool free = bind(handle, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0;
    close(handle);
    return free;
}

}  // namespace

bool wait_until(Milliseconds deadline, const std::function<bool()>& condition) {
    const auto end = std::chrono::steady_clock::now() + deadline;
    while (!condition()) {
        if (std::chrono::steady_clock::now() >= end) return false;
        std::this_thread::sleep_for(kLookInterval);
    }
    return true;
}

TestDirectory::TestDirectory() {
    const char* chosen = std::getenv("KVORUM_TEST_DIR");
    const fs::path parent = chosen != nullptr ? fs::path(chosen) : own_directory().parent_path() / "integration-data";
    fs::create_directories(parent);
    path_ = (parent / "XXXXXX").string();
    KVORUM_ASSERT(mkdtemp(path_.data()) != nullptr, "cannot make a directory under {}", parent.string());
    struct statfs facts{};
    KVORUM_ASSERT(statfs(path_.c_str(), &facts) == 0 && facts.f_type != kTmpfsMagic,
                  "{} is on tmpfs, where nothing is durable; set KVORUM_TEST_DIR to a directory on a disk", path_);
}

TestDirectory::~TestDirectory() {
    if (keep_ || testing::Test::HasFailure()) {
        fmt::print("data and logs are kept in {}\n", path_);
        return;
    }
    std::error_code error;
    fs::remove_all(path_, error);
}

Ports::Ports(uint32_t count) {
    const fs::path directory = fs::temp_directory_path() / "kvorum-test-ports";
    fs::create_directories(directory);
    // Tests that run side by side begin at different places; the locks settle the rest.
    const auto start = static_cast<uint32_t>(getpid()) * 131U;
    for (uint32_t i = 0; i < kPortCount && ports_.size() < count; ++i) {
        const auto port = static_cast<uint16_t>(kFirstPort + (start + i) % kPortCount);
        const int lock = open((directory / std::to_string(port)).c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666);
        if (lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0 && can_bind(port)) {
            ports_.push_back(port);
            locks_.push_back(lock);
        } else if (lock >= 0) {
            close(lock);
        }
    }
    KVORUM_ASSERT(ports_.size() == count, "found {} free ports of {}", ports_.size(), count);
}

Ports::~Ports() {
    for (const int lock : locks_)
        close(lock);
}

ProgramResult run(const std::string& shell_command, uint32_t timeout_s) {
    // The inner shell is what `timeout` ends, with everything that it started.
    std::string quoted;
    for (const char c : shell_command)
        quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
    const std::string command = fmt::format("timeout -k 1 {} bash -c '{}' 2>&1", timeout_s, quoted);
    ProgramResult result;
    FILE* pipe = popen(command.c_str(), "r");
    KVORUM_ASSERT(pipe != nullptr, "cannot run a shell");
    std::array<char, 4096> part{};
    for (size_t size = fread(part.data(), 1, part.size(), pipe); size > 0;
         size = fread(part.data(), 1, part.size(), pipe))
        result.output.append(part.data(), size);
    const int status = pclose(pipe);
    result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
}

std::string program_path(const std::string& name) {
    const char* chosen = std::getenv("KVORUM_BIN");
    return ((chosen != nullptr ? fs::path(chosen) : own_directory()) / name).string();
}

std::string read_file(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace kvorum::integration
