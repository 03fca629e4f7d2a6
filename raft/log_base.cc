#include "raft/log_base.h"

#include <utility>

namespace kvorum::raft {
namespace {

template <typename Fact>
std::optional<StatedFact<Fact>> copy_of(const StatedFact<Fact>* stated) {
    if (stated == nullptr) return std::nullopt;
    return *stated;
}

void write_stated(ByteWriter<>& writer, LogIndex index, const std::string& body) {
    writer.write(index.value());
    writer.write(static_cast<uint32_t>(body.size()));
    writer.write_text(body);
}

struct StatedBytes {
    LogIndex index;
    Bytes body;
};

// Fails the reader where the bytes are wrong.
std::optional<StatedBytes> read_stated(ByteReader& reader) {
    const LogIndex index{reader.read<uint64_t>()};
    const auto size = reader.read<uint32_t>();
    const Bytes body = reader.read_bytes(size);
    if (reader.failed() || index.is_none()) return std::nullopt;
    return StatedBytes{index, body};
}

template <typename Fact, typename Decode>
bool take_stated(ByteReader& reader, LogIndex last, Decode decode, std::optional<StatedFact<Fact>>& out) {
    const auto is_there = reader.read<uint8_t>();
    if (reader.failed() || is_there > 1) return false;
    if (is_there == 0) return true;
    const std::optional<StatedBytes> stated = read_stated(reader);
    if (!stated.has_value() || stated->index > last) return false;
    std::optional<Fact> fact = decode(stated->body);
    if (!fact.has_value()) return false;
    out = StatedFact<Fact>{stated->index, *std::move(fact)};
    return true;
}

}  // namespace

LogBase log_base_at(EntryId last, int64_t log_time_ms, const LogFacts& facts) {
    return {.last = last,
            .log_time_ms = log_time_ms,
            .proven_level = facts.proven_level(),
            .configuration = copy_of(facts.configurations.last_at(last.index)),
            .raise = copy_of(facts.raises.last_at(last.index))};
}

LogFacts facts_of(const LogBase& base) {
    LogFacts facts;
    facts.prove(base.proven_level);
    if (base.configuration.has_value()) facts.configurations.state(base.configuration->index, base.configuration->fact);
    if (base.raise.has_value()) facts.raises.state(base.raise->index, base.raise->fact);
    return facts;
}

std::string encode_log_base(const LogBase& base) {
    std::string out;
    ByteWriter writer(out);
    writer.write(base.last.index.value());
    writer.write(base.last.term.value());
    writer.write(base.last.checksum);
    writer.write(base.log_time_ms);
    writer.write(base.proven_level);
    writer.write(static_cast<uint8_t>(base.configuration.has_value()));
    if (base.configuration.has_value())
        write_stated(writer, base.configuration->index, encode_configuration(base.configuration->fact));
    writer.write(static_cast<uint8_t>(base.raise.has_value()));
    if (base.raise.has_value()) write_stated(writer, base.raise->index, encode_feature_level(base.raise->fact));
    return out;
}

std::optional<LogBase> decode_log_base(Bytes bytes) {
    ByteReader reader(bytes);
    LogBase base;
    base.last.index = LogIndex{reader.read<uint64_t>()};
    base.last.term = Term{reader.read<uint64_t>()};
    base.last.checksum = reader.read<uint64_t>();
    base.log_time_ms = reader.read<int64_t>();
    base.proven_level = reader.read<uint16_t>();
    if (reader.failed() || base.proven_level < kFirstFeatureLevel) return std::nullopt;
    if (base.last.index.is_none() || base.last.term.is_none()) return std::nullopt;
    if (!take_stated(reader, base.last.index, decode_configuration, base.configuration)) return std::nullopt;
    if (!take_stated(reader, base.last.index, decode_feature_level, base.raise)) return std::nullopt;
    if (!reader.finished()) return std::nullopt;
    return base;
}

}  // namespace kvorum::raft
