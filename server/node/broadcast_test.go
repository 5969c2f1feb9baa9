package node

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"undertone/server/internal/admin"
	"undertone/transport/cell"
	"undertone/transport/signal"
	"undertone/transport/simnet"
	"undertone/transport/uri"
)

const (
	listeners = 9 // channels for two messages
	slots     = 50
)

// A view is what is seen of a server from outside and inside.
type view struct {
	packets []simnet.Packet
	status  admin.Status
	log     string
	traffic Traffic
}

// broadcast serves some users of a bMIX who send what say makes.
func broadcast(t *testing.T, say func(b []byte)) (v view) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(s *Settings) { *s = DefaultSettingsFor(cell.BMIX); s.Listen = ":7443" })
		users := w.crowd(listeners, say)
		time.Sleep(time.Second)
		from, before := time.Now(), users[0].cells.Load()
		time.Sleep(slots * cell.Interval40.Duration())
		if got := users[0].cells.Load() - before; got < 2*slots-2 || got > 2*slots+2 || users[0].other.Load() != 0 {
			t.Errorf("%d messages in %d slots, and %d of other lengths", got, slots, users[0].other.Load())
		}
		until := time.Now()
		v.packets, v.status, v.log = w.star.Since(from), w.node.Status(), w.log.String()
		// What leaves at this very moment may be on the list or not.
		v.packets = slices.DeleteFunc(v.packets, func(p simnet.Packet) bool { return !p.At.Before(until) })
		v.traffic = w.node.folder.Settings.Traffic(listeners)
		v.status.CertificateEnds = time.Time{}
		for _, u := range users {
			u.Close()
			u.quiet()
		}
		w.stop()
	})
	return v
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

// TestBroadcastIsBlind serves users who send zeros, and others who send what
// looks like voice. Not a packet on the wire, not a count of the server and not a
// line of its log tells one from the other.
func TestBroadcastIsBlind(t *testing.T) {
	idle := broadcast(t, func([]byte) {})
	random := rand.NewChaCha8([32]byte{1})
	call := broadcast(t, func(b []byte) { _, _ = random.Read(b) })
	if d := simnet.Diff(idle.packets, call.packets); d != "" {
		t.Errorf("what is in cells shows: %s", d)
	}
	if idle.status != call.status || idle.status.Faults > 0 || idle.status.Online != listeners || idle.status.Late > 0 {
		t.Errorf("the server counts %+v and %+v", idle.status, call.status)
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
	perUser := 8 / (slots * cell.Interval40.Duration()).Seconds() / 1000 / listeners
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

// A user whose software sends no connection value is refused, in words.
func TestBroadcastNeedsARecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, func(s *Settings) { *s = DefaultSettingsFor(cell.BMIX); s.Listen = ":7443" })
		defer func() { w.stop() }()
		id := newIdentity(t)
		token := w.invite()
		record := w.record
		for _, bad := range [][]byte{nil, record[1:], make([]byte, len(record)), make([]byte, signal.MaxRecord)} {
			w.record = bad
			if _, err := w.online(id, token); err == nil || !strings.Contains(err.Error(), "update Undertone") {
				t.Errorf("a record of %d bytes: %v", len(bad), err)
			}
		}
		w.record = record
		u, err := w.online(id, uri.Token{})
		if err != nil {
			t.Fatal(err)
		}
		u.Close()
	})
}
