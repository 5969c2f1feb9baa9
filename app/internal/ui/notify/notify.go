// Package notify shows who calls in a notification of the desktop, with buttons to
// answer and decline.
//
//	Show, Hide ──▶ what is wanted ──▶ one goroutine ──▶ org.freedesktop.Notifications
//	(never wait)                                                     │
//	actions ◀───────────────── ActionInvoked(id, "answer") ◀─────────┘
//
// What is shown there other programs see, and some pass it on to a telephone by radio
// or network, where it tells that somebody calls. So a notification is shown to who
// asked for that, and only as long as it rings; it asks not to be kept. A name comes
// from somebody else, and a desktop may understand markup, pictures from the network
// with it: so nothing in a name is markup.
//
// The desktop may take its time. What was wanted meanwhile and is not any more is never
// shown, and what is shown is taken away in the end. Who may call: package ui.
package notify

import (
	"strings"
	"sync"

	"github.com/godbus/dbus/v5"

	"undertone/app/internal/ui/bus"
)

const (
	service   = "org.freedesktop.Notifications"
	path      = dbus.ObjectPath("/org/freedesktop/Notifications")
	answerKey = "answer"
	refuseKey = "decline"
	critical  = byte(2) // stays until it is closed
)

// Actions are what the buttons of a notification do.
type Actions struct{ Answer, Decline func() }

// Texts are what a notification says.
type Texts struct{ Title, Body, Answer, Decline string }

// Notices show one notification at a time. They must be closed before their bus.
type Notices struct {
	bus  *bus.Bus
	stop func()
	wake chan struct{} // 1 deep: something else is wanted
	done sync.WaitGroup

	mu   sync.Mutex
	want *notice // nil for nothing
	is   *notice // what was shown last for want
	id   uint32  // of what is shown, 0 for nothing
	from string  // who shows it, on the bus
}

type notice struct {
	Texts
	does Actions
}

// New returns notices of which none is shown.
func New(b *bus.Bus) (*Notices, error) {
	n := &Notices{bus: b, wake: make(chan struct{}, 1)}
	var err error
	n.stop, err = b.Listen(n.take, bus.Rule{dbus.WithMatchSender(service), dbus.WithMatchObjectPath(path), dbus.WithMatchInterface(service)})
	if err != nil {
		return nil, err
	}
	n.done.Go(n.work)
	return n, nil
}

// Show shows a notification, in the place of the one before.
func (n *Notices) Show(t Texts, does Actions) { n.wants(&notice{t, does}) }

// Hide takes it away.
func (n *Notices) Hide() { n.wants(nil) }

func (n *Notices) wants(w *notice) {
	n.mu.Lock()
	n.want = w
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// Close takes away what is shown, and ends all. Nothing may be called after it.
func (n *Notices) Close() {
	n.Hide()
	close(n.wake)
	n.done.Wait()
	n.stop()
}

// work follows what is wanted.
func (n *Notices) work() {
	for range n.wake {
		n.follow()
	}
}

func (n *Notices) follow() {
	n.mu.Lock()
	want, is, id := n.want, n.is, n.id
	n.mu.Unlock()
	switch want {
	case is:
	case nil:
		n.shown(nil, 0, "")
		if id != 0 {
			_ = n.bus.Call(service, path, service+".CloseNotification", []any{id}) // A desktop that hangs shows it on.
		}
	default:
		next, err := n.notify(id, want.Texts)
		if err != nil {
			next = id // The window shows it anyway.
		}
		n.shown(want, next, n.bus.Owner(service))
	}
}

func (n *Notices) shown(is *notice, id uint32, from string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.is, n.id, n.from = is, id, from
}

func (n *Notices) notify(id uint32, t Texts) (next uint32, err error) {
	hints := map[string]dbus.Variant{
		"urgency":   dbus.MakeVariant(critical),
		"transient": dbus.MakeVariant(true),
		"category":  dbus.MakeVariant("call.incoming"),
	}
	actions := []string{answerKey, t.Answer, refuseKey, t.Decline}
	err = n.bus.Call(service, path, service+".Notify",
		[]any{"Undertone", id, "undertone", t.Title, plain(t.Body), actions, hints, int32(0)}, &next)
	return next, err
}

// plain returns a text that a desktop which understands markup shows as it is.
func plain(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// take takes in a signal: a button was pressed. Whoever it comes from must be who shows
// the notification, and it must be the one that is still wanted.
func (n *Notices) take(s *dbus.Signal) {
	if s.Name != service+".ActionInvoked" || s.Path != path || len(s.Body) != 2 {
		return
	}
	id, isID := s.Body[0].(uint32)
	key, isKey := s.Body[1].(string)
	n.mu.Lock()
	is, ours := n.is, isID && isKey && id == n.id && id != 0 && s.Sender == n.from && n.is == n.want
	n.mu.Unlock()
	switch {
	case !ours || is == nil:
	case key == answerKey:
		is.does.Answer()
	case key == refuseKey:
		is.does.Decline()
	}
}
