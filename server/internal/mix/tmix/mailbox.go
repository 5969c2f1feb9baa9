package tmix

import (
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/seal"
)

// The parts of a stream mailbox.
const (
	read   = iota // what the user gets
	unread        // where nothing is delivered to
	parts
)

// A streamBox holds the stream of one slot. Nobody but the one peer of a mutual
// route can write to it, so one place is enough.
type streamBox struct {
	slot cell.Slot // of what is in it
	body [parts]cell.Body
}

// put copies body, to where it is read only if live.
func (b *streamBox) put(live bool, n cell.Slot, body *cell.Body) {
	part := unread
	if live {
		part = read
		b.slot = n
	}
	b.body[part] = *body
}

// letters is how many letters may wait for a user.
const letters = 4

type letter struct {
	since  cell.Slot // when it joined the queue; 0: the place is free
	source key.Handle
	body   cell.Body
}

// A letterBox holds one letter of each of a few sources. The last place is
// never read.
type letterBox struct {
	place [letters + 1]letter
}

// put copies the letter of a source to its place, or a free one, if live; the
// work is the same if it is not, or if there is none.
func (b *letterBox) put(live bool, n cell.Slot, source key.Handle, body *cell.Body) {
	own, free := letters, letters
	for p := letters - 1; p >= 0; p-- {
		l := &b.place[p]
		if l.since == 0 {
			free = p
		} else if l.source == source {
			own = p
		}
	}
	p := own
	if own == letters {
		p = free
	}
	if !live {
		p = letters
	}
	l := &b.place[p]
	if l.since == 0 {
		l.since = n
	}
	l.source = source
	l.body = *body
	seal.SetLetterAddress(&l.body, source)
}

// oldest returns the letter that waits longest, or nil.
func (b *letterBox) oldest() *letter {
	var found *letter
	for p := range b.place[:letters] {
		if l := &b.place[p]; l.since != 0 && (found == nil || l.since < found.since) {
			found = l
		}
	}
	return found
}
