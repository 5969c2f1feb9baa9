// Package crash kills a server again and again, at random moments, while users talk,
// join and are invited, and shows what that costs: nothing of what anybody was told is
// lost, and everybody comes back.
//
//	┌───────────────────────────────┐           ┌───────────────────────┐
//	│ crowd: simulated users        │ ◀──────▶  │ undertone-server run  │ ◀─ SIGKILL
//	│ pairs: whole clients in calls │ ◀──────▶  │ (the program itself)  │ ◀─ start
//	│ office: joins and invites ────┼──────────▶│ data folder           │
//	└───────────────────────────────┘           └───────────────────────┘
//
// After each kill the server is started again as systemd does it, by the package's unit:
// after half a second. Then it is measured how long after the kill each user hears the
// server again, and each of those in a call the other; and the registry is compared with
// what the office was told (office_test.go).
//
// What becomes of a call: the server has forgotten it. A client takes a second without a
// cell for a lost line and dials; the call itself goes on in the clients, and when both
// are back each tells the server anew whom it talks to. So a call resumes by itself, with
// the same keys, and only what was said meanwhile is lost. At 100 ms a new line takes a
// second or more until what it sends is in time, and a client points its call once a
// second; so the voice is back some two seconds after the lines. A call ends if the other
// side is not heard for 20 s.
//
// A client whose line lasted for less than a minute waits before it dials again, longer
// each time, so that a server that dies again and again is not overrun. The kills here
// come closer than that, so for each of them the pairs are new clients of the same
// people, as those are who have been online for a while.
//
// In make test this is short, and judges no times; make kills is the long form:
//
//	go test -v ./server/bench/crash -args -kills 50 -clients 100 -within 5s
package crash

import (
	"context"
	"flag"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"undertone/server/bench/internal/child"
	"undertone/server/bench/internal/crowd"
	"undertone/server/bench/internal/ours"
	"undertone/transport/cell"
)

var (
	kills   = flag.Int("kills", 3, "how often the server is killed")
	clients = flag.Int("clients", 10, "how many users are online")
	calls   = flag.Int("pairs", 1, "how many calls there are of whole clients, who are among the users")
	within  = flag.Duration("within", 0, "within what time everybody must be back; 0 for no judgement")
	desks   = flag.Int("desks", 2, "how many people are invited or join at the same time")
)

const (
	interval = cell.Interval100
	margin   = 6 * time.Millisecond
	// restart is how long after the end of the server it is started again: RestartSec in
	// the unit of the package.
	restart = 500 * time.Millisecond
	// killWithin bounds the random time from when all are back and in calls to the kill.
	killWithin = 1500 * time.Millisecond
	// patience is how long a test waits for what takes seconds on an idle machine.
	patience = time.Minute
	// room is how many more seats than users there are: who joins has one for ten
	// seconds.
	room = 300
)

// A bed is a server under test, with all who use it.
type bed struct {
	t      *testing.T
	server *ours.Server
	users  *crowd.Crowd
	pairs  []*pair
	office *office

	// What was measured: how long after each kill.
	served, back, heard spans
}

// A server that is killed loses no user and no invite, everybody comes back, and calls
// go on.
func TestKills(t *testing.T) {
	if *clients <= 2**calls || *kills < 1 || *desks < 1 {
		t.Fatalf("there is no test with -kills %d -clients %d -pairs %d -desks %d", *kills, *clients, *calls, *desks)
	}
	b := newBed(t)
	for n := range *kills {
		b.kill(n)
	}
	b.office.close()
	b.check()
	account := b.office.String()
	used := b.office.redeemOpen(t)
	t.Logf("%d kills of a server with %d users, %d of them whole clients in calls", *kills, *clients, 2**calls)
	t.Logf("serving again: %s", &b.served)
	t.Logf("back online:   %s", &b.back)
	t.Logf("heard again:   %s", &b.heard)
	t.Logf("the registry:  %s; %d of these let somebody in at the end", account, used)
	if longest := b.back.longest(); *within > 0 && longest > *within {
		t.Errorf("somebody was back after %v only", longest)
	}
}

