package drive

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"time"

	"undertone/app/internal/prove/relay"
	"undertone/transport/cell"
)

// Command is the first argument with which the program becomes a child.
const Command = "prove-child"

// The words of orders.
const (
	doCall    = "call"
	doAnswer  = "answer"
	doDecline = "decline"
	doHangup  = "hangup"
	doSpeak   = "speak"
	doHush    = "hush"
	doLeak    = "leak" // what Leak says, from now on
	doEnd     = "end"
)

// An order is what a child is told, after its job.
type order struct {
	Do   string `json:"do"`
	Leak string `json:"leak,omitempty"`
}

// A job is the first line to a child.
type job struct {
	// Serve makes it a server, with profiles for the users named.
	Serve    bool          `json:"serve,omitempty"`
	Folder   string        `json:"folder,omitempty"`
	Mode     cell.Mode     `json:"mode,omitempty"`
	Interval cell.Interval `json:"interval,omitempty"`

	// Everybody else is a client with this profile, who calls With.
	Profile    string    `json:"profile,omitempty"`
	Passphrase []byte    `json:"passphrase,omitempty"`
	With       string    `json:"with,omitempty"`
	Started    time.Time `json:"started,omitzero"`
	Capture    string    `json:"capture,omitempty"`
	// Via, if it is valid, is where what is for the server goes.
	Via netip.AddrPort `json:"via,omitzero"`

	// Attack makes it an attacker on the way to Server.
	Attack relay.Attack   `json:"attack,omitempty"`
	Server netip.AddrPort `json:"server,omitzero"`
}

// The words of events.
const (
	isOnline  = "online"
	isOffline = "offline"
	isRinging = "rings"
	isTalking = "connected"
	isOver    = "ended"
	isServing = "serving" // the first event of a server, and of an attacker
	isDone    = "done"    // the last event of a client
	isFailed  = "failed"  // the last event of whoever cannot go on
)

// An event is what a child tells.
type event struct {
	Is      string           `json:"is"`
	Error   string           `json:"error,omitempty"`
	Clients []string         `json:"clients,omitempty"` // serving: the folders of their profiles
	At      netip.AddrPort   `json:"at,omitzero"`       // serving: where datagrams come
	Sockets []netip.AddrPort `json:"sockets,omitempty"` // done
	Peers   []netip.AddrPort `json:"peers,omitempty"`   // done
	Voice   []byte           `json:"voice,omitempty"`   // done

	Attacked int64 `json:"attacked,omitempty"` // done: to how many datagrams an attacker did something
}

// maxLine is longer than any event.
const maxLine = 1 << 22

// A writer writes lines of JSON, from several goroutines.
type writer struct {
	mu sync.Mutex
	to io.Writer
}

func (w *writer) write(v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	_, err = w.to.Write(append(b, '\n'))
	return err
}

// read reads the next line of JSON.
func read(s *bufio.Scanner, v any) error {
	if !s.Scan() {
		if err := s.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	if err := json.Unmarshal(s.Bytes(), v); err != nil {
		return fmt.Errorf("a line of %d bytes: %w", len(s.Bytes()), err)
	}
	return nil
}
