// micro_bench: what the parts on the path of a command cost. `./dev bench --micro` runs it, `./dev bench --compare REV`
// runs it and an earlier revision's in turns.
#include <benchmark/benchmark.h>

#include "base/log.h"

int main(int argument_count, char** arguments) {
    kvorum::set_log_level(kvorum::LogLevel::kError);
    benchmark::Initialize(&argument_count, arguments);
    if (benchmark::ReportUnrecognizedArguments(argument_count, arguments)) return 1;
    benchmark::RunSpecifiedBenchmarks();
    return 0;
}
