// Package bustest runs a session bus of its own for a test, so that nothing of the
// desktop of whoever runs the tests gets into them, and they run where there is none.
//
//	test ──Start──▶ dbus-daemon, on a socket in a folder of its own
//	     ◀─address──
//
// It needs dbus-daemon. Tests of the packages below ui call it, and nobody else.
package bustest

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/godbus/dbus/v5"
)

// config lets everybody who can open the socket do everything.
const config = `<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <type>session</type>
  <listen>unix:path=SOCKET</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow send_destination="*" eavesdrop="true"/>
    <allow eavesdrop="true"/>
    <allow own="*"/>
  </policy>
</busconfig>
`

// Start runs a bus until the test ends, has the environment name it, and returns its
// address.
func Start(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "bus") // The path of a socket must be short.
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	file := filepath.Join(dir, "config")
	text := strings.ReplaceAll(config, "SOCKET", filepath.Join(dir, "bus"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("dbus-daemon", "--nofork", "--nopidfile", "--print-address=1", "--config-file="+file)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("a test needs dbus-daemon: %v", err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait() // It was killed.
	})
	address, err := bufio.NewReader(out).ReadString('\n') // It is there when it says so.
	if err != nil {
		t.Fatalf("dbus-daemon did not start: %v", err)
	}
	address = strings.TrimSpace(address)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", address)
	return address
}

// Other returns a further connection to the bus, for who plays the desktop. It has the
// name that it is given.
func Other(t testing.TB, address, name string) *dbus.Conn {
	t.Helper()
	conn, err := dbus.Connect(address, dbus.WithSignalHandler(dbus.NewSequentialSignalHandler()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if name == "" {
		return conn
	}
	if reply, err := conn.RequestName(name, dbus.NameFlagDoNotQueue); err != nil || reply != dbus.RequestNameReplyPrimaryOwner {
		t.Fatalf("cannot have the name %s: %v, %v", name, reply, err)
	}
	return conn
}
