// What depends on the compiler in the coroutine code, in one place.
//
// KVORUM_POST_CONTINUATIONS  a finished Task puts its awaiter on the run queue instead of jumping to it (symmetric
// transfer). Needed where the
//     jump is no guaranteed tail call, so that a loop of tasks that finish at once eats the stack: g++ without
//     optimisation (GCC bug 100897). clang has guaranteed the tail call since LLVM 19 (LLVM pull request 89751). Also
//     useful with clang, to shuffle more. One setting for a whole program.
// KVORUM_CORO_LIFETIMES  clang then warns about arguments that do not outlive the task. Off by default: a function that
// returns a Task and is not
//     itself a coroutine must then say KVORUM_CORO_WRAPPER, and those of the standard library (std::function,
//     std::invoke, std::exchange) cannot.
#pragma once

#if !defined(__clang__) && !defined(KVORUM_POST_CONTINUATIONS)
#define KVORUM_POST_CONTINUATIONS
#endif

#if defined(KVORUM_CORO_LIFETIMES)
#define KVORUM_CORO_TYPE [[clang::coro_return_type, clang::coro_lifetimebound]]
#define KVORUM_CORO_WRAPPER [[clang::coro_wrapper]]
#else
#define KVORUM_CORO_TYPE
#define KVORUM_CORO_WRAPPER
#endif
