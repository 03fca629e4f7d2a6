#include "tools/load_schedule.h"

#include <cmath>

#include "base/units.h"
#include "tools/load_random.h"

namespace kvorum::tools::load {

ArrivalSchedule::ArrivalSchedule(const ScheduleShape& shape, uint64_t start_ns)
    : shape_(shape),
      start_ns_(start_ns),
      interval_ns_(static_cast<double>(kSecondNs) / shape.rate),
      prng_(shape.seed),
      next_ns_(start_ns) {
    advance();
}

void ArrivalSchedule::advance() {
    if (shape_.arrivals == Arrivals::kPoisson) {
        offset_ns_ += -std::log(draw_unit(prng_)) * interval_ns_;
    } else {
        // A product, not a sum: no error gathers over hours.
        offset_ns_ = (static_cast<double>(count_) + shape_.phase) * interval_ns_;
    }
    ++count_;
    next_ns_ = start_ns_ + static_cast<uint64_t>(offset_ns_);
}

}  // namespace kvorum::tools::load
