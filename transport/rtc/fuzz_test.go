package rtc

import (
	"bytes"
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/pion/dtls/v3/pkg/protocol/recordlayer"
)

// FuzzLane compares what a link takes with how pion takes datagrams apart: an open one
// takes a record that is encrypted, of data or an alert, and nothing else that pion would
// find a record in; and while it opens, data comes alone.
func FuzzLane(f *testing.F) {
	for _, b := range forgeries() {
		f.Add(b)
	}
	f.Add(record(23, 1, 9, "as if encrypted"))
	f.Add(slices.Concat(record(22, 1, 9, "as if encrypted"), record(21, 1, 10, "and another")))
	known, other := netip.MustParseAddrPort("192.0.2.1:5"), netip.MustParseAddrPort("192.0.2.2:5")
	f.Fuzz(func(t *testing.T, b []byte) {
		l := (&port{seen: new(sightings)}).newLane(0)
		if !l.meets(known) {
			t.Fatal("the first address is too many")
		}
		early := l.admits(b, known, time.Time{})
		l.seal()
		late := l.admits(b, known, time.Time{})
		if late && !early || len(b) == 0 && early {
			t.Fatalf("taken when open: %v, and before: %v", late, early)
		}
		if early && b[0] <= lastSTUN && (!late || l.admits(b, other, time.Time{})) {
			t.Fatal("a check was taken from elsewhere, or not from where the link is")
		}
		if early && b[0] >= firstDTLS {
			records, err := recordlayer.ContentAwareUnpackDatagram(b, 0)
			if alone := err == nil && len(records) == 1; late != (alone && isSealedRecord(records[0])) {
				t.Fatalf("%x is taken: %v", b, late)
			}
			if err == nil && len(records) > 1 && slices.ContainsFunc(records, func(r []byte) bool { return r[0] < recordChange || r[0] >= recordData }) {
				t.Fatalf("%x is taken", b)
			}
		}
	})
}

func isSealedRecord(b []byte) bool {
	return (b[0] == recordAlert || b[0] == recordData) && binary.BigEndian.Uint16(b[epochAt:]) != 0
}

// FuzzAccept gives a server offers that a member may write: each is refused or
// answered, and what was made for it goes away.
func FuzzAccept(f *testing.F) {
	s, err := NewListener(ListenConfig{Conn: newPipeSocket()})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { _ = s.Close() })
	f.Add(exampleOffer)
	f.Add(exampleOffer + "a=max-message-size:0\r\n")
	f.Add(exampleOffer + "a=ice-lite\r\na=ice-options:trickle ice2\r\n")
	f.Add(string(bytes.ReplaceAll([]byte(exampleOffer), []byte("actpass"), []byte("passive"))))
	f.Fuzz(func(t *testing.T, offer string) {
		answer, l, err := s.Accept(t.Context(), offer, Handlers{})
		if err == nil {
			if _, err := cleanAnswer(answer); err != nil {
				t.Errorf("%v in the answer\n%s", err, answer)
			}
			l.Close()
		}
		if n := s.Stats(); n.Pending != 0 {
			t.Fatalf("%d links are left, after %v", n.Pending, err)
		}
	})
}

// A pipeSocket is a socket whose datagrams a test writes.
type pipeSocket struct {
	in   chan datagram
	out  chan struct{} // something was sent
	over chan struct{}
	once sync.Once
}

type datagram struct {
	data []byte
	from *net.UDPAddr
}

func newPipeSocket() *pipeSocket {
	return &pipeSocket{in: make(chan datagram), out: make(chan struct{}, 1), over: make(chan struct{})}
}

func (p *pipeSocket) ReadFrom(b []byte) (int, net.Addr, error) {
	select {
	case d := <-p.in:
		return copy(b, d.data), d.from, nil
	case <-p.over:
		return 0, nil, net.ErrClosed
	}
}

func (p *pipeSocket) WriteTo(b []byte, _ net.Addr) (int, error) {
	select {
	case p.out <- struct{}{}:
	default:
	}
	return len(b), nil
}

func (p *pipeSocket) Close() error {
	p.once.Do(func() { close(p.over) })
	return nil
}

func (p *pipeSocket) LocalAddr() net.Addr {
	return &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 3478}
}
func (p *pipeSocket) SetDeadline(time.Time) error      { return nil }
func (p *pipeSocket) SetReadDeadline(time.Time) error  { return nil }
func (p *pipeSocket) SetWriteDeadline(time.Time) error { return nil }
