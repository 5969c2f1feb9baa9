package rtc

import (
	"bytes"
	"context"
	"encoding/binary"
	"net"
	"net/netip"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/stun/v4"
)

// What comes to the port, by the first byte of a piece of the input. The next is
// the length of what follows, in units of 8 bytes.
const (
	fromStranger = iota // any bytes
	fromMember          // any bytes, from where the link is
	aCheck              // a good check of the line, after which the handshake may begin
	anyCheck            // one with any attributes, and a good signature
	arrivals
)

const unit = 8

// patience is for what takes milliseconds. The fuzzer itself waits for 10 s, and does
// not say for what.
const patience = 9 * time.Second

// A handshake ends with its link, even when nothing else ends it. That is so if ICE is
// closed after it is done and before the handshake has a socket: whoever comes online a
// second time at the right moment can bring it about. Such links were never gone, and
// neither was the server when it stopped.
func TestHandshakeEndsWithItsLink(t *testing.T) {
	w := newWaiting(t)
	w.arrive(aCheck, nil)
	late := time.After(patience)
	for {
		if pair, err := w.link.connection.agent.GetSelectedCandidatePair(); err == nil && pair != nil {
			break // The handshake waits for the client to begin it.
		}
		select {
		case <-late:
			t.Fatal("the check was not taken")
		case <-time.After(time.Millisecond):
		}
	}
	w.link.over()
	select {
	case <-w.link.Done():
	case <-late:
		t.Fatal("the handshake goes on")
	}
	w.close()
}

// An answer is given out when the agent runs, since pion's agent does not survive a good
// check before.
func TestAnswerIsGivenWhenTheAgentRuns(t *testing.T) {
	for range 20 {
		w := newWaiting(t)
		select {
		case <-w.link.connection.runs:
		default:
			t.Error("the agent does not run")
		}
		w.close()
	}
}

// Who dials hears checks from nobody but those to whom he sent one, and so from nobody
// at all before his agent runs.
func TestWhoDialsSpeaksFirst(t *testing.T) {
	l := (&port{seen: new(sightings)}).newLane(0)
	l.speaksFirst = true
	server, other := netip.MustParseAddrPort("192.0.2.1:5"), netip.MustParseAddrPort("192.0.2.2:5")
	request, response, now := []byte{0, 1, 0, 0}, []byte{1, 1, 0, 0}, time.Now()
	for _, b := range [][]byte{request, response} {
		if l.admits(b, server, now) {
			t.Errorf("%x is heard before anything was sent", b)
		}
	}
	l.meets(server)
	for _, b := range [][]byte{request, response} {
		if !l.admits(b, server, now) || l.admits(b, other, now) {
			t.Errorf("%x is heard from elsewhere, or not from the server", b)
		}
	}
}

// piece writes a piece of input.
func piece(kind byte, data []byte) []byte {
	units := min((len(data)+unit-1)/unit, 255)
	b := append([]byte{kind, byte(units)}, data...)
	return append(b, make([]byte, max(0, 2+units*unit-len(b)))...)
}

// FuzzPort sends datagrams to a port with a link that waits for its client: to the
// socket, to the agent and to the handshake. Whatever they are, the port goes on,
// and the link can be closed.
func FuzzPort(f *testing.F) {
	var all []byte
	all = append(all, piece(aCheck, nil)...)
	for _, b := range recordFlights(f) {
		f.Add(slices.Concat(piece(fromStranger, b), piece(aCheck, nil), piece(fromMember, b)))
		all = append(all, piece(fromMember, b)...)
	}
	f.Add(all)
	f.Add(piece(aCheck, nil)) // It is closed as the handshake begins.
	f.Add(slices.Concat(piece(anyCheck, []byte("\x00\x24\x00\x04\x7e\x00\x00\xff")), piece(anyCheck, []byte("\x80\x29\x00\x08tiebreak"))))
	// One that claims our own role, and may change it.
	f.Add(slices.Concat(piece(anyCheck, []byte("\x80\x29\x00\x08\x00\x00\x00\x00\x00\x00\x00\x00")), all))
	f.Add(slices.Concat(piece(anyCheck, []byte("\x80\x29\x00\x08\xff\xff\xff\xff\xff\xff\xff\xff")), all))
	for _, b := range forgeries() {
		f.Add(slices.Concat(piece(aCheck, nil), piece(fromMember, b)))
	}
	f.Fuzz(comeToPort)
}

// comeToPort has all pieces of an input come, one after the other.
func comeToPort(t *testing.T, input []byte) {
	w := newWaiting(t)
	for pieces := 0; len(input) >= 2 && pieces < 40; pieces++ {
		kind, size := input[0]%arrivals, int(input[1])*unit
		input = input[2:]
		size = min(size, len(input))
		w.arrive(kind, input[:size])
		input = input[size:]
	}
	w.arrive(fromStranger, []byte("\x16")) // The port still reads.
	_, other, err := w.listener.Accept(t.Context(), exampleOffer, Handlers{})
	if err != nil {
		t.Fatalf("no further link: %v", err)
	}
	other.Close()
	if n := w.listener.Stats(); n.Unclaimed > n.Datagrams || n.Forged > n.Datagrams {
		t.Fatalf("%+v", n)
	}
	w.close()
}

