package rtc

import (
	"errors"
	"net"
)

// Errors that a caller may branch on. Those that end a link unwrap to
// net.ErrClosed.
var (
	// ErrClosed ends a link that this side closed.
	ErrClosed error = &closedError{"rtc: link closed"}

	// ErrLost ends a link whose peer went away, or was not heard for too long.
	ErrLost error = &closedError{"rtc: the other side is gone or cannot be reached any more"}

	// ErrTimeout ends a link that did not open in time.
	ErrTimeout error = &closedError{
		"rtc: link did not open in time; check that UDP reaches the server's port"}

	// ErrProtocol ends a link whose peer opened another channel than ours, or sent what
	// nobody sends who means well.
	ErrProtocol error = &closedError{"rtc: the other side opened an unexpected channel, or sent what no link has use for"}

	// ErrBusy says that too many links are opening at this moment.
	ErrBusy = errors.New("rtc: too many links are opening; try again in a moment")

	// ErrPort says that the one socket of all users has failed. No link can open
	// any more, and those that are open hear nothing.
	ErrPort = errors.New("rtc: the UDP port can be read no more; restart the server")

	// ErrOffer says that the client's half of the exchange is unusable.
	ErrOffer = errors.New("rtc: not a usable offer")

	// ErrAnswer says that the server's half of the exchange is unusable.
	ErrAnswer = errors.New("rtc: not a usable answer")
)

// closedError is why a link ended.
type closedError struct{ text string }

func (e *closedError) Error() string { return e.text }

func (e *closedError) Unwrap() error { return net.ErrClosed }
