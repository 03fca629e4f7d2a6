#include "raft/configuration.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/assert.h"

namespace kvorum::raft {
namespace {

constexpr uint16_t kVersion = 1;
constexpr uint16_t kVersionWithPromotions = 2;
constexpr size_t kPromotionBytes = sizeof(uint8_t) + sizeof(uint64_t);
constexpr size_t kHeadBytes = 4 * sizeof(uint16_t);
constexpr size_t kMemberBytesMin = 2 * sizeof(uint64_t) + 5 * sizeof(uint16_t);

using Members = std::vector<ConfiguredMember>;

void write_sized(ByteWriter<>& writer, std::string_view text) {
    writer.write(static_cast<uint16_t>(text.size()));
    writer.write_text(text);
}

std::string read_sized(ByteReader& reader) {
    const auto size = reader.read<uint16_t>();
    return std::string(reader.read_text(size));
}

void write_address(ByteWriter<>& writer, const MemberAddress& address) {
    write_sized(writer, address.host);
    writer.write(address.port);
}

MemberAddress read_address(ByteReader& reader) {
    MemberAddress address;
    address.host = read_sized(reader);
    address.port = reader.read<uint16_t>();
    return address;
}

void write_members(ByteWriter<>& writer, const Members& members) {
    for (const ConfiguredMember& member : members) {
        writer.write(member.id.value());
        writer.write(member.log_id.value());
        write_address(writer, member.peer);
        write_address(writer, member.client);
        write_sized(writer, member.zone);
    }
}

void read_members(ByteReader& reader, uint16_t count, Members& members) {
    for (uint16_t i = 0; i < count && !reader.failed(); ++i) {
        ConfiguredMember member;
        member.id = NodeId{reader.read<uint64_t>()};
        member.log_id = LogId{reader.read<uint64_t>()};
        member.peer = read_address(reader);
        member.client = read_address(reader);
        member.zone = read_sized(reader);
        members.push_back(std::move(member));
    }
}

bool has_promotions(const Members& members) {
    return std::any_of(members.begin(), members.end(),
                       [](const auto& member) { return member.promote || !member.replaces.is_none(); });
}

void write_promotions(ByteWriter<>& writer, const Members& learners) {
    for (const ConfiguredMember& learner : learners) {
        writer.write(static_cast<uint8_t>(learner.promote));
        writer.write(learner.replaces.value());
    }
}

// False: bytes that no writer produces.
bool read_promotions(ByteReader& reader, Members& learners) {
    for (ConfiguredMember& learner : learners) {
        const auto promote = reader.read<uint8_t>();
        learner.replaces = NodeId{reader.read<uint64_t>()};
        if (reader.failed() || promote > 1) return false;
        learner.promote = promote == 1;
    }
    return has_promotions(learners);
}

size_t encoded_size(const Members& members) {
    size_t size = 0;
    for (const ConfiguredMember& member : members)
        size += kMemberBytesMin + member.peer.host.size() + member.client.host.size() + member.zone.size();
    return size;
}

std::string problem_of_address(NodeId node, const MemberAddress& address, std::string_view what) {
    if (address.host.empty() || address.host.size() > kMemberHostBytesMax)
        return fmt::format("node {}: a {} host has 1 to {} bytes", node, what, kMemberHostBytesMax);
    if (address.port == 0) return fmt::format("node {}: a {} port is at least 1", node, what);
    return {};
}

// Adds the ids of `members` to `seen`.
std::string problem_of_members(const Members& members, std::set<NodeId>& seen) {
    if (members.size() > kMembersOfSetMax) return fmt::format("more than {} members", kMembersOfSetMax);
    for (const ConfiguredMember& member : members) {
        if (member.id.is_none()) return "a node id is at least 1";
        if (!seen.insert(member.id).second) return fmt::format("node {} is named twice", member.id);
        if (member.zone.size() > kMemberZoneBytesMax)
            return fmt::format("node {}: a zone has at most {} bytes", member.id, kMemberZoneBytesMax);
        std::string wrong = problem_of_address(member.id, member.peer, "peer");
        if (wrong.empty()) wrong = problem_of_address(member.id, member.client, "client");
        if (!wrong.empty()) return wrong;
    }
    return {};
}

std::string list_of(const Members& members) {
    std::string out;
    for (const ConfiguredMember& member : members) {
        fmt::format_to(std::back_inserter(out), "{}{}={}:{}/{}:{}", out.empty() ? "" : " ", member.id, member.peer.host,
                       member.peer.port, member.client.host, member.client.port);
        if (!member.log_id.is_none()) fmt::format_to(std::back_inserter(out), " log {:016x}", member.log_id.value());
        if (!member.zone.empty()) fmt::format_to(std::back_inserter(out), " in '{}'", member.zone);
        if (member.promote) out += " to be promoted";
        if (!member.replaces.is_none()) fmt::format_to(std::back_inserter(out), " in place of {}", member.replaces);
    }
    return out;
}

}  // namespace

std::vector<NodeId> Configuration::voter_ids() const {
    std::vector<NodeId> ids;
    ids.reserve(voters.size());
    for (const ConfiguredMember& member : voters)
        ids.push_back(member.id);
    std::sort(ids.begin(), ids.end());
    return ids;
}

std::string problem(const Configuration& configuration) {
    if (configuration.voters.empty()) return "there is no voter";
    std::set<NodeId> seen;
    std::string wrong = problem_of_members(configuration.voters, seen);
    if (wrong.empty()) wrong = problem_of_members(configuration.learners, seen);
    seen.clear();
    if (wrong.empty()) wrong = problem_of_members(configuration.outgoing, seen);
    if (!wrong.empty()) return wrong;
    if (has_promotions(configuration.voters) || has_promotions(configuration.outgoing))
        return "only a learner can be promoted";
    for (const ConfiguredMember& learner : configuration.learners) {
        if (!learner.promote && !learner.replaces.is_none())
            return fmt::format("node {} replaces one and is not to be promoted", learner.id);
    }
    const size_t promotions = has_promotions(configuration.learners) ? configuration.learners.size() : 0;
    const size_t size = kHeadBytes + promotions * kPromotionBytes + encoded_size(configuration.voters) +
                        encoded_size(configuration.outgoing) + encoded_size(configuration.learners);
    if (size > kConfigurationBytesMax)
        return fmt::format("it takes {} bytes, more than {}: give shorter host names", size, kConfigurationBytesMax);
    return {};
}

std::string encode_configuration(const Configuration& configuration) {
    KVORUM_ASSERT(problem(configuration).empty(), "{}", problem(configuration));
    std::string out;
    ByteWriter writer(out);
    const bool promotes = has_promotions(configuration.learners);
    writer.write(promotes ? kVersionWithPromotions : kVersion);
    for (const Members* members : {&configuration.voters, &configuration.outgoing, &configuration.learners})
        writer.write(static_cast<uint16_t>(members->size()));
    for (const Members* members : {&configuration.voters, &configuration.outgoing, &configuration.learners})
        write_members(writer, *members);
    if (promotes) write_promotions(writer, configuration.learners);
    return out;
}

std::optional<Configuration> decode_configuration(Bytes body) {
    if (body.size() > kConfigurationBytesMax) return std::nullopt;
    ByteReader reader(body);
    const auto version = reader.read<uint16_t>();
    if (version != kVersion && version != kVersionWithPromotions) return std::nullopt;
    const auto voters = reader.read<uint16_t>();
    const auto outgoing = reader.read<uint16_t>();
    const auto learners = reader.read<uint16_t>();
    Configuration configuration;
    read_members(reader, voters, configuration.voters);
    read_members(reader, outgoing, configuration.outgoing);
    read_members(reader, learners, configuration.learners);
    if (version == kVersionWithPromotions && !read_promotions(reader, configuration.learners)) return std::nullopt;
    if (!reader.finished() || !problem(configuration).empty()) return std::nullopt;
    return configuration;
}

std::string describe(const Configuration& configuration) {
    std::string out = list_of(configuration.voters);
    if (!configuration.outgoing.empty()) out += "; outgoing " + list_of(configuration.outgoing);
    if (!configuration.learners.empty()) out += "; learners " + list_of(configuration.learners);
    return out;
}

}  // namespace kvorum::raft
