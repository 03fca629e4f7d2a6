#include "reactor/streams.h"

#include <cerrno>

namespace kvorum::reactor {

MultishotStream::MultishotStream(Reactor& reactor, IoCode io_code, Handle io_handle)
    : reactor_(reactor), rearm_(nullptr), ended_(reactor) {
    code = io_code;
    handle = io_handle;
}

}  // namespace kvorum::reactor
