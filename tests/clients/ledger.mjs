// The load of one client object, and what it was told, one line a step on standard output:
//   NAME > s 7     SET NAME:7 was called
//   NAME + s 7     it was acknowledged;  NAME + i 7: INCR NAME gave 7
//   NAME - s ...   refused as definitely not executed
//   NAME ? s ...   no word about its outcome
// The judge (clients_test.cc) reads it when the program is gone; a call without an answer is then unknown too.
const PAUSE_MS = 5;
const PAUSE_AFTER_ERROR_MS = 100;
const NOT_EXECUTED = /\b(CLUSTERDOWN|ClusterDown|TRYAGAIN|TryAgain|MISCONF)\b/;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

function say(line) {
  process.stdout.write(line + '\n');
}

async function attempt(name, kind, label, call) {
  say(`${name} > ${kind} ${label}`);
  try {
    const result = await call();
    say(`${name} + ${kind} ${kind === 'i' ? Number(result) : label}`);
    await pause(PAUSE_MS);
  } catch (error) {
    const text = String(error?.message ?? error).replaceAll('\n', ' ');
    say(`${name} ${NOT_EXECUTED.test(text) ? '-' : '?'} ${kind} ${label} ${text}`);
    await pause(PAUSE_AFTER_ERROR_MS);
  }
}

// `client` has set(key, value) and incr(key). Never ends: the judge ends the program.
export async function load(name, client) {
  for (let n = 1; ; ++n) {
    await attempt(name, 's', n, () => client.set(`${name}:${n}`, String(n)));
    await attempt(name, 'i', n, () => client.incr(name));
  }
}
