// LCS: the longest common subsequence, by the table of all prefixes.
#include <algorithm>
#include <optional>
#include <string>
#include <vector>

#include "base/text.h"
#include "ops/families.h"

namespace kvorum::ops {
namespace {

// The table has a cell for each pair of prefixes, and a read is carried out in one step: this many take about 3 ms.
constexpr uint64_t kCellsMax = 2'000'000;

struct Options {
    bool length = false;
    bool matches = false;
    bool match_lengths = false;
    int64_t match_length_min = 0;
};

// False when a failure was reported.
bool parse_options(Arguments words, Options& options, ReplySink& reply) {
    for (size_t i = 0; i < words.size(); ++i) {
        if (equals_ignore_case(words[i], "IDX")) {
            options.matches = true;
        } else if (equals_ignore_case(words[i], "LEN")) {
            options.length = true;
        } else if (equals_ignore_case(words[i], "WITHMATCHLEN")) {
            options.match_lengths = true;
        } else if (equals_ignore_case(words[i], "MINMATCHLEN") && i + 1 < words.size()) {
            const auto number = parse_int64(words[++i]);
            if (!number) return refuse(reply, Failure::kNotAnInteger);
            options.match_length_min = std::max<int64_t>(0, *number);
        } else {
            return refuse(reply, Failure::kSyntax);
        }
    }
    if (options.matches && options.length) return refuse(reply, Failure::kLengthAndMatches);
    return true;
}

class Table {
 public:
    Table(std::string_view a, std::string_view b) : a_(a), b_(b), row_size_(b.size() + 1) {
        cells_.resize((a.size() + 1) * row_size_);
        for (size_t i = 1; i <= a.size(); ++i) {
            for (size_t j = 1; j <= b.size(); ++j) {
                cells_[i * row_size_ + j] =
                    a[i - 1] == b[j - 1] ? at(i - 1, j - 1) + 1 : std::max(at(i - 1, j), at(i, j - 1));
            }
        }
    }

    // Of the first `i` bytes of one and the first `j` of the other.
    [[nodiscard]] uint32_t at(size_t i, size_t j) const { return cells_[i * row_size_ + j]; }
    [[nodiscard]] uint32_t length() const { return at(a_.size(), b_.size()); }

 private:
    std::string_view a_;
    std::string_view b_;
    size_t row_size_;
    std::vector<uint32_t> cells_;
};

// A stretch that both strings have in one piece.
struct Match {
    size_t a_first;
    size_t b_first;
    size_t length;
};

struct Path {
    std::string text;
    std::vector<Match> matches;  // from the end of the strings to their beginning
};

// From the last cell back to the first, along Redis' choice between paths of equal length.
Path walk(const Table& table, std::string_view a, std::string_view b) {
    Path path;
    path.text.resize(table.length());
    size_t left = path.text.size();
    std::optional<Match> open;
    const auto close = [&] {
        path.matches.push_back(*open);
        open.reset();
    };
    for (size_t i = a.size(), j = b.size(); i > 0 && j > 0;) {
        if (a[i - 1] != b[j - 1]) {
            if (open.has_value()) close();
            (table.at(i - 1, j) > table.at(i, j - 1) ? i : j)--;
            continue;
        }
        --i;
        --j;
        path.text[--left] = a[i];
        open = Match{i, j, open.has_value() ? open->length + 1 : 1};
        if (i == 0 || j == 0) close();
    }
    return path;
}

void reply_matches(const Path& path, const Options& options, ReplySink& reply) {
    const auto is_long = [&](const Match& match) {
        return match.length >= static_cast<uint64_t>(options.match_length_min);
    };
    reply.map(2);
    reply.bytes("matches");
    reply.list(static_cast<uint64_t>(std::count_if(path.matches.begin(), path.matches.end(), is_long)));
    for (const Match& match : path.matches) {
        if (!is_long(match)) continue;
        reply.list(options.match_lengths ? 3 : 2);
        for (const size_t first : {match.a_first, match.b_first}) {
            reply.list(2);
            reply.integer(static_cast<int64_t>(first));
            reply.integer(static_cast<int64_t>(first + match.length - 1));
        }
        if (options.match_lengths) reply.integer(static_cast<int64_t>(match.length));
    }
    reply.bytes("len");
    reply.integer(static_cast<int64_t>(path.text.size()));
}

}  // namespace

void read_lcs(const ReadRequest& request) {
    const kv::Record* first = request.find(request.arguments[1]);
    const kv::Record* second = request.find(request.arguments[2]);
    Options options;
    if (!parse_options(request.arguments.subspan(3), options, request.reply)) return;
    const std::string_view a = first == nullptr ? std::string_view() : first->value();
    const std::string_view b = second == nullptr ? std::string_view() : second->value();
    if ((a.size() + 1) * (b.size() + 1) > kCellsMax) {
        return request.reply.failure(Failure::kTooLongToCompare);
    }
    const Table table(a, b);
    if (options.length) return request.reply.integer(table.length());
    const Path path = walk(table, a, b);
    if (options.matches) return reply_matches(path, options, request.reply);
    request.reply.bytes(path.text);
}

}  // namespace kvorum::ops
