#include "raft/entry.h"

#include <algorithm>
#include <utility>

#include "base/assert.h"
#include "base/checksum.h"

namespace kvorum::raft {
namespace {

// Field offsets of the encoded header.
constexpr size_t kMagicAt = 0;
constexpr size_t kVersionAt = 4;
constexpr size_t kTypeAt = 6;
constexpr size_t kClusterAt = 8;
constexpr size_t kIndexAt = 16;
constexpr size_t kTermAt = 24;
constexpr size_t kLogTimeAt = 32;
constexpr size_t kBodySizeAt = 40;
constexpr size_t kCommandCountAt = 44;
constexpr size_t kGroupAt = 48;
constexpr size_t kFeatureLevelAt = 52;
constexpr size_t kReservedAt = 54;  // zero
constexpr size_t kPrevChecksumAt = 56;
constexpr size_t kBodyChecksumAt = 64;
constexpr size_t kHeaderChecksumAt = 72;
static_assert(kHeaderChecksumAt + sizeof(uint64_t) == EntryHeader::kEncodedSize);

void encode_header(const EntryHeader& header, std::byte* out) {
    store_le(out + kMagicAt, EntryHeader::kMagic);
    store_le(out + kVersionAt, EntryHeader::kVersion);
    store_le(out + kTypeAt, static_cast<uint16_t>(header.type));
    store_le(out + kClusterAt, header.cluster.value());
    store_le(out + kIndexAt, header.index.value());
    store_le(out + kTermAt, header.term.value());
    store_le(out + kLogTimeAt, header.log_time_ms);
    store_le(out + kBodySizeAt, header.body_size_bytes);
    store_le(out + kCommandCountAt, header.command_count);
    store_le(out + kGroupAt, static_cast<uint32_t>(header.group.value()));
    store_le(out + kFeatureLevelAt, header.feature_level);
    store_le(out + kReservedAt, uint16_t{0});
    store_le(out + kPrevChecksumAt, header.prev_checksum);
    store_le(out + kBodyChecksumAt, header.body_checksum);
}

}  // namespace

std::string_view entry_type_name(EntryType type) {
    switch (type) {
        case EntryType::kNoop: return "noop";
        case EntryType::kCommands: return "commands";
        case EntryType::kTick: return "tick";
        case EntryType::kConfig: return "config";
        case EntryType::kFeatureLevel: return "feature level";
    }
    return "unknown";
}

bool is_known_entry_type(EntryType type) { return type >= EntryType::kNoop && type <= EntryType::kFeatureLevel; }

std::string_view entry_parse_error_name(EntryParseError error) {
    switch (error) {
        case EntryParseError::kNone: return "none";
        case EntryParseError::kShort: return "cut short";
        case EntryParseError::kBadMagic: return "not an entry";
        case EntryParseError::kBadVersion: return "unknown entry version";
        case EntryParseError::kBadHeaderChecksum: return "header checksum mismatch";
        case EntryParseError::kBadField: return "a header that no writer produces";
        case EntryParseError::kBadSize: return "body size above the limit";
        case EntryParseError::kBadBodyChecksum: return "body checksum mismatch";
    }
    return "unknown";
}

EntryParseError parse_entry_header(Bytes bytes, EntryHeader& out) {
    if (bytes.size() < EntryHeader::kEncodedSize) return EntryParseError::kShort;
    const std::byte* at = bytes.data();
    if (load_le<uint32_t>(at + kMagicAt) != EntryHeader::kMagic) return EntryParseError::kBadMagic;
    out.header_checksum = load_le<uint64_t>(at + kHeaderChecksumAt);
    if (checksum64(bytes.first(kHeaderChecksumAt)) != out.header_checksum) return EntryParseError::kBadHeaderChecksum;
    if (load_le<uint16_t>(at + kVersionAt) != EntryHeader::kVersion) return EntryParseError::kBadVersion;
    out.type = static_cast<EntryType>(load_le<uint16_t>(at + kTypeAt));
    out.cluster = ClusterId{load_le<uint64_t>(at + kClusterAt)};
    out.index = LogIndex{load_le<uint64_t>(at + kIndexAt)};
    out.term = Term{load_le<uint64_t>(at + kTermAt)};
    out.log_time_ms = load_le<int64_t>(at + kLogTimeAt);
    out.body_size_bytes = load_le<uint32_t>(at + kBodySizeAt);
    out.command_count = load_le<uint32_t>(at + kCommandCountAt);
    out.group = GroupId{load_le<uint32_t>(at + kGroupAt)};
    out.feature_level = load_le<uint16_t>(at + kFeatureLevelAt);
    out.prev_checksum = load_le<uint64_t>(at + kPrevChecksumAt);
    out.body_checksum = load_le<uint64_t>(at + kBodyChecksumAt);
    if (static_cast<uint16_t>(out.type) == 0 || out.group.is_none() || out.feature_level == 0 ||
        load_le<uint16_t>(at + kReservedAt) != 0)
        return EntryParseError::kBadField;
    if (out.body_size_bytes > kEntryBodySizeMax) return EntryParseError::kBadSize;
    return EntryParseError::kNone;
}

EntryPtr Entry::make(const EntryHeader& header, LogBuffer encoded) {
    return std::allocate_shared<Entry>(PooledAllocator<Entry>(), Key(), header, std::move(encoded));
}

EntryParseError Entry::parse(Bytes bytes, EntryPtr& out) {
    EntryHeader header;
    if (const auto error = parse_entry_header(bytes, header); error != EntryParseError::kNone) return error;
    const size_t size = EntryHeader::kEncodedSize + header.body_size_bytes;
    if (bytes.size() < size) return EntryParseError::kShort;
    const Bytes body = bytes.subspan(EntryHeader::kEncodedSize, header.body_size_bytes);
    if (checksum64(body) != header.body_checksum) return EntryParseError::kBadBodyChecksum;
    out = make(header, LogBuffer(as_text(bytes.first(size))));
    return EntryParseError::kNone;
}

EntryParseError EntryAssembler::take(Bytes& bytes, EntryPtr& out) {
    if (encoded_.empty() && bytes.size() >= EntryHeader::kEncodedSize) {
        const Bytes whole = bytes.first(std::min(bytes.size(), kParsedWholeBytes));
        const EntryParseError error = Entry::parse(whole, out);
        if (error == EntryParseError::kNone) bytes = bytes.subspan(out->encoded().size());
        if (error != EntryParseError::kShort) return error;
    }
    if (!header_known_) {
        if (const EntryParseError error = take_header(bytes); error != EntryParseError::kNone) return error;
    }
    const size_t size = EntryHeader::kEncodedSize + header_.body_size_bytes;
    const Bytes piece = bytes.first(std::min(bytes.size(), size - encoded_.size()));
    encoded_.append(as_text(piece));
    body_sum_->add(piece);
    bytes = bytes.subspan(piece.size());
    if (encoded_.size() < size) return EntryParseError::kShort;
    if (body_sum_->value() != header_.body_checksum) return EntryParseError::kBadBodyChecksum;
    out = Entry::make(header_, std::exchange(encoded_, LogBuffer()));
    header_known_ = false;
    return EntryParseError::kNone;
}

EntryParseError EntryAssembler::take_header(Bytes& bytes) {
    const Bytes piece = bytes.first(std::min(bytes.size(), EntryHeader::kEncodedSize - encoded_.size()));
    encoded_.append(as_text(piece));
    bytes = bytes.subspan(piece.size());
    const EntryParseError error = parse_entry_header(encoded_.bytes(), header_);
    if (error != EntryParseError::kNone) return error;
    header_known_ = true;
    body_sum_.emplace();
    // Address space only: memory follows what is appended, and nothing is copied when it grows.
    encoded_.reserve(EntryHeader::kEncodedSize + header_.body_size_bytes);
    return EntryParseError::kNone;
}

EntryBuilder::EntryBuilder(EntryType type) {
    header_.type = type;
    encoded_.resize(EntryHeader::kEncodedSize);
}

void EntryBuilder::sum_up() {
    if (!body_sum_.has_value()) body_sum_.emplace();
    body_sum_->add(encoded_.bytes().subspan(EntryHeader::kEncodedSize + summed_bytes_));
    summed_bytes_ = body_size_bytes();
}

EntryPtr EntryBuilder::seal(ClusterId cluster, GroupId group, LogIndex index, Term term, uint64_t prev_checksum) && {
    KVORUM_ASSERT(!group.is_none() && group.value() <= kGroupIdMax && header_.feature_level > 0, "group {} level {}",
                  group, header_.feature_level);
    KVORUM_ASSERT(body_size_bytes() <= kEntryBodySizeMax, "body of {} bytes", body_size_bytes());
    header_.cluster = cluster;
    header_.group = group;
    header_.index = index;
    header_.term = term;
    header_.prev_checksum = prev_checksum;
    header_.body_size_bytes = static_cast<uint32_t>(body_size_bytes());
    if (body_sum_.has_value()) {
        sum_up();
        header_.body_checksum = body_sum_->value();
    } else {
        header_.body_checksum = checksum64(encoded_.bytes().subspan(EntryHeader::kEncodedSize));
    }
    auto* raw = reinterpret_cast<std::byte*>(encoded_.data());
    encode_header(header_, raw);
    header_.header_checksum = checksum64(Bytes(raw, kHeaderChecksumAt));
    store_le(raw + kHeaderChecksumAt, header_.header_checksum);
    encoded_.give_up_room();
    return Entry::make(header_, std::move(encoded_));
}

}  // namespace kvorum::raft
