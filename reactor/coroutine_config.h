// What depends on the compiler in the coroutine code, in one place.
//
// KVORUM_POST_CONTINUATIONS  a finished Task puts its awaiter on the run queue instead of jumping to it (symmetric transfer). Needed where the
//     jump is no guaranteed tail call, so that a loop of tasks that finish at once eats the stack: g++ without optimisation (GCC bug 100897).
//     clang has guaranteed the tail call since LLVM 19 (LLVM pull request 89751). Also useful with clang, to shuffle more.
// KVORUM_CORO_TYPE, KVORUM_CORO_WRAPPER  clang warns about reference arguments that do not outlive the task, if a task type says what it is. In
//     exchange a function that returns a Task and is not itself a coroutine must say KVORUM_CORO_WRAPPER before its declaration.
#pragma once

#if !defined(__clang__) && !defined(KVORUM_POST_CONTINUATIONS)
#define KVORUM_POST_CONTINUATIONS
#endif

#if defined(__clang__) && __clang_major__ >= 19
#define KVORUM_CORO_TYPE [[clang::coro_return_type, clang::coro_lifetimebound]]
#define KVORUM_CORO_WRAPPER [[clang::coro_wrapper]]
#else
#define KVORUM_CORO_TYPE
#define KVORUM_CORO_WRAPPER
#endif

namespace kvorum::reactor {

#if defined(KVORUM_POST_CONTINUATIONS)
inline constexpr bool kPostContinuations = true;
#else
inline constexpr bool kPostContinuations = false;
#endif

}  // namespace kvorum::reactor
