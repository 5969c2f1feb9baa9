package shortcut

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"

	"undertone/app/internal/ui/bus"
	"undertone/app/internal/ui/bus/bustest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// A portal gives keys, as the specification says.
type portalOf struct {
	t      *testing.T
	conn   *dbus.Conn
	code   uint32           // of its answers
	silent bool             // it never answers
	bound  chan string      // what a key was asked for
	closed chan string      // sessions and requests that were given up
	asked  chan dbus.Sender // who asked for a session

	mu sync.Mutex
	at dbus.ObjectPath // the session
}

func (p *portalOf) session() dbus.ObjectPath {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.at
}

const answered = uint32(0)

func (p *portalOf) answer(from dbus.Sender, options map[string]dbus.Variant, results map[string]dbus.Variant) dbus.ObjectPath {
	sender := strings.ReplaceAll(strings.TrimPrefix(string(from), ":"), ".", "_")
	at := requests + dbus.ObjectPath(sender+"/"+options["handle_token"].Value().(string))
	if err := p.conn.Export(closer{p, string(at)}, at, request); err != nil {
		p.t.Error(err)
	}
	if !p.silent {
		// The answer may come before the call returns.
		if err := p.conn.Emit(at, request+".Response", p.code, results); err != nil {
			p.t.Error(err)
		}
	}
	return at
}

// CreateSession is called by the bus.
func (p *portalOf) CreateSession(from dbus.Sender, options map[string]dbus.Variant) (dbus.ObjectPath, *dbus.Error) {
	at := path + "/session/" + dbus.ObjectPath(options["session_handle_token"].Value().(string))
	p.mu.Lock()
	p.at = at
	p.mu.Unlock()
	if err := p.conn.Export(closer{p, "session"}, at, session); err != nil {
		p.t.Error(err)
	}
	p.asked <- from
	return p.answer(from, options, map[string]dbus.Variant{"session_handle": dbus.MakeVariant(string(at))}), nil
}

// BindShortcuts is called by the bus.
func (p *portalOf) BindShortcuts(from dbus.Sender, at dbus.ObjectPath, wishes []struct {
	ID      string
	Details map[string]dbus.Variant
}, _ string, options map[string]dbus.Variant) (dbus.ObjectPath, *dbus.Error) {
	if at != p.session() || len(wishes) != 1 || wishes[0].ID != talkID {
		p.t.Errorf("asked for %v in %s", wishes, at)
	}
	p.bound <- wishes[0].Details["description"].Value().(string)
	return p.answer(from, options, map[string]dbus.Variant{"shortcuts": dbus.MakeVariant(wishes)}), nil
}

type closer struct {
	p    *portalOf
	what string
}

// Close is called by the bus.
func (c closer) Close() *dbus.Error {
	c.p.closed <- c.what
	return nil
}

func (p *portalOf) press(at dbus.ObjectPath, id string, down bool) {
	p.t.Helper()
	name := keys + ".Deactivated"
	if down {
		name = keys + ".Activated"
	}
	if err := p.conn.Emit(path, name, at, id, uint64(1), map[string]dbus.Variant{}); err != nil {
		p.t.Fatal(err)
	}
}

// A rig is a program that wants a key, on a bus with a portal.
type rig struct {
	portal  *portalOf
	address string
	bus     *bus.Bus
	held    chan bool
	result  chan error
	cancel  context.CancelFunc
}

func newRig(t *testing.T, set func(*portalOf)) *rig {
	t.Helper()
	r := &rig{address: bustest.Start(t), held: make(chan bool, 8), result: make(chan error, 1)}
	r.portal = &portalOf{t: t, bound: make(chan string, 1), closed: make(chan string, 8), asked: make(chan dbus.Sender, 1)}
	set(r.portal)
	r.portal.conn = bustest.Other(t, r.address, service)
	if err := r.portal.conn.Export(r.portal, path, keys); err != nil {
		t.Fatal(err)
	}
	var err error
	if r.bus, err = bus.Connect(); err != nil {
		t.Fatal(err)
	}
	var ctx context.Context
	ctx, r.cancel = context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		r.result <- Hold(ctx, r.bus, "Talk", func(down bool) { r.held <- down })
	}()
	t.Cleanup(func() {
		r.cancel()
		<-ended
		r.bus.Close()
	})
	return r
}

// A person talks as long as he holds the key, and nobody else's key counts.
func TestHold(t *testing.T) {
	r := newRig(t, func(*portalOf) {})
	if what := <-r.portal.bound; what != "Talk" {
		t.Errorf("asked for a key for %q", what)
	}
	p := r.portal
	forger := &portalOf{t: t, conn: bustest.Other(t, r.address, "")}
	forger.press(p.session(), talkID, true)
	p.press(p.session()+"x", talkID, true)
	p.press(p.session(), "another", true)
	for range 3 {
		p.press(p.session(), talkID, true)
		p.press(p.session(), talkID, true) // It repeats.
		p.press(p.session(), talkID, false)
		if down, up := <-r.held, <-r.held; !down || up {
			t.Errorf("held: %t, then %t", down, up)
		}
	}
	p.press(p.session(), talkID, true)
	<-r.held
	r.cancel()
	if err := <-r.result; err != nil {
		t.Errorf("ended with %v", err)
	}
	if down := <-r.held; down {
		t.Error("at the end it is held")
	}
	if what := <-p.closed; what != "session" {
		t.Errorf("gave up the %s", what)
	}
}

// When the desktop takes the key away while it is held, nobody is heard any more.
func TestTheDesktopTakesItAway(t *testing.T) {
	for what, end := range map[string]func(*rig){
		"the session ends": func(r *rig) { _ = r.portal.conn.Emit(r.portal.session(), session+".Closed", map[string]dbus.Variant{}) },
		"the portal ends":  func(r *rig) { _ = r.portal.conn.Close() },
	} {
		t.Run(what, func(t *testing.T) {
			r := newRig(t, func(*portalOf) {})
			<-r.portal.bound
			r.portal.press(r.portal.session(), talkID, true)
			if !<-r.held {
				t.Error("it was not held")
			}
			end(r)
			if <-r.held {
				t.Error("it is held on")
			}
			if err := <-r.result; !errors.Is(err, ErrEnded) {
				t.Errorf("ended with %v", err)
			}
		})
	}
}

func TestNoKey(t *testing.T) {
	r := newRig(t, func(p *portalOf) { p.code = answered + 1 })
	if err := <-r.result; !errors.Is(err, ErrRefused) {
		t.Errorf("a person who refuses: %v", err)
	}
	bustest.Start(t)
	b, err := bus.Connect()
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if err := Hold(t.Context(), b, "", nil); !errors.Is(err, ErrNone) {
		t.Errorf("without a portal: %v", err)
	}
}

// Who does not want it any more takes his question back.
func TestGivenUpWhileAPersonIsAsked(t *testing.T) {
	r := newRig(t, func(p *portalOf) { p.silent = true })
	<-r.portal.asked
	r.cancel()
	if err := <-r.result; err != nil {
		t.Errorf("ended with %v", err)
	}
	if what := <-r.portal.closed; !strings.HasPrefix(what, string(requests)) {
		t.Errorf("gave up %s", what)
	}
}
