// Hosts of one machine, each a network namespace with a cable to one switch: nodes in them can be cut off as a pulled
// cable does it, without a word to either side, while a test still reaches each of them from inside.
//
// Needs root and `ip` (iproute2); says so and ends the test program where namespaces cannot be made. Hosts are numbered
// from 1. Everything is removed in the destructor. Thread: one, except in(), which any thread may call for itself.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace kvorum::integration {

class NetworkLab {
 public:
    explicit NetworkLab(uint32_t hosts);
    NetworkLab(const NetworkLab&) = delete;
    NetworkLab& operator=(const NetworkLab&) = delete;
    ~NetworkLab();

    [[nodiscard]] std::string address(uint32_t host) const;
    // What stands before a command that is to run there.
    [[nodiscard]] std::vector<std::string> prefix(uint32_t host) const;
    // Runs `work` on this thread, with the sockets that it opens in that host.
    void in(uint32_t host, const std::function<void()>& work) const;
    void pull_cable(uint32_t host) const;
    void plug_cable(uint32_t host) const;

 private:
    [[nodiscard]] std::string name_of(uint32_t host) const;
    void set_link(uint32_t host, const char* state) const;

    std::string name_;
    uint32_t hosts_ = 0;
};

}  // namespace kvorum::integration
