#include "redis/resp_writer.h"

#include <charconv>
#include <cmath>
#include <cstring>

#include "base/assert.h"
#include "redis/failure_texts.h"

namespace kvorum::redis {
namespace {

constexpr std::string_view kCrlf = "\r\n";

}  // namespace

// "<mark><count>\r\n"
void RespWriter::header(char mark, uint64_t count) {
    char raw[24];
    raw[0] = mark;
    char* end = std::to_chars(raw + 1, raw + sizeof(raw) - 2, count).ptr;
    *end++ = '\r';
    *end++ = '\n';
    out_->append(raw, static_cast<size_t>(end - raw));
}

void RespWriter::status(std::string_view word) {
    KVORUM_VERIFY(word.find_first_of("\r\n") == std::string_view::npos);
    out_->push_back('+');
    out_->append(word);
    out_->append(kCrlf);
}

void RespWriter::failure(const Failure& failure) { error(failure_text(failure)); }

void RespWriter::error(std::string_view line) {
    error_code_ = line.substr(0, line.find_first_of(" \r\n"));
    out_->push_back('-');
    const size_t begin = out_->size();
    out_->append(line);
    for (size_t at = begin; at < out_->size(); ++at) {
        char& c = (*out_)[at];
        if (c == '\r' || c == '\n') c = ' ';
    }
    out_->append(kCrlf);
}

std::string_view RespWriter::error_code_of(std::string_view reply) const {
    return reply.starts_with('-') ? reply.substr(1, reply.find_first_of(" \r") - 1) : std::string_view{};
}

void RespWriter::integer(int64_t value) {
    char raw[24];
    raw[0] = ':';
    char* end = std::to_chars(raw + 1, raw + sizeof(raw) - 2, value).ptr;
    *end++ = '\r';
    *end++ = '\n';
    out_->append(raw, static_cast<size_t>(end - raw));
}

void RespWriter::bytes(std::string_view bytes) {
    header('$', bytes.size());
    out_->append(bytes);
    out_->append(kCrlf);
}

void RespWriter::nothing() { out_->append(version_ == RespVersion::kResp2 ? "$-1\r\n" : "_\r\n"); }

void RespWriter::no_list() { out_->append(version_ == RespVersion::kResp2 ? "*-1\r\n" : "_\r\n"); }

void RespWriter::truth(bool value) {
    if (version_ == RespVersion::kResp2) {
        out_->append(value ? ":1\r\n" : ":0\r\n");
    } else {
        out_->append(value ? "#t\r\n" : "#f\r\n");
    }
}

void RespWriter::number(double value) {
    char raw[64];
    std::string_view text;
    if (std::isnan(value)) {
        text = "nan";
    } else if (std::isinf(value)) {
        text = value > 0 ? "inf" : "-inf";
    } else {
        // As printf's "%.17g", without the locale.
        const char* end = std::to_chars(raw, raw + sizeof(raw), value, std::chars_format::general, 17).ptr;
        text = {raw, static_cast<size_t>(end - raw)};
    }
    if (version_ == RespVersion::kResp2) return bytes(text);
    out_->push_back(',');
    out_->append(text);
    out_->append(kCrlf);
}

void RespWriter::text(std::string_view text) {
    if (version_ == RespVersion::kResp2) return bytes(text);
    constexpr std::string_view kFormat = "txt:";
    header('=', text.size() + kFormat.size());
    out_->append(kFormat);
    out_->append(text);
    out_->append(kCrlf);
}

void RespWriter::list(uint64_t count) { header('*', count); }

void RespWriter::map(uint64_t pair_count) {
    if (version_ == RespVersion::kResp2) return header('*', 2 * pair_count);
    header('%', pair_count);
}

void RespWriter::set(uint64_t count) { header(version_ == RespVersion::kResp2 ? '*' : '~', count); }

void RespWriter::push(uint64_t count) { header(version_ == RespVersion::kResp2 ? '*' : '>', count); }

}  // namespace kvorum::redis
