// Cooperative cancellation inside one reactor. A StopSource is asked once; everything that waits with its token ends
// its wait soon after, having cancelled what it had in the backend and awaited the last completion. What was asked of
// the kernel may have happened all the same.
//
// Thread: the reactor's. Tokens and callbacks must not outlive their source (asserted for callbacks). A default
// StopToken never stops.
#pragma once

#include "base/assert.h"

namespace kvorum::reactor {

class StopSource;

class StopToken {
 public:
    StopToken() = default;
    [[nodiscard]] bool stop_requested() const;

 private:
    friend class StopSource;
    friend class StopCallback;
    explicit StopToken(StopSource& source) : source_(&source) {}
    StopSource* source_ = nullptr;
};

// Called at most once, inline from request_stop(): it may only record, cancel and schedule.
class StopCallback {
 public:
    StopCallback() = default;
    StopCallback(const StopCallback&) = delete;
    StopCallback& operator=(const StopCallback&) = delete;
    virtual void on_stop() noexcept = 0;

    // Without effect if the token can never stop. The stop must not have been requested yet.
    void watch(StopToken token);
    void unwatch();

 protected:
    ~StopCallback() { unwatch(); }

 private:
    friend class StopSource;
    StopSource* source_ = nullptr;
    StopCallback* next_ = nullptr;
    StopCallback* previous_ = nullptr;
};

class StopSource {
 public:
    StopSource() = default;
    StopSource(const StopSource&) = delete;
    StopSource& operator=(const StopSource&) = delete;
    ~StopSource() { KVORUM_ASSERT(head_ == nullptr, "a stop source was destroyed while somebody waits for it"); }

    [[nodiscard]] StopToken token() { return StopToken(*this); }
    [[nodiscard]] bool stop_requested() const { return stop_requested_; }
    void request_stop() noexcept {
        stop_requested_ = true;
        while (StopCallback* callback = head_) {
            callback->unwatch();
            callback->on_stop();
        }
    }

 private:
    friend class StopCallback;
    bool stop_requested_ = false;
    StopCallback* head_ = nullptr;
};

inline bool StopToken::stop_requested() const { return source_ != nullptr && source_->stop_requested(); }

inline void StopCallback::watch(StopToken token) {
    KVORUM_ASSERT(source_ == nullptr && !token.stop_requested());
    source_ = token.source_;
    if (source_ == nullptr) return;
    next_ = source_->head_;
    previous_ = nullptr;
    if (next_ != nullptr) next_->previous_ = this;
    source_->head_ = this;
}

inline void StopCallback::unwatch() {
    if (source_ == nullptr) return;
    (previous_ == nullptr ? source_->head_ : previous_->next_) = next_;
    if (next_ != nullptr) next_->previous_ = previous_;
    source_ = nullptr;
}

}  // namespace kvorum::reactor