// A waiting is a port with a link that waits for its client.
type waiting struct {
	t        *testing.T
	socket   *pipeSocket
	listener *Listener
	answer   string
	link     *Link
}

func newWaiting(t *testing.T) *waiting {
	t.Helper()
	w := &waiting{t: t, socket: newPipeSocket()}
	var err error
	if w.listener, err = NewListener(ListenConfig{Conn: w.socket}); err != nil {
		t.Fatal(err)
	}
	if w.answer, w.link, err = w.listener.Accept(t.Context(), exampleOffer, Handlers{}); err != nil {
		t.Fatal(err)
	}
	return w
}

// close closes all of it, which must not take long.
func (w *waiting) close() {
	w.t.Helper()
	closed := make(chan struct{})
	go func() {
		w.link.Close()
		_ = w.listener.Close()
		close(closed)
	}()
	select {
	case <-closed:
	case <-time.After(patience):
		w.t.Fatal("the link cannot be closed")
	}
	if n := w.listener.Stats(); n.Pending != 0 {
		w.t.Fatalf("%d links are left", n.Pending)
	}
}

var (
	nameOf     = regexp.MustCompile(`a=ice-ufrag:(\S+)`)
	passwordOf = regexp.MustCompile(`a=ice-pwd:(\S+)`)
)

// arrive has one datagram come.
func (w *waiting) arrive(kind byte, data []byte) {
	w.t.Helper()
	d := datagram{data, &net.UDPAddr{IP: net.IPv4(192, 0, 2, 1), Port: 4000}}
	switch kind {
	case fromStranger:
		d.from = &net.UDPAddr{IP: net.IPv4(192, 0, 2, 2), Port: 4000}
	case aCheck:
		d.data = checkOf(w.t, w.answer, true, nil)
	case anyCheck:
		d.data = checkOf(w.t, w.answer, false, data)
	}
	select {
	case <-w.socket.out: // What was sent before.
	default:
	}
	w.give(d)
	if kind == aCheck {
		w.hasAnswered(d)
	}
}

// give has the port read a datagram.
func (w *waiting) give(d datagram) {
	w.t.Helper()
	select {
	case w.socket.in <- d:
	case <-w.socket.over:
		w.t.Fatal("the port has ended")
	}
}

// hasAnswered waits for the link's answer to a good check: it knows the address then.
// Who claimed the link's own role before has to check twice, as clients do anyway.
func (w *waiting) hasAnswered(check datagram) {
	w.t.Helper()
	over := time.After(patience)
	for {
		select {
		case <-w.socket.out:
			return
		case <-w.link.Done(): // Whoever knows its password may bring that about.
			return
		case <-time.After(100 * time.Millisecond):
			w.give(check)
		case <-over:
			w.t.Fatal("no answer to a good check")
		}
	}
}

// checkOf is a check of the line, signed by who knows the password of an answer.
func checkOf(t *testing.T, answer string, good bool, attributes []byte) []byte {
	t.Helper()
	name, password := nameOf.FindStringSubmatch(answer), passwordOf.FindStringSubmatch(answer)
	if name == nil || password == nil {
		t.Fatalf("no name in\n%s", answer)
	}
	parts := []stun.Setter{stun.TransactionID, stun.BindingRequest, stun.NewUsername(name[1] + ":" + nameOf.FindStringSubmatch(exampleOffer)[1])}
	if good {
		parts = append(parts,
			stun.RawAttribute{Type: stun.AttrPriority, Value: []byte{0x7e, 0, 0, 0xff}},
			stun.RawAttribute{Type: stun.AttrICEControlling, Value: []byte("tiebreak")},
			stun.RawAttribute{Type: stun.AttrUseCandidate})
	}
	for len(attributes) >= 4 {
		size := min(int(binary.BigEndian.Uint16(attributes[2:]))%64, len(attributes)-4)
		parts = append(parts, stun.RawAttribute{Type: stun.AttrType(binary.BigEndian.Uint16(attributes)), Value: attributes[4 : 4+size]})
		attributes = attributes[4+size:]
	}
	parts = append(parts, stun.NewShortTermIntegrity(password[1]), stun.Fingerprint)
	m, err := stun.Build(parts...)
	if err != nil {
		return []byte("\x00\x01") // Attributes that cannot be written are none.
	}
	return m.Raw
}

// recordFlights returns the datagrams of a client's handshake, and some of its
// first cells.
func recordFlights(f *testing.F) [][]byte {
	f.Helper()
	s, err := NewListener(ListenConfig{Address: "127.0.0.1:0"})
	if err != nil {
		f.Fatal(err)
	}
	defer s.Close()
	conn, err := net.ListenUDP("udp", nil)
	if err != nil {
		f.Fatal(err)
	}
	var mu sync.Mutex
	var sent [][]byte
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	l, err := Dial(ctx, DialConfig{Conn: Watch(conn, func(c Crossing) {
		mu.Lock()
		defer mu.Unlock()
		if c.Sent && len(sent) < 16 {
			sent = append(sent, bytes.Clone(c.Data))
		}
	})}, func(ctx context.Context, offer string) (string, error) {
		answer, _, err := s.Accept(ctx, offer, Handlers{})
		return answer, err
	})
	if err != nil {
		f.Fatal(err)
	}
	l.Close()
	mu.Lock()
	defer mu.Unlock()
	return sent
}
