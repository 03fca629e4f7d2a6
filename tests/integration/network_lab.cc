#include "tests/integration/network_lab.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sched.h>
#include <unistd.h>

#include "base/assert.h"
#include "tests/integration/world.h"

namespace kvorum::integration {
namespace {

void ip(const std::string& arguments) {
    const ProgramResult result = run("ip " + arguments);
    KVORUM_ASSERT(result.exit_code == 0,
                  "this test makes network namespaces, which needs root (in a container CAP_NET_ADMIN and "
                  "CAP_SYS_ADMIN) and iproute2: 'ip {}' failed: {}",
                  arguments, result.output);
}

void enter(int network) {
    KVORUM_ASSERT(::setns(network, CLONE_NEWNET) == 0, "cannot enter a network namespace");
    ::close(network);
}

int open_network(const std::string& path) {
    const int network = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    KVORUM_ASSERT(network >= 0, "cannot open {}", path);
    return network;
}

}  // namespace

// Host 0 is the switch.
NetworkLab::NetworkLab(uint32_t hosts) : name_(fmt::format("kvorum-{}-", getpid())), hosts_(hosts) {
    ip(fmt::format("netns add {}", name_of(0)));
    ip(fmt::format("-n {} link add name switch type bridge", name_of(0)));
    ip(fmt::format("-n {} link set switch up", name_of(0)));
    for (uint32_t host = 1; host <= hosts_; ++host) {
        ip(fmt::format("netns add {}", name_of(host)));
        ip(fmt::format("-n {} link add name cable type veth peer name port{} netns {}", name_of(host), host,
                       name_of(0)));
        ip(fmt::format("-n {} link set port{} master switch up", name_of(0), host));
        ip(fmt::format("-n {} addr add {}/24 dev cable", name_of(host), address(host)));
        ip(fmt::format("-n {} link set lo up", name_of(host)));
        ip(fmt::format("-n {} link set cable up", name_of(host)));
    }
}

NetworkLab::~NetworkLab() {
    for (uint32_t host = 0; host <= hosts_; ++host)
        ip(fmt::format("netns delete {}", name_of(host)));
}

std::string NetworkLab::name_of(uint32_t host) const { return fmt::format("{}{}", name_, host); }

// Of the range that is set aside for tests of networks (RFC 2544).
std::string NetworkLab::address(uint32_t host) const { return fmt::format("198.18.0.{}", host); }

std::vector<std::string> NetworkLab::prefix(uint32_t host) const {
    return {"/usr/sbin/ip", "netns", "exec", name_of(host)};
}

void NetworkLab::in(uint32_t host, const std::function<void()>& work) const {
    const int home = open_network("/proc/thread-self/ns/net");
    enter(open_network("/run/netns/" + name_of(host)));
    work();
    enter(home);
}

void NetworkLab::set_link(uint32_t host, const char* state) const {
    ip(fmt::format("-n {} link set cable {}", name_of(host), state));
}

void NetworkLab::pull_cable(uint32_t host) const { set_link(host, "down"); }

void NetworkLab::plug_cable(uint32_t host) const { set_link(host, "up"); }

}  // namespace kvorum::integration