// newBed starts a server, and has everybody come online.
func newBed(t *testing.T) *bed {
	t.Helper()
	program := child.Program{Path: build(t), Args: []string{"run"}}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	b := &bed{t: t}
	var err error
	b.server, err = ours.Start(ctx, ours.Config{
		Mode: cell.TMIX, Interval: interval, Seats: *clients + room, Calls: 50,
		Program: program,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.server.Close)
	for range *calls {
		p := newPair(t, b.server)
		t.Cleanup(p.close)
		b.pairs = append(b.pairs, p)
	}
	rest := *clients - 2**calls
	b.users = crowd.New(crowd.Config{Service: b.server, Interval: interval, Margin: margin, Together: rest})
	t.Cleanup(b.users.Close)
	if err := b.users.Fill(ctx, rest); err != nil {
		t.Fatal(err)
	}
	b.office = newOffice(t, b.server, *desks)
	t.Cleanup(b.office.close)
	return b
}

// build builds the server's program.
func build(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "undertone-server")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", path, "undertone/server/undertone-server")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return path
}

// kill has the pairs call each other, kills the server some time later, and waits until
// all is as before.
func (b *bed) kill(n int) {
	t := b.t
	t.Helper()
	b.together(func(p *pair, _ int) error { return p.begin() }, 1)
	if t.Failed() {
		status, err := b.server.Status(t.Context())
		t.Fatalf("the server is %+v (%v), and the users %+v", status, err, b.users.Counts())
	}
	rest := *clients - 2**calls
	b.await("all users online", func() bool { return b.users.Counts().Online == int64(rest) })
	wait(rand.N(killWithin))
	at := time.Now()
	b.do(b.server.Kill())
	wait(restart)
	b.do(b.server.Again(t.Context()))
	serving := time.Since(at)
	b.served.add(serving)

	var resumed sync.WaitGroup
	var back, heard spans
	resumed.Go(func() {
		b.together(func(p *pair, k int) error { return p.resume(p.members[k], at, &back, &heard) }, len(pair{}.people))
	})
	var arrivals []time.Duration
	b.await("all users back", func() bool {
		arrivals = b.users.Arrivals(at)
		return len(arrivals) == rest
	})
	back.add(arrivals...)
	voice := b.server.Voice()
	b.await("simulated calls", func() bool { return b.server.Voice() > voice })
	resumed.Wait()
	b.check()
	b.together(func(p *pair, _ int) error { return p.end() }, 1)
	if t.Failed() {
		t.FailNow()
	}
	t.Logf("kill %d: serving again after %v, all back after %v, all in calls heard again after %v", n+1, round(serving), round(back.longest()), round(heard.longest()))
	b.back.add(back.all...)
	b.heard.add(heard.all...)
}

// together has all pairs do something at the same time, each so many times.
func (b *bed) together(what func(p *pair, k int) error, times int) {
	var all sync.WaitGroup
	for _, p := range b.pairs {
		for k := range times {
			all.Go(func() {
				if err := what(p, k); err != nil {
					b.t.Error(err)
				}
			})
		}
	}
	all.Wait()
}

func (b *bed) do(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

// check compares the registry with what everybody was told.
func (b *bed) check() {
	b.t.Helper()
	b.office.check(b.t)
	found, expected, err := b.server.Registered(b.t.Context())
	b.do(err)
	if found != expected {
		b.t.Errorf("of %d simulated users, %d are in the registry", expected, found)
	}
	status, err := b.server.Status(b.t.Context())
	b.do(err)
	if status.Faults != 0 {
		b.t.Errorf("the server has caught %d bugs", status.Faults)
	}
}

// await waits until something is so.
func (b *bed) await(what string, ok func() bool) {
	b.t.Helper()
	look := time.NewTicker(10 * time.Millisecond)
	defer look.Stop()
	late := time.After(patience)
	for !ok() {
		select {
		case <-look.C:
		case <-late:
			b.t.Fatalf("not within %v: %s: %+v", patience, what, b.users.Counts())
		}
	}
}

// wait lets some time pass.
func wait(d time.Duration) { <-time.After(d) }
