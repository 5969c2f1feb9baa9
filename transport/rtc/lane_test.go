package rtc

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/dtls/v3"
	dtlsnet "github.com/pion/dtls/v3/pkg/net"

	"undertone/transport/simnet"
)

// record writes a DTLS record as somebody does who has no key.
func record(kind byte, epoch uint16, number uint16, content string) []byte {
	b := make([]byte, recordHeader, recordHeader+len(content))
	b[0], b[1], b[2] = kind, 0xfe, 0xfd
	binary.BigEndian.PutUint16(b[epochAt:], epoch)
	binary.BigEndian.PutUint16(b[epochAt+6:], number)
	binary.BigEndian.PutUint16(b[lengthAt:], uint16(len(content)))
	return append(b, content...)
}

// forgeries are what somebody may send who can forge an address: each is in the
// clear, hides a record behind another, or is of a handshake.
func forgeries() map[string][]byte {
	data := record(23, 0, 7, "data")
	sealed := record(23, 1, 9000, "not really encrypted, and long enough")
	return map[string][]byte{
		"data":           data,
		"an alert":       record(21, 0, 8, "\x02\x0a"),
		"a goodbye":      record(21, 0, 9, "\x01\x00"),
		"a hello":        record(22, 0, 10, "\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"),
		"a change":       record(20, 0, 11, "\x01"),
		"another kind":   record(26, 0, 12, "x"),
		"hidden data":    append(bytes.Clone(sealed), data...),
		"two records":    append(bytes.Clone(sealed), sealed...),
		"more behind it": append(bytes.Clone(sealed), 0),
		"a handshake":    record(22, 1, 9000, "not really encrypted, and long enough"),
		"half a record":  sealed[:20],
		"a header alone": record(23, 1, 9001, ""),
		"no record":      []byte("\x17"),
	}
}

// Of what comes while a link opens, records of data are alone.
func TestDataComesAlone(t *testing.T) {
	sealed := record(23, 1, 1, "not really encrypted")
	hello, change, finished := record(22, 0, 0, "hello"), record(20, 0, 1, "\x01"), record(22, 1, 0, "finished")
	for name, test := range map[string]struct {
		b    []byte
		want bool
	}{
		"a hello":               {hello, true},
		"a flight":              {slices.Concat(hello, change, finished), true},
		"data":                  {sealed, true},
		"an alert":              {record(21, 0, 0, "\x02\x28"), true},
		"half a flight":         {hello[:15], true}, // It does not end what pion makes of it.
		"data in the clear":     {record(23, 0, 1, "data"), false},
		"data twice":            {slices.Concat(sealed, sealed), false},
		"one with an id":        {record(25, 1, 1, "a record of another kind"), false},
		"data behind a flight":  {slices.Concat(change, finished, sealed), false},
		"the longest":           {record(22, 0, 0, strings.Repeat("x", maxDatagram-recordHeader)), true},
		"longer":                {record(22, 0, 0, strings.Repeat("x", maxDatagram-recordHeader+1)), false},
		"nothing":               {nil, false},
		"neither STUN nor DTLS": {[]byte("\x80 RTP"), false},
	} {
		if got := new(lane).isOfUse(test.b, netip.AddrPort{}); got != test.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// Nobody without the keys ends an open link, or brings anything into it.
func TestForgedRecords(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1, simnet.Path{Delay: 5 * time.Millisecond}, simnet.Path{Delay: 5 * time.Millisecond})
		defer r.close()
		sent := 0
		for range 20 {
			for name, b := range forgeries() {
				if isSealed(b) {
					t.Fatalf("%s is not seen", name)
				}
				r.inject(t, b)
				sent++
			}
		}
		const cells = 100
		r.run(schedule{interval: 20 * time.Millisecond, count: cells})
		if r.client.Err() != nil || r.server.Err() != nil {
			t.Fatalf("the link ended: %v, %v", r.client.Err(), r.server.Err())
		}
		if r.up.count() != cells || r.down.count() != cells {
			t.Errorf("%d and %d cells of %d arrived", r.up.count(), r.down.count(), cells)
		}
		if s := r.listener.Stats(); s.Forged != uint64(sent) || s.Unclaimed != 0 {
			t.Errorf("%d were sent: %+v", sent, s)
		}
	})
}

