package demo

import (
	"slices"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/quality"
	"undertone/codec/opus"
	"undertone/transport/cell"
)

// Stages are where the time from mouth to ear goes, each the median over the slots
// of the call (the newest minute of it), measured on the way of one voice: at the
// sound devices, the media and the sockets of the softphones, and at the socket of
// the server.
//
//	mouth |--- capture ---|- margin -|-up-|-- mix wait --|-down-|- playout -|-device-| ear
//	      heard        read     on the wire   at the server    at the other  taken   played
//
// They add up to the delay of the sound itself, which is measured apart from them,
// to within a few milliseconds.
type Stages struct {
	// Capture is how long a sound waits until its slot is full and read from the
	// device: the length of a slot, for the first of its samples, and the others
	// wait as much for the first to be played.
	Capture milliseconds `json:"capture_ms"`
	// Codec is the look-ahead of Opus, which is in its sound and in no clock: what
	// encoder and decoder delay by together.
	Codec milliseconds `json:"codec_ms"`
	// Margin is from the reading to the wire: encoding, sealing, and what is kept
	// for a busy machine before the tick.
	Margin milliseconds `json:"margin_ms"`
	// Up is from the sender's socket to the server's.
	Up milliseconds `json:"up_ms"`
	// MixWait is how long the server has it: until the cut-off, which cells come a
	// little before, until all cells of the slot are there, and until it is the
	// receiver's turn.
	MixWait milliseconds `json:"mix_wait_ms"`
	// Down is from the server's socket to the receiver's.
	Down milliseconds `json:"down_ms"`
	// Playout is from the receiver's socket until the slot is due at the ear: what
	// late cells are waited for.
	Playout milliseconds `json:"playout_ms"`
	// Device is from there until the first sample of the slot is played: decoding,
	// and what the device holds, which is nothing for a file.
	Device milliseconds `json:"device_ms"`
	// Sum is of all of them.
	Sum milliseconds `json:"sum_ms"`
	// Slots is how many were followed all the way.
	Slots int `json:"slots"`
}

// minWindow is less than the time from the start of a slot to the first messages
// that the server sends in it, and more than what those of the slot before may be
// late by.
const minWindow = 2 * time.Millisecond

// stages follows the voice of one user to another, slot by slot.
func (s *Set) stages(from, to *User) Stages {
	sent, _ := from.watch.wire.passed()
	_, came := to.watch.wire.passed()
	at, out := s.wire.passed()
	t := trail{
		interval: s.every,
		sent:     sent, reached: index(at),
		came: came, left: index(out),
		mouth: from.watch.mouth.calls(),
	}
	var margin, up, wait, down, playout, device []time.Duration
	for _, e := range to.watch.ear.calls() {
		p, ok := t.follow(e.slot)
		if !ok || e.begun.Before(p.came) {
			continue // It came too late to be heard, or on another way.
		}
		margin = append(margin, p.sent.Sub(p.read))
		up = append(up, p.reached.Sub(p.sent))
		wait = append(wait, p.left.Sub(p.reached))
		down = append(down, p.came.Sub(p.left))
		playout = append(playout, e.begun.Sub(p.came))
		device = append(device, e.at.Sub(e.begun))
	}
	r := Stages{
		Capture: milliseconds(s.every.Duration()), Codec: milliseconds(audio.Duration(opus.Delay)),
		Margin: middle(margin), Up: middle(up), MixWait: middle(wait),
		Down: middle(down), Playout: middle(playout), Device: middle(device),
		Slots: len(margin),
	}
	r.Sum = r.Capture + r.Codec + r.Margin + r.Up + r.MixWait + r.Down + r.Playout + r.Device
	return r
}

// A trail is what was noted on the way from one user to another.
type trail struct {
	interval cell.Interval
	mouth    []note
	sent     []passing            // by the sender
	reached  map[uint64]time.Time // the server
	came     []passing            // to the receiver
	left     map[uint64]time.Time // the server
}

// A path is when the voice of a slot was where.
type path struct{ read, sent, reached, left, came time.Time }

// follow follows the voice of a slot to the receiver. The first datagram that the
// sender sends after the slot was read is the slot's; the first that the server
// sends the receiver in a slot is that slot's, and by the server's clock slots
// begin when the machine's do.
func (t *trail) follow(n cell.Slot) (p path, ok bool) {
	k, ok := slices.BinarySearchFunc(t.mouth, n, func(x note, n cell.Slot) int { return int(int64(x.slot - n)) }) //nolint:gosec // modular
	if !ok {
		return p, false
	}
	p.read = t.mouth[k].at
	up, ok := first(t.sent, p.read)
	if !ok || up.at.Sub(p.read) >= t.interval.Duration() {
		return p, false
	}
	begin := t.interval.Start(n).Add(minWindow)
	k, _ = slices.BinarySearchFunc(t.came, begin, func(x passing, begin time.Time) int {
		if t.left[x.id].Before(begin) {
			return -1
		}
		return 1
	})
	if k == len(t.came) {
		return p, false
	}
	down := t.came[k]
	p.sent, p.reached = up.at, t.reached[up.id]
	p.left, p.came = t.left[down.id], down.at
	return p, !p.reached.IsZero() && p.left.After(p.reached) && p.left.Sub(begin) < t.interval.Duration()
}

// first returns the first of a list that did not pass before a time.
func first(list []passing, from time.Time) (passing, bool) {
	k, _ := slices.BinarySearchFunc(list, from, func(x passing, from time.Time) int { return x.at.Compare(from) })
	if k == len(list) {
		return passing{}, false
	}
	return list[k], true
}

func index(list []passing) map[uint64]time.Time {
	m := make(map[uint64]time.Time, len(list))
	for _, p := range list {
		m[p.id] = p.at
	}
	return m
}

// middle is the median.
func middle(list []time.Duration) milliseconds {
	if len(list) == 0 {
		return 0
	}
	slices.Sort(list)
	return milliseconds(list[len(list)/2])
}

// delay is how long the sound itself takes from one user's mouth to another's ear,
// as the median over the pieces that were found again. said and heard are where in
// the clip and on the tape begins what was compared.
func delay(from, to *User, q *quality.Report, said, heard int) (time.Duration, bool) {
	mouth, ear := from.watch.mouth.calls(), to.watch.ear.calls()
	var late []time.Duration
	for _, p := range q.Pieces {
		a, ok1 := timeOf(mouth, said+p.At)
		b, ok2 := timeOf(ear, heard+p.At+p.Delay)
		if !ok1 || !ok2 {
			continue
		}
		// What is read was heard until now, what is written plays from now on.
		late = append(late, b.at.Sub(a.at)+audio.Duration(a.n+b.place-a.place))
	}
	if len(late) == 0 {
		return 0, false
	}
	return time.Duration(middle(late)), true
}

// A moment is a sample's place in the block that it was read or written in.
type moment struct {
	at       time.Time
	n, place int
}

// timeOf looks for the sample of a clip or tape.
func timeOf(list []note, sample int) (moment, bool) {
	k, ok := slices.BinarySearchFunc(list, sample, func(x note, sample int) int {
		switch {
		case x.from+x.n <= sample:
			return -1
		case x.from > sample:
			return 1
		}
		return 0
	})
	if !ok {
		return moment{}, false
	}
	return moment{list[k].at, list[k].n, sample - list[k].from}, true
}
