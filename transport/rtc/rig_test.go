package rtc

import (
	"context"
	"encoding/binary"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"undertone/transport/cell"
	"undertone/transport/simnet"
)

// rig is a server and one user on a simulated network, inside a bubble.
type rig struct {
	star           *simnet.Star
	user           *simnet.Host
	listener       *Listener
	client, server *Link
	// The two sockets: what is written to them comes from where the link's own
	// datagrams do.
	userConn, serverConn net.PacketConn
	up, down             ledger // what arrived at the server and at the user
}

// ledger notes when each numbered message arrived first.
type ledger struct {
	mu sync.Mutex
	at map[uint32]time.Time
}

func (l *ledger) receive(b []byte, at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.at == nil {
		l.at = make(map[uint32]time.Time)
	}
	n := binary.BigEndian.Uint32(b)
	if _, ok := l.at[n]; !ok {
		l.at[n] = at
	}
}

// when returns when message n arrived.
func (l *ledger) when(n int) (at time.Time, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok = l.at[uint32(n)]
	return at, ok
}

// count returns how many different messages arrived.
func (l *ledger) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.at)
}

// newRig returns a rig with an open link; the caller must close it.
func newRig(t *testing.T, seed uint64, up, down simnet.Path) *rig {
	t.Helper()
	return newRigWith(t, seed, up, down, func(answer string) string { return answer })
}

// newRigWith returns a rig whose user gets a changed answer.
func newRigWith(t *testing.T, seed uint64, up, down simnet.Path, change func(answer string) string) *rig {
	t.Helper()
	r, err := openRig(t, seed, up, down, change)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// openRig returns a rig whose link may have failed to open.
func openRig(t *testing.T, seed uint64, up, down simnet.Path, change func(answer string) string) (*rig, error) {
	t.Helper()
	return openRigFor(t, DialConfig{}, seed, up, down, change)
}

// openRigFor does so for links that carry whole batches.
func openRigFor(t *testing.T, cfg DialConfig, seed uint64, up, down simnet.Path, change func(answer string) string) (*rig, error) {
	t.Helper()
	r := &rig{star: simnet.New(simnet.Config{Seed: seed})}
	conn, err := r.star.Server().ListenUDP(3478)
	if err != nil {
		t.Fatal(err)
	}
	r.serverConn = conn
	if r.listener, err = NewListener(ListenConfig{Conn: conn}); err != nil {
		t.Fatal(err)
	}
	r.user = r.star.User(up, down)
	if conn, err = r.user.ListenUDP(0); err != nil {
		t.Fatal(err)
	}
	r.userConn = conn
	r.client, err = Dial(t.Context(), DialConfig{Conn: conn, Receive: r.down.receive, Depth: cfg.Depth, Window: cfg.Window, Rate: cfg.Rate},
		func(ctx context.Context, offer string) (answer string, err error) {
			answer, r.server, err = r.listener.Accept(ctx, offer, Handlers{Receive: r.up.receive, Depth: cfg.Depth, Window: cfg.Window, Rate: cfg.Rate})
			return change(answer), err
		})
	if err != nil {
		return r, err
	}
	select {
	case <-r.server.Opened():
		return r, nil
	case <-r.server.Done():
		return r, r.server.Err()
	}
}

func (r *rig) close() {
	if r.client != nil {
		r.client.Close()
	}
	_ = r.listener.Close()
	r.star.Close()
}

// schedule says when the messages of a run are sent and what is in them.
type schedule struct {
	interval time.Duration
	count    int
	fill     func(n int, b []byte) // writes the content of message n
	late     map[int]time.Duration // planted: messages sent too late
	longer   map[int]int           // planted: messages with more bytes
}

// stagger is how much later than the user the server sends.
const stagger = 13 * time.Millisecond

// run sends messages both ways and returns when the first went out. It waits
// until the last can have arrived.
func (r *rig) run(s schedule) (start time.Time) {
	start = time.Now().Truncate(time.Second).Add(2 * time.Second)
	var wait sync.WaitGroup
	for link, first := range map[*Link]time.Time{r.client: start, r.server: start.Add(stagger)} {
		wait.Go(func() { s.send(link, first) })
	}
	wait.Wait()
	time.Sleep(3 * time.Second)
	return start
}

func (s schedule) send(l *Link, first time.Time) {
	var b [MaxMessage]byte
	for n := range s.count {
		at := first.Add(time.Duration(n)*s.interval + s.late[n])
		time.Sleep(time.Until(at))
		if s.fill != nil {
			s.fill(n, b[:])
		}
		binary.BigEndian.PutUint32(b[:], uint32(n))
		l.Send(b[:cell.Size+s.longer[n]])
	}
}

// bubble runs f in fake time.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}
