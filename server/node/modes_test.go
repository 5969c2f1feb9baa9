package node

import (
	"crypto/rand"
	"math"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"undertone/server/internal/admin"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/signal"
	"undertone/transport/simnet"
	"undertone/transport/uri"
)

const (
	slots    = 50
	headSize = 8 // what the messages of an sMIX begin with
)

// A view is what is seen of a server from outside and inside.
type view struct {
	packets []simnet.Packet
	status  admin.Status
	metrics string
	log     string
	traffic Traffic
}

// show serves some users who send what say makes, and who get so many messages
// each in a slot.
func show(t *testing.T, m cell.Mode, users int, messages int64, say func(b []byte)) (v view) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, of(m))
		users := w.crowd(users, say)
		time.Sleep(time.Second)
		from, before := time.Now(), users[0].cells.Load()
		time.Sleep(slots * cell.Interval40.Duration())
		if got := users[0].cells.Load() - before; got < messages*(slots-1) || got > messages*(slots+1) || users[0].other.Load() != 0 {
			t.Errorf("%d messages in %d slots, and %d of other lengths", got, slots, users[0].other.Load())
		}
		until := time.Now()
		synctest.Wait() // What arrives at this very moment was read, and is on its way to its link.
		v.packets, v.status, v.log = w.star.Since(from), w.node.Status(), w.log.String()
		v.metrics = w.metrics()
		// What leaves at this very moment may be on the list or not.
		v.packets = slices.DeleteFunc(v.packets, func(p simnet.Packet) bool { return !p.At.Before(until) })
		v.traffic = w.node.folder.Settings.Traffic(len(users))
		v.status.CertificateEnds = time.Time{}
		for _, u := range users {
			u.Close()
			u.quiet()
		}
		w.stop()
	})
	return v
}

// of returns the settings of a mode.
func of(m cell.Mode) func(s *Settings) {
	return func(s *Settings) { *s = DefaultSettingsFor(m); s.Listen = ":7443" }
}

// crowd brings so many users online who send what say makes.
func (w *world) crowd(n int, say func(b []byte)) (users []*user) {
	w.t.Helper()
	for range n {
		u, err := w.online(newIdentity(w.t), w.invite())
		if err != nil {
			w.t.Fatal(err)
		}
		u.quiet = talk(u, say)
		users = append(users, u)
	}
	return users
}

// Users of a bMIX get two messages in a slot, since they are nine.
func TestBroadcastIsBlind(t *testing.T) { checkBlind(t, cell.BMIX, 9, 2) }

// Users of an sMIX get one message twice.
func TestSumsAreBlind(t *testing.T) { checkBlind(t, cell.SMIX, 3, 2) }

// checkBlind serves users who send zeros, and others who send what looks like
// voice. Not a packet on the wire, not a count of the server and not a line of its
// log tells one from the other.
func checkBlind(t *testing.T, m cell.Mode, users int, messages int64) {
	idle := show(t, m, users, messages, func([]byte) {})
	call := show(t, m, users, messages, func(b []byte) { _, _ = rand.Read(b[headSize:]) })
	if d := simnet.Diff(idle.packets, call.packets); d != "" {
		t.Errorf("what is in cells shows: %s", d)
	}
	if idle.status != call.status || idle.status.Faults > 0 || idle.status.Online != users || idle.status.Late > 0 {
		t.Errorf("the server counts %+v and %+v", idle.status, call.status)
	}
	if idle.metrics != call.metrics {
		t.Errorf("what is in cells is measured:\n%s\nand\n%s", idle.metrics, call.metrics)
	}
	lines := func(s string) int { return strings.Count(s, "\n") }
	if lines(idle.log) != lines(call.log) {
		t.Errorf("the server logs\n%s\nand\n%s", idle.log, call.log)
	}
	checkTraffic(t, idle)
}

// checkTraffic compares what an operator is told with what is on the wire.
func checkTraffic(t *testing.T, v view) {
	t.Helper()
	const aroundUDP = 28
	up, down := 0, 0
	for _, p := range v.packets {
		if p.From.Port() == DefaultPort {
			down += p.Size + aroundUDP
		} else {
			up += p.Size + aroundUDP
		}
	}
	perUser := 8 / (slots * cell.Interval40.Duration()).Seconds() / 1000 / float64(v.status.Online)
	for _, c := range []struct {
		what  string
		bytes int
		told  int
	}{{"up", up, v.traffic.Up}, {"down", down, v.traffic.Down}} {
		if got := float64(c.bytes) * perUser; math.Abs(got/float64(c.told)-1) > 0.1 {
			t.Errorf("%s: %.0f kbit/s for each user, and not the %d that operators are told", c.what, got, c.told)
		}
	}
}

// The users of an sMIX are told how many channels they share.
func TestChannelsAreTold(t *testing.T) {
	for m, want := range map[cell.Mode]int{cell.TMIX: 0, cell.BMIX: 0, cell.SMIX: 11} {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, of(m), func(s *Settings) {
				if m == cell.SMIX {
					s.Channels = want
				}
			})
			defer func() { w.stop() }()
			u, err := w.online(newIdentity(t), w.invite())
			if err != nil {
				t.Fatal(err)
			}
			defer u.Close()
			if s := w.node.Status(); u.channels != want || s.Channels != want || s.Mode != m.String() {
				t.Errorf("%v: a user is told of %d channels, the operator of %d in mode %s", m, u.channels, s.Channels, s.Mode)
			}
		})
	}
}

// A user whose software sends no connection value is refused, in words.
func TestBroadcastNeedsARecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, of(cell.BMIX))
		defer func() { w.stop() }()
		id := newIdentity(t)
		token := w.invite()
		good := w.record
		for _, bad := range [][]byte{nil, good(id)[1:], make([]byte, key.ConnectionSize), make([]byte, signal.MaxRecord)} {
			w.record = func(*key.Identity) []byte { return bad }
			if _, err := w.online(id, token); err == nil || !strings.Contains(err.Error(), "update Undertone") {
				t.Errorf("a record of %d bytes: %v", len(bad), err)
			}
		}
		w.record = good
		u, err := w.online(id, uri.Token{})
		if err != nil {
			t.Fatal(err)
		}
		u.Close()
	})
}
