package attack

import (
	"context"
	"encoding/binary"
	"net"
	"sync"
	"time"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/rtc"
	"undertone/transport/seal"
	"undertone/transport/uri"
)

// A said is what somebody sends in a slot.
type said func(n cell.Slot) (cell.Kind, cell.Body)

// A caller is a member of a tMIX with a link, who speaks the server's half of the
// protocol as the package comments write it. What is in his streams and letters is
// for his tests.
type caller struct {
	*rtc.Link
	w      *world
	id     *key.Identity
	secret key.Secret
	socket net.PacketConn // his: what is written to it comes from him
	up     *seal.Sealer   // touched by talk only
	quiet  func()         // ends talk

	mu      sync.Mutex
	down    *seal.Opener
	streams map[cell.Slot]byte // who spoke in a slot
	letters map[key.Handle]int // how many came from whom, as the server says
	odd     int                // messages that did not open
}

func (c *caller) handle() key.Handle { return c.id.Account().Handle() }

// online brings somebody online, who talks as say says; wrap changes his socket.
func (w *world) online(id *key.Identity, token uri.Token, say said, wrap ...func(net.PacketConn) net.PacketConn) (*caller, error) {
	w.t.Helper()
	c := &caller{w: w, id: id, streams: map[cell.Slot]byte{}, letters: map[key.Handle]int{}}
	host := w.host()
	c.socket = w.socket(host)
	conn := c.socket
	for _, f := range wrap {
		conn = f(conn)
	}
	client := w.client(id, token)
	client.Dial = host.DialContext
	var err error
	c.Link, err = rtc.Dial(w.t.Context(), rtc.DialConfig{Conn: conn, Receive: c.receive}, func(ctx context.Context, offer string) (string, error) {
		a, err := client.Online(ctx, offer)
		if err != nil {
			return "", err
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.secret = a.Link
		up, down := seal.LinkKeys(&a.Link)
		c.up, c.down = seal.NewSealer(&up, 0), seal.NewOpener(&down)
		return a.SDP, nil
	})
	if err != nil {
		return nil, err
	}
	c.quiet = c.talk(say)
	return c, nil
}

// join registers somebody and brings him online.
func (w *world) join(say said, wrap ...func(net.PacketConn) net.PacketConn) *caller {
	w.t.Helper()
	c, err := w.online(w.identity(), w.invite(), say, wrap...)
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// leave ends all that the caller does.
func (c *caller) leave() {
	c.quiet()
	c.Close()
}

func (c *caller) receive(b []byte, at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var body cell.Body
	if len(b) != cell.Size {
		c.odd++
		return
	}
	n, head, ok := c.down.Open((*cell.Cell)(b), interval.At(at), &body)
	switch {
	case !ok:
		c.odd++
	case head.Kind == cell.Stream:
		c.streams[n] = body[0]
	case head.Kind == cell.Letter:
		c.letters[seal.LetterAddress(&body)]++
	}
}

// talk sends a cell in every slot.
func (c *caller) talk(say said) (quiet func()) {
	return c.every(func(n cell.Slot, b *cell.Cell) {
		kind, body := say(n)
		c.up.Seal(b, n, seal.Head{Kind: kind}, &body)
	})
}

// every sends what fill makes, in every slot.
func (c *caller) every(fill func(n cell.Slot, b *cell.Cell)) (quiet func()) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		t := time.NewTicker(interval.Duration())
		defer t.Stop()
		for {
			select {
			case <-t.C:
				var b cell.Cell
				n := interval.At(time.Now()) + 2
				fill(n, &b)
				binary.BigEndian.PutUint16(b[:], n.Low())
				c.Send(b[:])
			case <-ctx.Done():
				return
			}
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// idle sends cover.
func idle(cell.Slot) (cell.Kind, cell.Body) { return cell.Cover, cell.Body{} }

// ring sends letters to somebody, each of which points the own route at him.
func ring(to key.Handle) said {
	return func(cell.Slot) (cell.Kind, cell.Body) { return cell.Ring, letterTo(to) }
}

func letterTo(to key.Handle) (body cell.Body) {
	seal.SetLetterAddress(&body, to)
	return body
}

// speak rings somebody for a while and speaks then.
func speak(to key.Handle, voice byte) said {
	begun := cell.Slot(0)
	return func(n cell.Slot) (cell.Kind, cell.Body) {
		if begun == 0 {
			begun = n
		}
		if n < begun+10 {
			return cell.Ring, letterTo(to)
		}
		return cell.Stream, cell.Body{voice}
	}
}

// A call is one between two honest members, from when both can hear each other.
type call struct {
	w           *world
	anna, berta *caller
	from        cell.Slot
	late        uint64
}

// call brings two members online who call each other.
func (w *world) call(wrap ...func(net.PacketConn) net.PacketConn) *call {
	w.t.Helper()
	anna, berta := w.identity(), w.identity()
	c := &call{w: w}
	for _, side := range []struct {
		at       **caller
		own, his *key.Identity
		voice    byte
	}{{&c.anna, anna, berta, 'a'}, {&c.berta, berta, anna, 'b'}} {
		one, err := w.online(side.own, w.invite(), speak(side.his.Account().Handle(), side.voice), wrap...)
		if err != nil {
			w.t.Fatal(err)
		}
		*side.at = one
	}
	time.Sleep(2 * time.Second)
	c.from, c.late = interval.At(time.Now()), w.status().Late
	return c
}

// end ends the call, of which so many cells in each direction may be missing.
func (c *call) end(missing int) {
	t := c.w.t
	t.Helper()
	to := interval.At(time.Now())
	time.Sleep(time.Second)
	for _, side := range []struct {
		who   *caller
		hears byte
	}{{c.anna, 'b'}, {c.berta, 'a'}} {
		lost := side.who.missing(c.from, to, side.hears)
		if err := side.who.Err(); lost > missing || err != nil {
			t.Errorf("in a call of %d slots, %d cells of %c were lost, and not %d at most: %v", to-c.from, lost, side.hears, missing, err)
		}
	}
	if s := c.w.status(); s.Late != c.late {
		t.Errorf("%d cells came late", s.Late-c.late)
	}
	c.anna.leave()
	c.berta.leave()
}

// missing counts the slots in which nothing came of a voice, or of another's, and
// what came that did not open.
func (c *caller) missing(from, to cell.Slot, voice byte) (lost int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	lost = c.odd
	for n := from; n < to; n++ {
		if c.streams[n] != voice {
			lost++
		}
	}
	return lost
}

// heard returns whether a voice was heard at all.
func (c *caller) heard(voice byte) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range c.streams {
		if v == voice {
			return true
		}
	}
	return false
}
