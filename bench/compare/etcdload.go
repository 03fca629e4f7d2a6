// etcdload loads etcd through its own Go client with closed-loop clients for some seconds, and prints one JSON object: operations, seconds and
// percentiles of latency. With -fill it writes every key once instead, in transactions of 128.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log"
	"math/rand"
	"os"
	"sort"
	"strings"
	"sync"
	"time"

	"go.etcd.io/etcd/clientv3"
)

// What etcd takes in one transaction unless it is told otherwise.
const fillBatch = 128

// One set for so many gets in the mix.
const getsPerSet = 10

type options struct {
	endpoint    string
	operation   string
	clients     int
	connections int
	keys        int
	valueBytes  int
	duration    time.Duration
	fill        bool
}

type result struct {
	Ops     int     `json:"ops"`
	Seconds float64 `json:"seconds"`
	P50     float64 `json:"p50_us"`
	P99     float64 `json:"p99_us"`
	P999    float64 `json:"p999_us"`
}

func parse() options {
	var o options
	flag.StringVar(&o.endpoint, "endpoint", "127.0.0.1:2379", "the member that takes the load")
	flag.StringVar(&o.operation, "op", "set", "set, get (linearizable) or mix")
	flag.IntVar(&o.clients, "clients", 50, "each has one operation in flight")
	flag.IntVar(&o.connections, "connections", 10, "that the clients share, at most one each")
	flag.IntVar(&o.keys, "keys", 100000, "key:000000000000 and on")
	flag.IntVar(&o.valueBytes, "size", 64, "bytes of a value")
	flag.DurationVar(&o.duration, "time", 3*time.Second, "how long")
	flag.BoolVar(&o.fill, "fill", false, "write every key once")
	flag.Parse()
	return o
}

func connect(o options) []*clientv3.Client {
	count := o.connections
	if count > o.clients {
		count = o.clients
	}
	clients := make([]*clientv3.Client, count)
	for i := range clients {
		client, err := clientv3.New(clientv3.Config{Endpoints: []string{o.endpoint}, DialTimeout: 5 * time.Second})
		if err != nil {
			log.Fatalf("etcdload: %v", err)
		}
		clients[i] = client
	}
	return clients
}

func key(number int) string { return fmt.Sprintf("key:%012d", number) }

func putBatch(client *clientv3.Client, first int, o options, value string) {
	var puts []clientv3.Op
	for number := first; number < first+fillBatch && number < o.keys; number++ {
		puts = append(puts, clientv3.OpPut(key(number), value))
	}
	if _, err := client.Txn(context.Background()).Then(puts...).Commit(); err != nil {
		log.Fatalf("etcdload: %v", err)
	}
}

// Several batches at a time: each waits for the disks of a quorum.
func fill(connections []*clientv3.Client, o options, value string) {
	firsts := make(chan int)
	var done sync.WaitGroup
	for _, client := range connections {
		done.Add(1)
		go func(client *clientv3.Client) {
			defer done.Done()
			for first := range firsts {
				putBatch(client, first, o, value)
			}
		}(client)
	}
	for first := 0; first < o.keys; first += fillBatch {
		firsts <- first
	}
	close(firsts)
	done.Wait()
}

func isSet(operation string, chance *rand.Rand) bool {
	return operation == "set" || (operation == "mix" && chance.Intn(getsPerSet+1) == 0)
}

// Works until the deadline; the latency of each operation in nanoseconds.
func work(client *clientv3.Client, o options, value string, seed int64, deadline time.Time) []int64 {
	chance := rand.New(rand.NewSource(seed))
	var latencies []int64
	for started := time.Now(); started.Before(deadline); {
		var err error
		if isSet(o.operation, chance) {
			_, err = client.Put(context.Background(), key(chance.Intn(o.keys)), value)
		} else {
			_, err = client.Get(context.Background(), key(chance.Intn(o.keys)))
		}
		if err != nil {
			log.Fatalf("etcdload: %v", err)
		}
		now := time.Now()
		latencies = append(latencies, now.Sub(started).Nanoseconds())
		started = now
	}
	return latencies
}

func load(connections []*clientv3.Client, o options, value string) result {
	started := time.Now()
	deadline := started.Add(o.duration)
	perClient := make([][]int64, o.clients)
	var done sync.WaitGroup
	for i := range perClient {
		done.Add(1)
		go func(i int) {
			defer done.Done()
			perClient[i] = work(connections[i%len(connections)], o, value, int64(i)+1, deadline)
		}(i)
	}
	done.Wait()
	seconds := time.Since(started).Seconds()
	var all []int64
	for _, latencies := range perClient {
		all = append(all, latencies...)
	}
	sort.Slice(all, func(a, b int) bool { return all[a] < all[b] })
	at := func(quantile float64) float64 { return float64(all[int(quantile*float64(len(all)-1))]) / 1000 }
	return result{Ops: len(all), Seconds: seconds, P50: at(0.5), P99: at(0.99), P999: at(0.999)}
}

func main() {
	o := parse()
	connections := connect(o)
	value := strings.Repeat("x", o.valueBytes)
	if o.fill {
		fill(connections, o, value)
		return
	}
	if err := json.NewEncoder(os.Stdout).Encode(load(connections, o, value)); err != nil {
		log.Fatalf("etcdload: %v", err)
	}
}
