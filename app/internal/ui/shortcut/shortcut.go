// Package shortcut has the desktop tell while a key is held, whatever window is in
// front, so that a person can talk with a key held while he does something else. It
// uses the portal of the desktop (org.freedesktop.portal.GlobalShortcuts): the desktop
// asks the person which key it shall be, and no other key ever gets here.
//
//	Hold ── CreateSession ──▶ portal ── Response(session) ──▶
//	     ── BindShortcuts ──▶ portal ── Response ──▶ a person has chosen a key
//	     ◀── Activated, Deactivated ── as long as Hold runs
//
// The key is asked for as long as the user wants to talk in this way, in a call or not,
// and whoever watches the desktop sees when it is pressed: so it is off unless wanted.
//
// When the portal ends, or the session, or the bus, the key counts as let go: nobody
// may be heard who does not know it. Who may call: package ui.
package shortcut

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"

	"undertone/app/internal/ui/bus"
)

var (
	// ErrNone is returned where the desktop has no portal for keys.
	ErrNone = errors.New("this desktop offers programs no keys that work in other windows")
	// ErrRefused is returned when the person or the desktop did not give a key.
	ErrRefused = errors.New("no key was given")
	// ErrEnded is returned when the desktop has taken the key away.
	ErrEnded = errors.New("the desktop has taken the key away")
)

const (
	service  = "org.freedesktop.portal.Desktop"
	path     = dbus.ObjectPath("/org/freedesktop/portal/desktop")
	keys     = "org.freedesktop.portal.GlobalShortcuts"
	request  = "org.freedesktop.portal.Request"
	session  = "org.freedesktop.portal.Session"
	talkID   = "talk"
	requests = path + "/request/"

	// answerDepth is how many answers may wait: there is one question at a time.
	answerDepth = 4
)

// A holder is one session with the portal.
type holder struct {
	bus   *bus.Bus
	owner string // who the portal is, on the bus
	held  func(down bool)

	answers chan *dbus.Signal
	ended   chan struct{}

	mu   sync.Mutex
	path dbus.ObjectPath // of the session, "" until there is one
	down bool
	over bool
}

