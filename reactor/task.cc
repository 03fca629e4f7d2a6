#include "reactor/task.h"

#include <exception>

namespace kvorum::reactor::detail {

void die_of_exception() noexcept {
    try {
        throw;
    } catch (const std::exception& error) {
        assert_failed("no exception leaves a coroutine", __FILE__, __LINE__, error.what());
    } catch (...) {
        assert_failed("no exception leaves a coroutine", __FILE__, __LINE__, "of an unknown type");
    }
}

}  // namespace kvorum::reactor::detail
