// Names to addresses for UringBackend, so that a name server that is silent stops nobody: getaddrinfo(3) blocks for 10
// s and longer, hence it runs on a thread of its own.
//
// Numeric addresses never leave the caller. A name that was resolved once is answered at once for ever after, and asked
// for again behind the answer: a dead name server keeps no known peer away, a peer that moved is found at the second
// attempt. One lookup at a time, each name waits once, at most kNamesMax names.
//
// Thread: find(), ask() and take_answered() the owner's; the lookups run on the resolver's. Ownership: the wake_fd
// outlives the resolver. Destruction does not wait for a lookup that is under way: its thread ends with it, later, and
// touches nothing of the owner's.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace kvorum::reactor {

struct ResolvedAddress {
    sockaddr_storage storage{};  // its port is 0
    socklen_t length = 0;        // 0: not found
    std::string error;           // why not

    [[nodiscard]] bool found() const { return length != 0; }
    void set_port(uint16_t port);
};

// Blocks until the system knows. Empty host with `passive`: the wildcard address.
[[nodiscard]] ResolvedAddress look_up_name(const std::string& host, bool passive = false);
// Of "127.0.0.1", "::1", "fe80::1%eth0"; not found for anything else. Never blocks.
[[nodiscard]] ResolvedAddress parse_numeric_address(const std::string& host);

class NameResolver {
 public:
    using LookUp = std::function<ResolvedAddress(const std::string& host)>;
    static constexpr size_t kNamesMax = 256;

    // One is written to `wake_fd`, an eventfd, when an answer can be taken.
    NameResolver(int wake_fd, LookUp look_up);
    NameResolver(const NameResolver&) = delete;
    NameResolver& operator=(const NameResolver&) = delete;
    ~NameResolver();

    // The last good answer, or null. Valid until the next take_answered().
    [[nodiscard]] const ResolvedAddress* find(const std::string& host) const;
    // Has `host` looked up; nothing happens when it is being looked up already. False: too many names.
    [[nodiscard]] bool ask(const std::string& host);
    // The hosts whose lookups have ended since the last call, well or not: find() tells.
    [[nodiscard]] std::vector<std::string> take_answered();

 private:
    struct Shared;  // with the thread, which may outlive this object

    void note_failure(const std::string& host, const std::string& error);
    static void run(const std::shared_ptr<Shared>& shared, const LookUp& look_up);

    const LookUp look_up_;
    std::shared_ptr<Shared> shared_;
    bool has_thread_ = false;
    std::map<std::string, ResolvedAddress> known_;
    std::map<std::string, std::string> failures_;  // the last one of each host, so that it is logged once
    std::set<std::string> asked_;
};

}  // namespace kvorum::reactor
