#include "wal/calibration.h"

#include <fmt/format.h>

#include "base/aligned_buffer.h"
#include "base/histogram.h"
#include "reactor/scope.h"
#include "wal/format.h"

namespace kvorum::wal {

using reactor::Task;

namespace {

struct Measurement {
    reactor::Reactor& reactor;
    reactor::Handle scratch;
    uint64_t scratch_blocks;
    uint64_t deadline_ns;
    bool dsync_write;
    uint64_t next_block = 0;
    bool failed = false;
    Histogram latency_ns;
};

Task<void> measure(Measurement& m) {
    AlignedBuffer block(kBlockBytes);
    while (!m.failed && m.reactor.backend().monotonic_ns() < m.deadline_ns) {
        const uint64_t start_ns = m.reactor.backend().monotonic_ns();
        const uint64_t offset = m.next_block++ % m.scratch_blocks * kBlockBytes;
        const uint8_t flags = m.dsync_write ? reactor::kIoDataSync : 0;
        const int32_t written = co_await m.reactor.write(m.scratch, block.bytes(), offset, flags);
        m.failed = m.failed || written != static_cast<int32_t>(kBlockBytes);
        if (!m.dsync_write && !m.failed) {
            const int32_t synced = co_await m.reactor.data_sync(m.scratch);
            m.failed = m.failed || synced < 0;
        }
        if (!m.failed) m.latency_ns.record(m.reactor.backend().monotonic_ns() - start_ns);
    }
}

Task<uint64_t> median_ns(reactor::Reactor& reactor, reactor::Handle scratch, uint64_t scratch_blocks,
                         uint64_t duration_ns, bool dsync_write, uint32_t depth) {
    const uint64_t deadline_ns = reactor.backend().monotonic_ns() + duration_ns;
    Measurement measurement{reactor, scratch, scratch_blocks, deadline_ns, dsync_write, 0, false, {}};
    reactor::TaskScope scope(reactor);
    for (uint32_t i = 0; i < depth; ++i)
        scope.spawn(measure(measurement));
    co_await scope.join();
    const bool usable = !measurement.failed && measurement.latency_ns.count() > 0;
    co_return usable ? measurement.latency_ns.value_at(0.5) : UINT64_MAX / 4;
}

}  // namespace

std::string Calibration::to_string() const {
    return fmt::format(
        "{} (medians with 1 and 2 in flight: write + fdatasync {} and {} us, RWF_DSYNC write {} and {} us)",
        sync_method_name(method), data_sync_ns[0] / kMicrosecondNs, data_sync_ns[1] / kMicrosecondNs,
        dsync_write_ns[0] / kMicrosecondNs, dsync_write_ns[1] / kMicrosecondNs);
}

Task<Calibration> calibrate(reactor::Reactor& reactor, reactor::Handle scratch, uint64_t scratch_bytes,
                            uint64_t duration_ns) {
    Calibration result;
    const uint64_t blocks = scratch_bytes / kBlockBytes;
    for (uint32_t depth = 1; depth <= 2; ++depth) {
        result.data_sync_ns[depth - 1] = co_await median_ns(reactor, scratch, blocks, duration_ns / 4, false, depth);
        result.dsync_write_ns[depth - 1] = co_await median_ns(reactor, scratch, blocks, duration_ns / 4, true, depth);
    }
    const uint64_t data_sync_ns = result.data_sync_ns[0] + result.data_sync_ns[1];
    const uint64_t dsync_write_ns = result.dsync_write_ns[0] + result.dsync_write_ns[1];
    result.method = dsync_write_ns < data_sync_ns ? SyncMethod::kDsyncWrite : SyncMethod::kDataSyncPerGroup;
    co_return result;
}

}  // namespace kvorum::wal
