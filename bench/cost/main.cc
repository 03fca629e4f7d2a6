// cost_bench: what a SET costs a leader and a follower that have warmed up, counted and not timed: how often a byte of
// its value is copied, how often the heap is asked for a batch. `./dev bench --cost` runs it.
#include <fmt/format.h>

#include "bench/cost/three_nodes.h"

namespace kvorum::bench {
namespace {

constexpr int kRounds = 400;

void print_row(const ThreeNodes& nodes, const char* place, size_t node, size_t value_bytes, int pipeline) {
    const NodeCosts costs = nodes.costs(node, set_exchange(value_bytes), pipeline, kRounds);
    const double commands = 1.0 * kRounds * ThreeNodes::kConnections * pipeline;
    const double value_total = commands * static_cast<double>(value_bytes);
    const auto entries = static_cast<double>(costs.entries);
    fmt::print("SET of {:>5} bytes, pipeline {:>2}  {:<9}{:>8.1f}{:>14.2f}{:>16.3f}{:>18.4f}\n", value_bytes, pipeline,
               place, commands / entries, static_cast<double>(costs.copied_bytes) / value_total,
               static_cast<double>(costs.allocations) / entries, static_cast<double>(costs.allocations) / commands);
}

void run() {
    const ThreeNodes nodes;
    fmt::print("{:32}{:<9}{:>8}{:>14}{:>16}{:>18}\n", "", "", "a batch", "copies a byte", "heap a batch",
               "heap a command");
    for (const size_t value_bytes : {size_t{1024}, size_t{4096}}) {
        for (const int pipeline : {1, 16}) {
            print_row(nodes, "leader", nodes.leader(), value_bytes, pipeline);
            print_row(nodes, "follower", nodes.follower(), value_bytes, pipeline);
        }
    }
}

}  // namespace
}  // namespace kvorum::bench

int main() {
    kvorum::bench::run();
    return 0;
}
