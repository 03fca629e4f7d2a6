#include "tools/table.h"

#include <fmt/format.h>

#include <algorithm>

namespace kvorum::tools {
namespace {

bool is_number(const std::string& cell) {
    return !cell.empty() && std::all_of(cell.begin(), cell.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::string format_table(const std::vector<std::vector<std::string>>& rows) {
    std::vector<size_t> widths;
    std::vector<bool> numeric;
    for (size_t row = 0; row < rows.size(); ++row) {
        widths.resize(std::max(widths.size(), rows[row].size()), 0);
        numeric.resize(widths.size(), false);
        for (size_t column = 0; column < rows[row].size(); ++column) {
            widths[column] = std::max(widths[column], rows[row][column].size());
            if (row > 0 && is_number(rows[row][column])) numeric[column] = true;
        }
    }
    std::string text;
    for (const auto& row : rows) {
        std::string line;
        for (size_t column = 0; column < row.size(); ++column) {
            if (column > 0) line += "  ";
            line += numeric[column] ? fmt::format("{:>{}}", row[column], widths[column])
                                    : fmt::format("{:<{}}", row[column], widths[column]);
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
    }
    return text;
}

}  // namespace kvorum::tools
