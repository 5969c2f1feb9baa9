package demo

import (
	"encoding/binary"
	"net"
	"sync"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/phone"
	"undertone/codec"
	"undertone/transport/cell"
	"undertone/transport/rtc"
)

// A watch follows the voice of one user through the program: it notes when each
// slot was read from his microphone and played at his ear, and when datagrams
// crossed his socket. It works from outside, on what the softphone and the server
// are given, so that the softphone that is measured is the one that people have.
//
// It notes the same in idle and in a call, into memory that was there before.
type watch struct {
	mouth, ear *notes
	wire       *wire
}

// kept is how much of the newest a watch keeps besides the call: what was before
// it, and the last words.
const kept = 20 * time.Second

// newWatch returns a watch for a call that lasts so long.
func newWatch(i cell.Interval, long time.Duration) *watch {
	n := int(i.Slots(long + kept)) //nolint:gosec // some ten thousand
	return &watch{mouth: newNotes(n), ear: newNotes(n), wire: newWire(i, 1)}
}

// A note is what happened to the voice of a slot in one of its two ends.
type note struct {
	slot  cell.Slot
	begun time.Time // Mouth or Ear was called for the slot
	at    time.Time // the sound device was read, or was written to
	from  int       // place of its first sample in the clip or on the tape, -1 in idle
	n     int       // how many samples
}

// notes are the newest of one end. Only one goroutine adds to them.
type notes struct {
	mu   sync.Mutex
	ring []note
	next int

	// Touched by the goroutine that adds.
	now  note
	live bool
	from int
}

func newNotes(n int) *notes { return &notes{ring: make([]note, n)} }

// begin notes that a slot is begun.
func (l *notes) begin(n cell.Slot) { l.now.slot, l.now.begun = n, time.Now() }

// open says whether the device takes part in a call. A clip begins anew with each
// call, a tape goes on.
func (l *notes) open(live, anew bool) {
	if live && !l.live && anew {
		l.from = 0
	}
	l.live = live
}

// sound notes that n samples are read or written now.
func (l *notes) sound(n int) {
	l.now.at, l.now.from, l.now.n = time.Now(), -1, n
	if l.live {
		l.now.from = l.from
		l.from += n
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ring[l.next%len(l.ring)] = l.now
	l.next++
}

// calls returns what was noted of calls, oldest first.
func (l *notes) calls() (all []note) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for k := range l.ring {
		if x := l.ring[(l.next+k)%len(l.ring)]; x.n > 0 && x.from >= 0 {
			all = append(all, x)
		}
	}
	return all
}

// sampleAt returns which sample is played at a time, of those of calls.
func (l *notes) sampleAt(t time.Time) int {
	sample := 0
	for _, x := range l.calls() {
		if x.at.After(t) {
			break
		}
		sample = x.from + min(audio.Samples(t.Sub(x.at)), x.n)
	}
	return sample
}

// A watchedVoice tells the notes of each slot.
type watchedVoice struct {
	phone.Voice
	to *watch
}

func (v watchedVoice) Mouth(n cell.Slot, live bool, f *codec.Frame) {
	v.to.mouth.begin(n)
	v.Voice.Mouth(n, live, f)
}

func (v watchedVoice) Ear(n cell.Slot, live bool, frames, next []*codec.Frame, more int) int {
	v.to.ear.begin(n)
	return v.Voice.Ear(n, live, frames, next, more)
}

// voice returns v, watched.
func (w *watch) voice(v phone.Voice) phone.Voice { return watchedVoice{v, w} }

// A watchedSource is a source that tells the notes what is read.
type watchedSource struct {
	audio.Source
	to *notes
}

func (s watchedSource) Live(on bool) {
	s.to.open(on, true)
	s.Source.Live(on)
}

func (s watchedSource) Read(pcm []float32) {
	s.to.sound(len(pcm))
	s.Source.Read(pcm)
}

// A watchedSink is a sink that tells the notes what is written.
type watchedSink struct {
	audio.Sink
	to *notes
}

func (s watchedSink) Live(on bool) {
	s.to.open(on, false)
	s.Sink.Live(on)
}

func (s watchedSink) Write(pcm []float32) {
	s.to.sound(len(pcm))
	s.Sink.Write(pcm)
}

// A passing is a datagram that crossed a socket. All that matters of it is when,
// and which one it is: the end of it, which is the tag of a cipher, and no two are
// the same.
type passing struct {
	at time.Time
	id uint64
}

// A wire is what crossed a socket lately, a user's or the server's.
type wire struct {
	mu         sync.Mutex
	up, down   []passing
	ups, downs int
}

// lately is how much of the newest is kept of each datagram.
const lately = time.Minute

// newWire returns a wire for the datagrams of so many users, of whom each sends and
// gets up to four in a slot.
func newWire(i cell.Interval, users int) *wire {
	n := 4 * users * int(i.Slots(lately)) //nolint:gosec // at most 600,000
	return &wire{up: make([]passing, n), down: make([]passing, n)}
}

// see takes in a datagram. What is shorter than a cell holds none.
func (w *wire) see(at time.Time, up bool, data []byte) {
	if len(data) < cell.Size {
		return
	}
	p := passing{at, binary.BigEndian.Uint64(data[len(data)-8:])}
	w.mu.Lock()
	defer w.mu.Unlock()
	if up {
		w.up[w.ups%len(w.up)] = p
		w.ups++
		return
	}
	w.down[w.downs%len(w.down)] = p
	w.downs++
}

// passed returns what went up and down, oldest first.
func (w *wire) passed() (up, down []passing) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return inOrder(w.up, w.ups), inOrder(w.down, w.downs)
}

func inOrder(ring []passing, n int) []passing {
	if n <= len(ring) {
		return append([]passing{}, ring[:n]...)
	}
	at := n % len(ring)
	return append(append([]passing{}, ring[at:]...), ring[:at]...)
}

// user watches a user's socket.
func (w *wire) user(conn net.PacketConn) net.PacketConn {
	return rtc.Watch(conn, func(c rtc.Crossing) { w.see(c.At, c.Sent, c.Data) })
}

// server watches the server's socket.
func (w *wire) server(conn net.PacketConn) net.PacketConn {
	return rtc.Watch(conn, func(c rtc.Crossing) { w.see(c.At, !c.Sent, c.Data) })
}
