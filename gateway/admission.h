// Whether there is room for a command: for its reply in the output of its session, and for itself in the log.
//
// What is carried out when, so that no session's output grows without bound. Thread: the owning core.
#pragma once

#include "gateway/answers.h"
#include "kv/store.h"
#include "replica/group.h"

namespace kvorum::gateway {

class Admission {
 public:
    Admission(const kv::Store& store, Answers& answers) : store_(store), answers_(answers) {}

    // Whether the reply may be made as far as the output is concerned; if so, it is expected from now on. If not, the
    // lane says what it waits for.
    [[nodiscard]] bool reply_fits(Lane& lane, Request& request, ops::Arguments arguments);
    // Of a command about the node, which replies when it is at the head. True: what follows it must wait until then.
    [[nodiscard]] bool expect_local(Lane& lane, Request& request, uint64_t reply_bytes);

    // What the group said of a write. True: it has its place, or `error` as its own reply, or was refused; false: the
    // group has no leader here, it stays where it is.
    [[nodiscard]] bool settle(Lane& lane, Request& request, replica::WriteAdmission admission, std::string_view error);

 private:
    const kv::Store& store_;
    Answers& answers_;
};

}  // namespace kvorum::gateway