// inject sends a datagram to both ends, from the address of the other one.
func (r *rig) inject(t *testing.T, b []byte) {
	t.Helper()
	if _, err := r.userConn.WriteTo(b, net.UDPAddrFromAddrPort(r.listener.Addr())); err != nil {
		t.Fatal(err)
	}
	if _, err := r.serverConn.WriteTo(b, r.userConn.LocalAddr()); err != nil {
		t.Fatal(err)
	}
}

// It is needed: data in the clear ends what pion alone has opened.
func TestForgedRecordsWouldDoHarm(t *testing.T) {
	bubble(t, func(t *testing.T) {
		theirs, ours := net.Pipe()
		client, server := handshaken(t, theirs, ours)
		defer client.Close()
		defer server.Close()
		ended := make(chan error, 1)
		go func() {
			_, err := server.Read(make([]byte, maxDatagram))
			ended <- err
		}()
		if _, err := theirs.Write(forgeries()["data"]); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-ended:
			if err == nil {
				t.Error("it was taken for data")
			}
		case <-time.After(time.Minute):
			t.Error("pion takes no harm any more: the lanes can be simpler")
		}
	})
}

// handshaken has DTLS shake hands as on a link.
func handshaken(t *testing.T, theirs, ours net.Conn) (client, server *dtls.Conn) {
	t.Helper()
	var ids [2]identity
	for n := range ids {
		var err error
		if ids[n], err = newIdentity(); err != nil {
			t.Fatal(err)
		}
	}
	client, err := dtls.ClientWithOptions(dtlsnet.PacketConnFromConn(theirs), theirs.RemoteAddr(), ids[0].calling(ids[1].fingerprint)...)
	if err != nil {
		t.Fatal(err)
	}
	if server, err = dtls.ServerWithOptions(dtlsnet.PacketConnFromConn(ours), ours.RemoteAddr(), ids[1].answering(ids[0].fingerprint)...); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- client.HandshakeContext(t.Context()) }()
	if err := server.HandshakeContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	return client, server
}

// Somebody who floods a link takes none of its cells, as soon as he stops.
func TestFloodedLink(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1, simnet.Path{Delay: time.Millisecond}, simnet.Path{Delay: time.Millisecond})
		defer r.close()
		const burst, flood, cells = 200, 800, 50
		r.server.lane.flow.SetBurst(burst)
		time.Sleep(time.Second)
		for n := range flood {
			r.inject(t, record(23, 1, uint16(10_000+n), "not really encrypted, and long enough"))
		}
		r.run(schedule{interval: 40 * time.Millisecond, count: cells})
		if r.up.count() != cells || r.down.count() != cells {
			t.Errorf("%d and %d cells of %d arrived", r.up.count(), r.down.count(), cells)
		}
		if s := r.listener.Stats(); s.Flooded < flood-burst-100 || s.Flooded > flood-burst {
			t.Errorf("%+v", s)
		}
	})
}

// A link hears of so many addresses and of no more.
func TestAddressesOfALink(t *testing.T) {
	l := (&port{seen: new(sightings)}).newLane(0)
	at := func(n int) netip.AddrPort { return netip.AddrPortFrom(netip.MustParseAddr("192.0.2.1"), uint16(n)) }
	request, now := []byte{0, 1, 0, 0}, time.Now()
	for n := range maxPeers {
		if !l.admits(request, at(n), now) || !l.meets(at(n)) {
			t.Fatalf("address %d is too many", n)
		}
	}
	mapped := netip.AddrPortFrom(netip.MustParseAddr("::ffff:192.0.2.1"), 3)
	if !l.admits(request, at(2), now) || !l.meets(at(2)) || !l.admits(request, mapped, now) || !l.meets(mapped) {
		t.Error("a known address is one too many")
	}
	if l.admits(request, at(maxPeers), now) || l.meets(at(maxPeers)) {
		t.Error("one address too many is heard")
	}
	open := (&port{seen: new(sightings)}).newLane(0)
	open.meets(at(1))
	open.seal()
	if !open.admits(request, at(1), now) || open.admits(request, at(2), now) {
		t.Error("an open link does not stay where it is")
	}
	if l.seen.forged.Load() != 1 || l.seen.claimed.Load() != maxPeers+3 {
		t.Errorf("%d of %d were counted", l.seen.forged.Load(), l.seen.claimed.Load())
	}
}