// Hold asks for a key, for what is described, and tells held whenever it goes down or
// up, until ctx ends; then it returns nil. A person may take his time to choose one.
func Hold(ctx context.Context, b *bus.Bus, what string, held func(down bool)) error {
	h := &holder{bus: b, held: held, answers: make(chan *dbus.Signal, answerDepth), ended: make(chan struct{})}
	if h.owner = portal(b); h.owner == "" {
		return ErrNone
	}
	stop, err := h.listen()
	if err != nil {
		return err
	}
	defer stop()
	defer h.end() // Before nobody hears any more that it is up.
	if err = h.open(ctx, what); err == nil {
		select {
		case <-h.ended:
			err = ErrEnded
		case <-ctx.Done():
		}
	}
	h.close()
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// portal returns who the portal is. Many desktops start it when it is first asked.
func portal(b *bus.Bus) string {
	var started uint32
	_ = b.Call(bus.Daemon, "/org/freedesktop/DBus", bus.Daemon+".StartServiceByName", []any{service, uint32(0)}, &started)
	return b.Owner(service)
}

// listen has take hear of answers, of the session, of the key and of the portal's end.
func (h *holder) listen() (stop func(), err error) {
	var rules []bus.Rule
	for _, what := range []string{request, session, keys} {
		rules = append(rules, bus.Rule{dbus.WithMatchSender(service), dbus.WithMatchInterface(what)})
	}
	return h.bus.Listen(h.take, append(rules, bus.WhenOwnerChanges(service))...)
}

// open asks for a session and for the key.
func (h *holder) open(ctx context.Context, what string) error {
	results, err := h.ask(ctx, "CreateSession", func(options map[string]dbus.Variant) []any {
		options["session_handle_token"] = dbus.MakeVariant(token())
		return []any{options}
	})
	if err != nil {
		return err
	}
	at, err := sessionOf(results)
	if err != nil {
		return err
	}
	h.mu.Lock()
	h.path = at
	h.mu.Unlock()
	type wish struct {
		ID      string
		Details map[string]dbus.Variant
	}
	wishes := []wish{{talkID, map[string]dbus.Variant{"description": dbus.MakeVariant(what)}}}
	_, err = h.ask(ctx, "BindShortcuts", func(options map[string]dbus.Variant) []any {
		return []any{at, wishes, "", options}
	})
	return err
}

// sessionOf reads the path of the session, which some send as text and some as a path.
func sessionOf(results map[string]dbus.Variant) (dbus.ObjectPath, error) {
	var at dbus.ObjectPath
	switch v := results["session_handle"].Value().(type) {
	case string:
		at = dbus.ObjectPath(v)
	case dbus.ObjectPath:
		at = v
	}
	if !at.IsValid() {
		return "", fmt.Errorf("%w: the portal named no session", ErrRefused)
	}
	return at, nil
}

// ask asks the portal something, and waits for its answer.
func (h *holder) ask(ctx context.Context, method string, args func(options map[string]dbus.Variant) []any) (map[string]dbus.Variant, error) {
	mine := token()
	var handle dbus.ObjectPath
	options := map[string]dbus.Variant{"handle_token": dbus.MakeVariant(mine)}
	if err := h.bus.Call(service, path, keys+"."+method, args(options), &handle); err != nil {
		if h.bus.Owner(service) != h.owner {
			return nil, ErrEnded // Meanwhile.
		}
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	// Older portals say by their own path who is answered.
	sender := strings.ReplaceAll(strings.TrimPrefix(h.bus.Name(), ":"), ".", "_")
	expected := requests + dbus.ObjectPath(sender+"/"+mine)
	for {
		select {
		case s := <-h.answers:
			if s.Path == handle || s.Path == expected {
				return response(s)
			}
		case <-h.ended:
			return nil, ErrEnded
		case <-ctx.Done():
			_ = h.bus.Call(service, handle, request+".Close", nil) // It may be answered already.
			return nil, ctx.Err()
		}
	}
}

// response reads an answer: 0 for yes, and what goes with it.
func response(s *dbus.Signal) (map[string]dbus.Variant, error) {
	if len(s.Body) == 2 {
		code, isCode := s.Body[0].(uint32)
		results, isResults := s.Body[1].(map[string]dbus.Variant)
		if isCode && isResults && code == 0 {
			return results, nil
		}
	}
	return nil, ErrRefused
}

// take takes in a signal. Only the portal's own count.
func (h *holder) take(s *dbus.Signal) {
	if name, before, _, ok := bus.Changed(s); ok {
		if name == service && before == h.owner {
			h.end()
		}
		return
	}
	if s.Sender != h.owner {
		return
	}
	switch s.Name {
	case request + ".Response":
		select {
		case h.answers <- s:
		default: // Nobody has asked so much.
		}
	case session + ".Closed":
		if s.Path == h.session() {
			h.end()
		}
	case keys + ".Activated", keys + ".Deactivated":
		if h.ours(s) {
			h.set(s.Name == keys+".Activated")
		}
	}
}

// ours reports whether a signal tells of the key of this session.
func (h *holder) ours(s *dbus.Signal) bool {
	if len(s.Body) < 2 {
		return false
	}
	at, isPath := s.Body[0].(dbus.ObjectPath)
	id, isID := s.Body[1].(string)
	return isPath && isID && at == h.session() && id == talkID
}

func (h *holder) session() dbus.ObjectPath {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.path
}

// set takes in that the key is down, or not. What is told goes out in order: the lock is
// held.
func (h *holder) set(down bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.over || down == h.down {
		return
	}
	h.down = down
	h.held(down)
}

// end lets the key go for good.
func (h *holder) end() {
	h.set(false)
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.over {
		h.over = true
		close(h.ended)
	}
}

// close gives the session back.
func (h *holder) close() {
	if at := h.session(); at != "" {
		_ = h.bus.Call(service, at, session+".Close", nil) // It may be gone.
	}
}

// token returns a name that no other request has.
func token() string { return "undertone" + rand.Text() }
