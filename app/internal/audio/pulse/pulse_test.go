package pulse

import (
	"encoding/binary"
	"errors"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jfreymuth/pulse/proto"

	"undertone/app/internal/audio/pulsetest"
)

// soon is when a server that works must have answered, however busy the machine is.
func soon() time.Time { return time.Now().Add(20 * time.Second) }

// connect connects to a test's server; events gets a value at every change.
func connect(t *testing.T, s *pulsetest.Server) (server *Server, events chan struct{}) {
	t.Helper()
	for _, e := range s.Env() {
		name, value, _ := strings.Cut(e, "=")
		t.Setenv(name, value)
	}
	events = make(chan struct{}, 1)
	server, err := Connect(soon(), func() {
		select {
		case events <- struct{}{}:
		default:
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	return server, events
}

// until waits for changes until ok.
func until(t *testing.T, what string, events <-chan struct{}, ok func() bool) {
	t.Helper()
	late := time.After(20 * time.Second)
	for !ok() {
		select {
		case <-events:
		case <-late:
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func find(t *testing.T, s *Server, name string) (Node, bool) {
	t.Helper()
	list, err := s.Nodes(soon())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list.Nodes, func(n Node) bool { return n.Name == name })
	if i < 0 {
		return Node{}, false
	}
	return list.Nodes[i], true
}

func TestNodes(t *testing.T) {
	s := pulsetest.Start(t)
	s.Sink(t, "plain").Microphone(t, "talk")
	s.Pactl(t, "load-module", "module-null-sink", "sink_name=ear", `sink_properties="device.description='Ear piece über Funk' device.bus=bluetooth"`)
	s.Pactl(t, "load-module", "module-remap-sink", "sink_name=louder", "master=ear")
	server, _ := connect(t, s)
	list, err := server.Nodes(soon())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range list.Nodes {
		got = append(got, n.Name)
		if n.Channels < 1 || n.Rate < 8000 || n.Description == "" {
			t.Errorf("node %+v", n)
		}
	}
	if want := []string{"plain", "ear", "louder", "talk", "plain.monitor", "ear.monitor", "louder.monitor"}; !slices.Equal(got, want) {
		t.Errorf("nodes %q, want %q", got, want)
	}
	if list.System != "PulseAudio" {
		t.Errorf("the server is %q", list.System)
	}
	for name, leaves := range map[string]string{"plain": "", "talk": "", "ear": Bluetooth, "louder": Bluetooth} {
		if n, _ := find(t, server, name); n.Leaves != leaves {
			t.Errorf("%s leaves by %q, want %q", name, n.Leaves, leaves)
		}
	}
	if n, _ := find(t, server, "ear"); n.Description != "Ear piece über Funk" || n.Input || n.Monitor {
		t.Errorf("node %+v", n)
	}
	if n, _ := find(t, server, "talk"); !n.Input || n.Monitor {
		t.Errorf("node %+v", n)
	}
	if n, _ := find(t, server, "ear.monitor"); !n.Input || !n.Monitor {
		t.Errorf("node %+v", n)
	}
}

func TestChangesAreTold(t *testing.T) {
	s := pulsetest.Start(t)
	s.Sink(t, "first")
	server, events := connect(t, s)
	second := s.Sink(t, "second")
	until(t, "a new sink", events, func() bool { _, there := find(t, server, "second"); return there })
	s.Pactl(t, "set-default-sink", "second")
	until(t, "a new default", events, func() bool { n, _ := find(t, server, "second"); return n.Default })
	second.Unplug(t)
	until(t, "the old default", events, func() bool { n, _ := find(t, server, "first"); return n.Default })
	s.Kill(t)
	until(t, "the server's end", events, server.Gone)
	if _, err := server.Nodes(soon()); !errors.Is(err, ErrNone) {
		t.Errorf("error %v", err)
	}
}

func TestNoServer(t *testing.T) {
	t.Setenv("PULSE_SERVER", "unix:"+filepath.Join(t.TempDir(), "none"))
	if _, err := Connect(soon(), func() {}); !errors.Is(err, ErrNone) || !Absent(err) {
		t.Errorf("error %v", err)
	}
}

// TestOwnCloseIsNoChange: who connects again when he is told of a change is not
// told of what he did himself, or of a server that will not have him.
func TestOwnCloseIsNoChange(t *testing.T) {
	l, err := net.Listen("unix", filepath.Join(t.TempDir(), "native"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			io.CopyN(conn, conn, 1) //nolint:errcheck // It has been asked something.
			conn.Close()
		}
	}()
	var changes atomic.Int32
	t.Setenv("PULSE_SERVER", "unix:"+l.Addr().String())
	if _, err := Connect(soon(), func() { changes.Add(1) }); !errors.Is(err, ErrNone) || Absent(err) {
		t.Errorf("error %v", err)
	}
	for _, e := range pulsetest.Start(t).Env() {
		name, value, _ := strings.Cut(e, "=")
		t.Setenv(name, value)
	}
	s, err := Connect(soon(), func() { changes.Add(1) })
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if n := changes.Load(); n != 0 || !s.Gone() {
		t.Errorf("%d changes; gone %t", n, s.Gone())
	}
}

// A server that takes nothing, or never answers, is given up at the deadline.
func TestSilentServerIsGivenUp(t *testing.T) {
	for name, take := range map[string]func(net.Conn){
		"takes all":     func(c net.Conn) { io.Copy(io.Discard, c) }, //nolint:errcheck // until it is closed
		"takes nothing": func(net.Conn) {},
	} {
		synctest.Test(t, func(t *testing.T) {
			here, there := net.Pipe()
			defer there.Close()
			go take(there)
			const patience = 700 * time.Millisecond
			start := time.Now()
			_, err := greet(here, false, start.Add(patience), func() { t.Error("it tells of changes") })
			if took := time.Since(start); !errors.Is(err, ErrNone) || Absent(err) || took != patience {
				t.Errorf("%s: error %v after %v", name, err, took)
			}
		})
	}
}

// A server that hangs answers nothing more, and all questions when it goes on.
func TestServerHangs(t *testing.T) {
	s := pulsetest.Start(t)
	s.Sink(t, "any")
	server, _ := connect(t, s)
	s.Freeze(t)
	if _, err := server.Nodes(time.Now().Add(50 * time.Millisecond)); !errors.Is(err, ErrNone) || Absent(err) {
		t.Errorf("error %v", err)
	}
	if _, err := Connect(time.Now().Add(50*time.Millisecond), func() {}); !errors.Is(err, ErrNone) || Absent(err) {
		t.Errorf("error %v", err)
	}
	s.Thaw(t)
	again, _ := connect(t, s)
	if _, there := find(t, again, "any"); !there {
		t.Error("it has nothing any more")
	}
}

func TestAddress(t *testing.T) {
	for named, want := range map[string]string{
		"unix:/a/b":                 "unix /a/b",
		"/a/b":                      "unix /a/b",
		"{abc}unix:/a/b tcp:x":      "unix /a/b",
		"tcp:there:17":              "tcp there:17",
		"tcp4:there":                "tcp4 there:4713",
		"tcp6:[::1]":                "tcp6 [::1]:4713",
		"there":                     "tcp there:4713",
		"there.example.org:17 unix": "tcp there.example.org:17",
		"":                          "unix /run/x/pulse/native",
	} {
		t.Setenv("PULSE_SERVER", named)
		t.Setenv("PULSE_RUNTIME_PATH", "")
		t.Setenv("XDG_RUNTIME_DIR", "/run/x")
		if network, place := address(); network+" "+place != want {
			t.Errorf("%q is %s %s, want %s", named, network, place, want)
		}
	}
}

func TestLeaves(t *testing.T) {
	with := func(key, value string) proto.PropList { return proto.PropList{key: proto.PropListString(value)} }
	for name, f := range map[string]struct {
		fact
		want string
	}{
		"alsa_output.usb-headset":       {fact{driver: "module-alsa-card.c", properties: with("device.api", "alsa")}, ""},
		"a broken property":             {fact{properties: proto.PropList{"device.bus": {}, "device.api": []byte("x")}}, ""},
		"by api":                        {fact{properties: with("device.api", "bluez5")}, Bluetooth},
		"by bus":                        {fact{properties: with("device.bus", "bluetooth")}, Bluetooth},
		"by driver":                     {fact{driver: "module-bluez5-device.c"}, Bluetooth},
		"bluez_output.00_11_22_33_44":   {fact{driver: "PipeWire"}, Bluetooth},
		"by flag":                       {fact{flags: networkFlag | 2}, Network},
		"by PipeWire's property":        {fact{properties: with("node.network", "true")}, Network},
		"tunnel.there.alsa_output":      {fact{driver: "PipeWire"}, Network},
		"by tunnel":                     {fact{driver: "module-tunnel-sink-new.c"}, Network},
		"by RTP":                        {fact{driver: "module-rtp-recv.c"}, Network},
		"raop_sink.livingroom":          {fact{driver: "PipeWire"}, Network},
		"roc-sink":                      {fact{driver: "PipeWire"}, Network},
		"rocking alsa_output.procedure": {fact{driver: "module-alsa-sink.c"}, ""},
		"its own master":                {fact{properties: with("device.master_device", "its own master")}, ""},
	} {
		if got := leaves(map[string]fact{name: f.fact}, name); got != f.want {
			t.Errorf("%s leaves by %q, want %q", name, got, f.want)
		}
	}
}

// TestPackets: a packet is handed on whole or not at all, whatever ends it.
func TestPackets(t *testing.T) {
	packet := func(n int, rest string) string {
		return string(binary.BigEndian.AppendUint32(nil, uint32(n))) + strings.Repeat("h", headSize-4) + rest
	}
	for name, c := range map[string]struct{ sent, want string }{
		"two":      {packet(3, "abc") + packet(0, ""), packet(3, "abc") + packet(0, "")},
		"torn":     {packet(3, "abc") + packet(4, "def"), packet(3, "abc")},
		"half":     {packet(1, "a") + packet(0, "")[:7], packet(1, "a")},
		"too long": {packet(packetSize+1, "abc"), ""},
	} {
		here, there := net.Pipe()
		go func() {
			there.Write([]byte(c.sent)) //nolint:errcheck // the other end says what came
			there.Close()
		}()
		got, err := io.ReadAll(&packets{conn: here})
		if err != nil || string(got) != c.want {
			t.Errorf("%s: got %q, %v; want %q", name, got, err, c.want)
		}
	}
}
