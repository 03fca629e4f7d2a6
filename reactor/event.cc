#include "reactor/event.h"

namespace kvorum::reactor {

void Event::set() {
    set_ = true;
    while (Waiter* waiter = head_) {
        waiter->unlink();
        waiter->unwatch();
        reactor_.schedule(waiter->resumption_);
    }
}

bool Event::Waiter::await_ready() {
    stopped_ = stop_.stop_requested();
    return stopped_ || event_.set_;
}

void Event::Waiter::await_suspend(std::coroutine_handle<> awaiter) {
    resumption_.coroutine = awaiter;
    watch(stop_);
    previous_ = event_.tail_;
    (previous_ == nullptr ? event_.head_ : previous_->next_) = this;
    event_.tail_ = this;
    linked_ = true;
}

void Event::Waiter::on_stop() noexcept {
    stopped_ = true;
    unlink();
    event_.reactor_.schedule(resumption_);
}

void Event::Waiter::unlink() {
    if (!linked_) return;
    linked_ = false;
    (previous_ == nullptr ? event_.head_ : previous_->next_) = next_;
    (next_ == nullptr ? event_.tail_ : next_->previous_) = previous_;
}

}  // namespace kvorum::reactor
