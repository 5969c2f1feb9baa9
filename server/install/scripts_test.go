package install

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A machine is a root folder without anything else, on which the scripts of the package
// run as dpkg runs them. The commands that would change the real one note down that they
// were called.
type machine struct {
	t     *testing.T
	root  string
	calls string
}

func newMachine(t *testing.T, systemd bool) *machine {
	t.Helper()
	m := &machine{t: t, root: t.TempDir()}
	m.calls = filepath.Join(m.root, "calls")
	stub := "#!/bin/sh\necho \"${0##*/} $*\" >>'" + m.calls + "'\n"
	for _, name := range []string{"adduser", "deluser", "chown", "systemctl", "deb-systemd-helper", "deb-systemd-invoke"} {
		m.write("stubs/"+name, stub, 0o755)
	}
	if systemd {
		m.write("run/systemd/system/.keep", "", 0o644)
	}
	return m
}

func (m *machine) write(path, text string, mode os.FileMode) {
	m.t.Helper()
	path = filepath.Join(m.root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		m.t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), mode); err != nil {
		m.t.Fatal(err)
	}
}

// data tells whether there is a data folder.
func (m *machine) data() bool {
	_, err := os.Stat(m.root + "/var/lib/undertone")
	return err == nil
}

// setUp does what undertone-server init does, as far as the package can see.
func (m *machine) setUp() { m.write("var/lib/undertone/server.toml", "mode = \"tmix\"\n", 0o600) }

// run runs a script and returns what it printed and which commands it called.
func (m *machine) run(script string, args ...string) (printed, called string) {
	m.t.Helper()
	_ = os.Remove(m.calls)
	cmd := exec.Command("sh", append([]string{"./" + script}, args...)...)
	cmd.Env = []string{"DPKG_ROOT=" + m.root, "PATH=" + filepath.Join(m.root, "stubs") + ":/usr/sbin:/usr/bin:/sbin:/bin"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		m.t.Fatalf("%s %s: %v\n%s", script, args, err, out)
	}
	calls, _ := os.ReadFile(m.calls) // There need not be any.
	return string(out), string(calls)
}

func expect(t *testing.T, what, text string, with, without []string) {
	t.Helper()
	for _, s := range with {
		if !strings.Contains(text, s) {
			t.Errorf("%s: there is no %q in\n%s", what, s, text)
		}
	}
	for _, s := range without {
		if strings.Contains(text, s) {
			t.Errorf("%s: there is %q in\n%s", what, s, text)
		}
	}
}

// A package that comes makes its user and its folder, says how to set the server up,
// and starts nothing.
func TestFirstInstallation(t *testing.T) {
	m := newMachine(t, true)
	printed, called := m.run("postinst", "configure", "")
	expect(t, "what is said", printed, []string{"sudo undertone-server init --host NAME\n", "sudo systemctl start undertone-server\n"}, nil)
	expect(t, "what is done", called, []string{"adduser --system --group --quiet --home /var/lib/undertone", "chown undertone:undertone " + m.root,
		"deb-systemd-helper enable undertone-server.service", "systemctl --system daemon-reload"}, []string{"deb-systemd-invoke"})
	info, err := os.Stat(m.root + "/var/lib/undertone")
	if err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("the data folder: %v, %v", info, err)
	}
}

// What a socket may have is made more at once, never less, only once, and not without
// systemd, where it is another system's.
func TestRoomForSockets(t *testing.T) {
	for _, c := range []struct {
		systemd        bool
		old, was, want string
	}{{true, "", "212992", "8388608"}, {true, "", "16777216", "16777216"}, {false, "", "212992", "212992"}, {true, "1.0", "212992", "212992"}} {
		m := newMachine(t, c.systemd)
		const file = "proc/sys/net/core/rmem_max"
		m.write(file, c.was+"\n", 0o644)
		m.run("postinst", "configure", c.old)
		if got := strings.TrimSpace(read(t, filepath.Join(m.root, file))); got != c.want {
			t.Errorf("with systemd %v: %s became %s, not %s", c.systemd, c.was, got, c.want)
		}
	}
	for _, name := range []string{"rmem_max", "wmem_max"} {
		if file := read(t, "sysctl.conf"); !strings.Contains(file, "\nnet.core."+name+" = 8388608\n") {
			t.Errorf("the file says nothing of %s", name)
		}
	}
}

// An upgrade says nothing, keeps the folder as it is, and has the new program take the
// old one's place.
func TestUpgrade(t *testing.T) {
	m := newMachine(t, true)
	m.setUp()
	_, stopped := m.run("prerm", "upgrade", "1.1")
	_, removed := m.run("postrm", "upgrade", "1.1")
	printed, called := m.run("postinst", "configure", "1.0")
	expect(t, "before", stopped+removed, nil, []string{"stop", "mask", "purge", "deluser"})
	expect(t, "what is said", printed, nil, []string{"init"})
	expect(t, "what is done", called, []string{"deb-systemd-invoke restart undertone-server.service"}, []string{"chown"})
}

// What goes leaves the users' invites and keys; only a purge takes them.
func TestRemoveKeepsDataAndPurgeDoesNot(t *testing.T) {
	m := newMachine(t, true)
	m.setUp()
	_, called := m.run("prerm", "remove")
	expect(t, "prerm", called, []string{"deb-systemd-invoke stop undertone-server.service"}, nil)
	_, called = m.run("postrm", "remove")
	expect(t, "postrm", called, []string{"deb-systemd-helper mask", "daemon-reload"}, []string{"deluser"})
	if !m.data() {
		t.Error("removing the package took the data")
	}
	// It comes back, and finds its server.
	printed, called := m.run("postinst", "configure", "1.0")
	expect(t, "back", called, []string{"deb-systemd-helper unmask", "deb-systemd-invoke restart"}, nil)
	expect(t, "back", printed, nil, []string{"init"})

	_, called = m.run("postrm", "purge")
	expect(t, "purge", called, []string{"deb-systemd-helper purge", "deluser --system --quiet undertone"}, nil)
	if m.data() {
		t.Error("a purge left the data")
	}
}

// Without systemd, as in a container or a chroot, nothing is started or stopped.
func TestWithoutSystemd(t *testing.T) {
	m := newMachine(t, false)
	m.setUp()
	for _, args := range [][]string{{"postinst", "configure", ""}, {"prerm", "remove"}, {"postrm", "remove"}, {"postrm", "purge"}} {
		_, called := m.run(args[0], args[1:]...)
		expect(t, strings.Join(args, " "), called, nil, []string{"systemctl", "deb-systemd-invoke"})
	}
}
