<?php
// usage: php_clients.php leader|follower|cluster PORT...
// One client object of php-redis: it blocks, so each is a program of its own. The lines are those of ledger.mjs.

const PAUSE_US = 5000;
const PAUSE_AFTER_ERROR_US = 100000;
const READ_TIMEOUT_S = 15.0;
// php-redis gives a client object up for good once its retries fail; these outlast a restart.
const RETRIES = 100;
const RETRY_PAUSE_MS = 200;

$role = $argv[1];
$ports = array_slice($argv, 2);
$name = "php-redis.$role";

function say(string $line): void
{
    fwrite(STDOUT, "$line\n");
}

// php-redis returns false for many errors; what was said stands in getLastError().
function attempt($client, string $name, string $kind, $label, callable $call): void
{
    say("$name > $kind $label");
    $text = '';
    try {
        $client->clearLastError();
        $result = $call();
        if ($result !== false) {
            say("$name + $kind " . ($kind === 'i' ? $result : $label));
            usleep(PAUSE_US);
            return;
        }
        $text = (string) $client->getLastError();
    } catch (Throwable $error) {
        $text = $error->getMessage();
    }
    $refused = preg_match('/CLUSTERDOWN|TRYAGAIN|MISCONF/', $text) === 1;
    say("$name " . ($refused ? '-' : '?') . " $kind $label " . str_replace("\n", ' ', $text));
    usleep(PAUSE_AFTER_ERROR_US);
}

function make(string $role, array $ports)
{
    if ($role === 'cluster') {
        $seeds = array_map(fn($port) => "127.0.0.1:$port", $ports);
        return new RedisCluster(null, $seeds, 2.0, READ_TIMEOUT_S);
    }
    $client = new Redis();
    $client->connect('127.0.0.1', (int) $ports[0], 2.0, null, 0, READ_TIMEOUT_S);
    $client->setOption(Redis::OPT_MAX_RETRIES, RETRIES);
    $client->setOption(Redis::OPT_BACKOFF_ALGORITHM, Redis::BACKOFF_ALGORITHM_CONSTANT);
    $client->setOption(Redis::OPT_BACKOFF_BASE, RETRY_PAUSE_MS);
    return $client;
}

$client = make($role, $ports);
for ($n = 1; ; ++$n) {
    attempt($client, $name, 's', $n, fn() => $client->set("$name:$n", (string) $n));
    attempt($client, $name, 'i', $n, fn() => $client->incr($name));
}
