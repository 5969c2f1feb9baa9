package portaudio

import (
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"undertone/app/internal/audio/pulsetest"
	"undertone/app/internal/audio/sound"
)

// TestCallbacksTellTheirTime: with both counts stands when they moved, on the clock
// that the parent reads, and for how many samples they were called.
func TestCallbacksTellTheirTime(t *testing.T) {
	_, before, m := openAny(t)
	for name, line := range map[string]*sound.Line{"captured": &m.Captured, "played": &m.Played} {
		if at, now := told(line), clock(t); at < before || at > now {
			t.Errorf("%s at %d, between %d and %d", name, at, before, now)
		}
		if each := line.Each.Load(); each != framesPerCallback {
			t.Errorf("a callback for %d samples: %s", each, name)
		}
	}
}

// told returns the time of a callback, when none is going on.
func told(l *sound.Line) (when uint64) {
	for when == 0 {
		when = l.When.Load()
	}
	return when
}

// openAny opens a device in both directions, and returns when sound goes through: the
// server, the time before that, and what the callbacks share.
func openAny(t *testing.T) (server *pulsetest.Server, before uint64, m *sound.Memory) {
	t.Helper()
	server = pulsetest.Start(t)
	k := server.Sink(t, "any")
	for _, e := range append(append(server.Env(), k.MicEnv()...), k.SpeakerEnv()...) {
		name, value, _ := strings.Cut(e, "=")
		t.Setenv(name, value)
	}
	b := New()
	t.Cleanup(b.Close)
	if err := b.Refresh(); err != nil {
		t.Fatal(err)
	}
	m, before = &sound.Memory{}, clock(t)
	m.Queued.Count.Store(1 << 40) // It plays what is in the ring, again and again.
	s, err := b.Open(sound.Choice{Mic: true, Speaker: true}, m)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	for name, line := range map[string]*sound.Line{"captured": &m.Captured, "played": &m.Played} {
		for deadline := time.Now().Add(30 * time.Second); line.Count.Load() == 0; {
			if time.Now().After(deadline) {
				t.Fatalf("nothing is %s", name)
			}
			<-time.After(time.Millisecond)
		}
	}
	return server, before, m
}

// TestDryDevicesAreCounted stops the sound server for longer than it has something to
// play. ALSA does not tell of it.
func TestDryDevicesAreCounted(t *testing.T) {
	server, _, m := openAny(t)
	before := m.Played.Late.Load()
	server.Freeze(t)
	<-time.After(100 * time.Millisecond)
	server.Thaw(t)
	for deadline := time.Now().Add(30 * time.Second); m.Played.Late.Load() == before; {
		if time.Now().After(deadline) {
			t.Fatal("nobody has noticed")
		}
		<-time.After(time.Millisecond)
	}
}

func clock(t *testing.T) uint64 {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); err != nil {
		t.Fatal(err)
	}
	return uint64(now.Nano()) //nolint:gosec // positive
}
