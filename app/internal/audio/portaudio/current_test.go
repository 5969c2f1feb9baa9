package portaudio

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"undertone/app/internal/audio/pulsetest"
	"undertone/app/internal/audio/sound"
)

// Streams that run stay when the sound server does not say what it has, and are
// opened anew when it is gone.
func TestASilentServerEndsNoStreams(t *testing.T) {
	server := pulsetest.Start(t)
	server.Sink(t, "any").Microphone(t, "talk")
	for _, e := range server.Env() {
		name, value, _ := strings.Cut(e, "=")
		t.Setenv(name, value)
	}
	b := New()
	defer b.Close()
	s := &streams{backend: b, choice: sound.Choice{Mic: true, Speaker: true, MicName: "talk"}}
	var err error
	if s.to, err = b.targets(s.choice); err != nil || s.to.mic.node != "talk" || !s.Current() {
		t.Fatalf("to be opened: %+v, %v", s.to, err)
	}

	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "native"))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			conn.Close()
		}
	}()
	t.Setenv("PULSE_SERVER", "unix:"+l.Addr().String())
	b.server.Close()
	if !s.Current() {
		t.Error("streams end with a server that refuses to talk")
	}
	l.Close()
	if s.Current() {
		t.Error("streams outlive their server")
	}
}
