// usage: go_clients LEADER_PORT FOLLOWER_PORT
// redigo's pool at the node that leads first and at a follower. The lines are those of ledger.mjs.
package main

import (
	"fmt"
	"os"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/gomodule/redigo/redis"
)

const (
	pause           = 5 * time.Millisecond
	pauseAfterError = 100 * time.Millisecond
)

var (
	notExecuted = regexp.MustCompile("CLUSTERDOWN|TRYAGAIN|MISCONF")
	sayMutex    sync.Mutex
)

func say(format string, arguments ...interface{}) {
	sayMutex.Lock()
	defer sayMutex.Unlock()
	fmt.Printf(format+"\n", arguments...)
}

func attempt(pool *redis.Pool, name, kind string, label int, command string, arguments ...interface{}) {
	say("%s > %s %d", name, kind, label)
	connection := pool.Get()
	result, err := connection.Do(command, arguments...)
	connection.Close()
	if err != nil {
		sign := "?"
		if notExecuted.MatchString(err.Error()) {
			sign = "-"
		}
		say("%s %s %s %d %s", name, sign, kind, label, strings.ReplaceAll(err.Error(), "\n", " "))
		time.Sleep(pauseAfterError)
		return
	}
	if kind == "i" {
		say("%s + i %d", name, result)
	} else {
		say("%s + s %d", name, label)
	}
	time.Sleep(pause)
}

func load(name, port string) {
	pool := &redis.Pool{Dial: func() (redis.Conn, error) { return redis.Dial("tcp", "127.0.0.1:"+port) }}
	for n := 1; ; n++ {
		attempt(pool, name, "s", n, "SET", fmt.Sprintf("%s:%d", name, n), n)
		attempt(pool, name, "i", n, "INCR", name)
	}
}

func main() {
	go load("redigo.leader", os.Args[1])
	load("redigo.follower", os.Args[2])
}
