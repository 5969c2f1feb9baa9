// Package bus is the program's connection to the session bus of the desktop, if one
// runs: the way to the tray, to notifications, to keys that work everywhere, and to
// another Undertone that has the same profile open.
//
//	ui ──▶ Bus ──┬─ HasTray   is there a tray?
//	             ├─ Alone     one window for each profile: the second shows the first
//	             └─ Call, Listen ◀── ui/notify, ui/shortcut
//
// A desktop may hang or never answer. So nothing here waits longer than patience, but
// who says for how long. And nobody starts a bus here: where none runs, there is nothing
// to be had from one.
//
// What crosses the bus other programs of the same user can see, and it stays on the
// machine. Who may call: package ui and those named above, from any goroutine.
package bus

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/godbus/dbus/v5"
)

// ErrNone is why there is nothing where no session bus runs.
var ErrNone = errors.New("there is no session bus")

// errAlone is returned for a name that is held by who does not answer.
var errAlone = errors.New("another Undertone has this profile open, and does not answer")

const (
	// patience is how long a desktop may take to answer.
	patience = 3 * time.Second
	// signalDepth is how many signals may wait to be taken; the library keeps more.
	signalDepth = 16

	// Daemon is the name of the bus itself.
	Daemon = "org.freedesktop.DBus"
	// OwnerChanged is its signal that a name has another owner.
	OwnerChanged = Daemon + ".NameOwnerChanged"

	watcher = "org.kde.StatusNotifierWatcher"
)

// A Bus is a connection to the session bus.
type Bus struct {
	conn   *dbus.Conn
	cancel context.CancelFunc
	done   sync.WaitGroup // of those who listen
}

// Connect connects to the bus that runs.
func Connect() (*Bus, error) {
	if !runs(os.Getenv) {
		return nil, ErrNone
	}
	ctx, cancel := context.WithCancel(context.Background())
	late := time.AfterFunc(patience, cancel) // Closes the connection.
	conn, err := connect(ctx)
	if err == nil && !late.Stop() {
		err = context.DeadlineExceeded
	}
	if err != nil {
		cancel()
		return nil, err
	}
	return &Bus{conn: conn, cancel: cancel}, nil
}

func connect(ctx context.Context) (*dbus.Conn, error) {
	// Signals come in their order: a key goes down before it goes up.
	conn, err := dbus.SessionBusPrivateNoAutoStartup(dbus.WithContext(ctx), dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		return nil, err
	}
	if err = conn.Auth(nil); err == nil {
		err = conn.Hello()
	}
	if err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

// runs reports whether a bus runs.
func runs(getenv func(string) string) bool {
	if getenv("DBUS_SESSION_BUS_ADDRESS") != "" {
		return true
	}
	dir := getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		return false
	}
	_, err := os.Stat(filepath.Join(dir, "bus"))
	return err == nil
}

// Close ends the connection, and returns when nobody listens any more.
func (b *Bus) Close() {
	_ = b.conn.Close() // There is nothing to be saved.
	b.cancel()
	b.done.Wait()
}

// Name returns the name that the bus has given to this connection.
func (b *Bus) Name() string {
	if names := b.conn.Names(); len(names) > 0 {
		return names[0]
	}
	return ""
}

// Call calls a method, and stores what it returns.
func (b *Bus) Call(service string, path dbus.ObjectPath, method string, args []any, results ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return b.conn.Object(service, path).CallWithContext(ctx, method, 0, args...).Store(results...)
}

// Owner returns the unique name of who has a name, "" if nobody has.
func (b *Bus) Owner(name string) string {
	var owner string
	if b.Call(Daemon, "/org/freedesktop/DBus", Daemon+".GetNameOwner", []any{name}, &owner) != nil {
		return ""
	}
	return owner
}

// A Rule says which signals are wanted.
type Rule []dbus.MatchOption

// Listen asks for signals, and hands to take what comes, one after the other, until
// stop is called or the bus closes. What others have asked for comes as well: take
// looks at what it gets. When stop has returned, take is not called any more; it must
// not be called from take.
func (b *Bus) Listen(take func(*dbus.Signal), rules ...Rule) (stop func(), err error) {
	for i, rule := range rules {
		if err := b.match(rule); err != nil {
			b.forget(rules[:i])
			return nil, err
		}
	}
	signals, quit, ended := make(chan *dbus.Signal, signalDepth), make(chan struct{}), make(chan struct{})
	b.conn.Signal(signals)
	b.done.Go(func() {
		defer close(ended)
		for {
			select {
			case s, open := <-signals:
				if !open {
					return // The connection is closed.
				}
				take(s)
			case <-quit:
				return
			}
		}
	})
	var once sync.Once
	return func() {
		once.Do(func() {
			b.conn.RemoveSignal(signals)
			close(quit)
			<-ended
			b.forget(rules)
		})
	}, nil
}

func (b *Bus) match(rule Rule) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	return b.conn.AddMatchSignalContext(ctx, rule...)
}

// forget takes rules back, which only saves work.
func (b *Bus) forget(rules []Rule) {
	for _, rule := range rules {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		_ = b.conn.RemoveMatchSignalContext(ctx, rule...)
		cancel()
	}
}

// HasTray reports whether the desktop shows icons of programs. A program that starts
// with the desktop may be there first: so it waits for a tray, for as long as is said.
func (b *Bus) HasTray(wait time.Duration) bool {
	came := make(chan struct{}, 1)
	stop, err := b.Listen(func(s *dbus.Signal) {
		if name, _, owner, ok := Changed(s); ok && name == watcher && owner != "" {
			select {
			case came <- struct{}{}:
			default:
			}
		}
	}, WhenOwnerChanges(watcher))
	if err != nil {
		return b.Owner(watcher) != ""
	}
	defer stop()
	if b.Owner(watcher) != "" {
		return true
	}
	late := time.NewTimer(wait)
	defer late.Stop()
	select {
	case <-came:
		return true
	case <-late.C:
		return false
	}
}

// WhenOwnerChanges asks for the signal that a name has another owner now.
func WhenOwnerChanges(name string) Rule {
	return Rule{
		dbus.WithMatchSender(Daemon), dbus.WithMatchInterface(Daemon),
		dbus.WithMatchMember("NameOwnerChanged"), dbus.WithMatchArg(0, name),
	}
}

// Changed reads that signal. Only the bus itself can send it.
func Changed(s *dbus.Signal) (name, before, owner string, ok bool) {
	if s.Name != OwnerChanged || s.Sender != Daemon || len(s.Body) != 3 {
		return "", "", "", false
	}
	var good [3]bool
	name, good[0] = s.Body[0].(string)
	before, good[1] = s.Body[1].(string)
	owner, good[2] = s.Body[2].(string)
	return name, before, owner, good == [3]bool{true, true, true}
}