// What is neither STUN nor DTLS is nothing.
func TestOtherDatagrams(t *testing.T) {
	l := (&port{seen: new(sightings)}).newLane(0)
	from := netip.MustParseAddrPort("192.0.2.1:5")
	if l.admits(nil, from, time.Now()) {
		t.Error("nothing was taken for something")
	}
	for first := range 256 {
		want := first < 4 || first >= 20 && first < 23 // Data is in the clear here.
		b := record(byte(first), 0, 1, "x")
		if got := l.admits(b, from, time.Now()); got != want {
			t.Errorf("a first byte of %d: %v", first, got)
		}
	}
}

// What comes to the port from who is on no link is counted, and is all that it
// leads to.
func TestStrangersAtThePort(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1, simnet.Path{}, simnet.Path{})
		defer r.close()
		eve, err := r.star.User(simnet.Path{}, simnet.Path{}).ListenUDP(0)
		if err != nil {
			t.Fatal(err)
		}
		defer eve.Close()
		sent, to := 0, net.UDPAddrFromAddrPort(r.listener.Addr())
		send := func(b []byte) {
			sent++
			if _, err := eve.WriteTo(b, to); err != nil {
				t.Fatal(err)
			}
		}
		for _, b := range forgeries() {
			send(b)
		}
		for n := range 50 {
			send(bytes.Repeat([]byte{byte(n)}, n+1))
			// STUN, with a name that no link has, and with none.
			send(fmt.Appendf(nil, "\x00\x01\x00\x08\x21\x12\xa4\x42transaction!\x00\x06\x00\x03eve%c", n))
			send([]byte("\x00\x01\x00\x00\x21\x12\xa4\x42transaction!"))
		}
		time.Sleep(time.Second)
		s := r.listener.Stats()
		if s.Unclaimed != uint64(sent) || s.Forged != 0 || s.Pending != 0 {
			t.Errorf("%d were sent: %+v", sent, s)
		}
		if r.server.Err() != nil {
			t.Error(r.server.Err())
		}
	})
}

// Who asks for links and opens none is told to wait, and is forgotten in time.
func TestPendingLinksAreBounded(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1, simnet.Path{}, simnet.Path{})
		defer r.close()
		const most = 3
		r.listener.most = most
		accept := func() error {
			_, _, err := r.listener.Accept(t.Context(), exampleOffer, Handlers{})
			return err
		}
		for range 2 {
			for range most {
				if err := accept(); err != nil {
					t.Fatal(err)
				}
			}
			for range 10 {
				if err := accept(); !errors.Is(err, ErrBusy) {
					t.Fatalf("one link too many: %v", err)
				}
			}
			if s := r.listener.Stats(); s.Pending != most {
				t.Errorf("%+v", s)
			}
			time.Sleep(openTimeout + time.Second)
		}
		if s := r.listener.Stats(); s.Pending != 0 || s.Unopened != 2*most {
			t.Errorf("%+v", s)
		}
		// A link that is open, or that ended otherwise, is neither.
		_, l, err := r.listener.Accept(t.Context(), exampleOffer, Handlers{})
		if err != nil {
			t.Fatal(err)
		}
		l.Close()
		if _, _, err := r.listener.Accept(t.Context(), "nonsense", Handlers{}); !errors.Is(err, ErrOffer) {
			t.Error(err)
		}
		bad := exampleOffer[:len(exampleOffer)-2] + "\r\na=setup:nonsense\r\n"
		_, _, _ = r.listener.Accept(t.Context(), bad, Handlers{}) // Whatever comes of it, no place is lost.
		time.Sleep(openTimeout + time.Second)
		if s := r.listener.Stats(); s.Pending != 0 || s.Unopened < 2*most {
			t.Errorf("%+v", s)
		}
		if r.server.Err() != nil || r.client.Err() != nil {
			t.Errorf("the open link ended: %v, %v", r.server.Err(), r.client.Err())
		}
	})
}
