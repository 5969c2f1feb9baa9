package bus

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
	"go.uber.org/goleak"

	"undertone/app/internal/ui/bus/bustest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestNobodyStartsABus(t *testing.T) {
	dir := t.TempDir()
	with := func(env map[string]string) bool { return runs(func(name string) string { return env[name] }) }
	if with(nil) || with(map[string]string{"XDG_RUNTIME_DIR": dir}) {
		t.Error("a bus was found where none is")
	}
	if !with(map[string]string{"DBUS_SESSION_BUS_ADDRESS": "unix:path=/x"}) {
		t.Error("the bus of the environment was not found")
	}
	if err := os.WriteFile(filepath.Join(dir, "bus"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if !with(map[string]string{"XDG_RUNTIME_DIR": dir}) {
		t.Error("the user's bus was not found")
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(dir, "nobody"))
	if b, err := Connect(); err == nil {
		b.Close()
		t.Error("connected to a bus that is not there")
	}
}

func connected(t *testing.T) *Bus {
	t.Helper()
	b, err := Connect()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// The tray of a desktop that starts at the same time comes a little later.
func TestTray(t *testing.T) {
	address := bustest.Start(t)
	b := connected(t)
	if b.HasTray(0) {
		t.Error("there is a tray on an empty bus")
	}
	has := make(chan bool)
	go func() { has <- b.HasTray(time.Minute) }()
	panel := bustest.Other(t, address, "org.kde.StatusNotifierHost-1") // Somebody else.
	if _, err := panel.RequestName(watcher, dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
	if !<-has {
		t.Error("the tray that came was not noticed")
	}
	if !b.HasTray(0) {
		t.Error("the tray that is there was not found")
	}
}

// Who starts a second window of a profile gets the first; other profiles are others.
func TestAlone(t *testing.T) {
	bustest.Start(t)
	folder := t.TempDir()
	shown := make(chan struct{}, 2)
	first := connected(t)
	if alone, err := first.Alone(folder, func() { shown <- struct{}{} }); err != nil || !alone {
		t.Fatalf("the first: %t, %v", alone, err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(folder, link); err != nil {
		t.Fatal(err)
	}
	for _, same := range []string{folder, link, folder + "/../" + filepath.Base(folder)} {
		if alone, err := connected(t).Alone(same, func() { t.Error("the second is shown") }); err != nil || alone {
			t.Errorf("%s: %t, %v", same, alone, err)
		}
		<-shown
	}
	if alone, err := connected(t).Alone(t.TempDir(), func() {}); err != nil || !alone {
		t.Errorf("another profile: %t, %v", alone, err)
	}
	watch, gone := connected(t), make(chan struct{})
	stop, err := watch.Listen(func(s *dbus.Signal) {
		if name, _, owner, ok := Changed(s); ok && name == nameOf(folder) && owner == "" {
			close(gone)
		}
	}, WhenOwnerChanges(nameOf(folder)))
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	first.Close()
	<-gone
	if alone, err := connected(t).Alone(folder, func() {}); err != nil || !alone {
		t.Errorf("after the first has ended: %t, %v", alone, err)
	}
}

func TestListenUntilStopped(t *testing.T) {
	address := bustest.Start(t)
	b, other := connected(t), bustest.Other(t, address, "")
	const path, iface = dbus.ObjectPath("/x"), "org.undertone.Test"
	took := make(chan int32, 8)
	take := func(s *dbus.Signal) {
		if s.Name == iface+".Said" {
			took <- s.Body[0].(int32)
		}
	}
	stop, err := b.Listen(take, Rule{dbus.WithMatchInterface(iface)})
	if err != nil {
		t.Fatal(err)
	}
	for n := range int32(3) {
		if err := other.Emit(path, iface+".Said", n); err != nil {
			t.Fatal(err)
		}
	}
	for n := range int32(3) {
		if got := <-took; got != n {
			t.Errorf("%d comes in the place of %d", got, n)
		}
	}
	stop()
	stop()
	if err := other.Emit(path, iface+".Said", int32(9)); err != nil {
		t.Fatal(err)
	}
	b.Owner(watcher) // What was emitted before has come by then.
	if len(took) != 0 {
		t.Error("it listens on")
	}
}

// The signal of a forger is none.
func TestChanged(t *testing.T) {
	body := []any{"a", "b", "c"}
	for _, c := range []struct {
		s    dbus.Signal
		want bool
	}{
		{dbus.Signal{Name: OwnerChanged, Sender: Daemon, Body: body}, true},
		{dbus.Signal{Name: OwnerChanged, Sender: ":1.7", Body: body}, false},
		{dbus.Signal{Name: Daemon + ".NameLost", Sender: Daemon, Body: body}, false},
		{dbus.Signal{Name: OwnerChanged, Sender: Daemon, Body: body[:2]}, false},
		{dbus.Signal{Name: OwnerChanged, Sender: Daemon, Body: []any{"a", 1, "c"}}, false},
	} {
		if _, _, _, ok := Changed(&c.s); ok != c.want {
			t.Errorf("%v: %t", c.s, ok)
		}
	}
}
