package main

import (
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"undertone/server/internal/admin"
	"undertone/server/node"
)

func addrs(texts ...string) (all []netip.Addr) {
	for _, text := range texts {
		all = append(all, netip.MustParseAddr(text))
	}
	return all
}

// What check says of public_host, for a machine at 192.168.1.5, and at 198.51.100.9
// and 2001:db8::9 where that is said.
func TestJudgeSite(t *testing.T) {
	home := append(addrs("127.0.0.1", "::1", "192.168.1.5"), netip.MustParseAddr("fe80::1"))
	rented := append(addrs("198.51.100.9", "2001:db8::9"), home...)
	for name, c := range map[string]struct {
		host   string
		addrs  []netip.Addr
		own    []netip.Addr
		public []netip.Addr
		listen string
		level  level
		text   string
	}{
		"its own": {"calls.example.org", addrs("198.51.100.9", "2001:db8::9"), rented, nil, ":7443", fine,
			"calls.example.org:7443 is 198.51.100.9, 2001:db8::9"},
		"behind a router": {"calls.example.org", addrs("203.0.113.7"), home, nil, ":7443", problem,
			`but this machine is 192.168.1.5: if that is right, a router or a cloud translates the address, and only Undertone's own program finds its way by itself. ` +
				`Write into server.toml: public_addresses = ["203.0.113.7"], and have TCP port 7443 and UDP port 7443 of it forwarded`},
		"one of two behind a router": {"calls.example.org", addrs("203.0.113.7", "2001:db8::9"), rented, nil, ":7443", problem,
			`public_addresses = ["203.0.113.7", "2001:db8::9"]`},
		"behind a router, and said so": {"calls.example.org", addrs("203.0.113.7"), home, addrs("203.0.113.7"), ":7443", fine, ""},
		"another one is said": {"calls.example.org", addrs("203.0.113.7"), home, addrs("203.0.113.8"), ":7443", warning,
			"public_addresses sends the cells of users to 203.0.113.8"},
		"IPv6 only in the DNS": {"calls.example.org", addrs("198.51.100.9", "2001:db8::9"), rented, nil, "0.0.0.0:7443", problem,
			`listen = "0.0.0.0:7443" does not take what comes to 2001:db8::9; write listen = ":7443"`},
		"listens elsewhere":        {"198.51.100.9", addrs("198.51.100.9"), rented, nil, "192.168.1.5:7443", problem, "does not take what comes to 198.51.100.9"},
		"listens at all of IPv6":   {"calls.example.org", addrs("198.51.100.9"), rented, nil, "[::]:7443", fine, ""},
		"listens at this one":      {"2001:db8::9", addrs("2001:db8::9"), rented, nil, "[2001:db8::9]:7443", fine, ""},
		"its own name":             {"calls.example.org", addrs("127.0.1.1"), home, nil, ":7443", warning, "on this machine (see /etc/hosts)"},
		"on this machine":          {"127.0.0.1", addrs("127.0.0.1"), home, nil, "127.0.0.1:7443", warning, "users outside this network cannot reach it"},
		"in this network":          {"192.168.1.5", addrs("192.168.1.5"), home, nil, ":7443", warning, "users outside this network cannot reach it"},
		"another machine in there": {"192.168.1.6", addrs("192.168.1.6"), home, nil, ":7443", problem, "this machine is 192.168.1.5"},
	} {
		s := node.DefaultSettings()
		s.PublicHost, s.Listen, s.PublicAddresses = net.JoinHostPort(c.host, "7443"), c.listen, c.public
		at := site{host: c.host, port: "7443", addrs: c.addrs, own: c.own}
		if f := at.judge(s); f.Level != c.level || !strings.Contains(f.Text, c.text) {
			t.Errorf("%s: %s: %s", name, f.Level, f.Text)
		}
	}
}

// The addresses of this machine are found.
func TestOwnAddresses(t *testing.T) {
	own, err := ownAddresses()
	if err != nil {
		t.Fatal(err)
	}
	if !(site{own: own}).owns(netip.MustParseAddr("127.0.0.1")) || (site{own: own}).owns(netip.MustParseAddr("203.0.113.7")) {
		t.Errorf("own addresses are %v", own)
	}
}

// A loopback is a site that this test listens at.
func loopback(t *testing.T) (at site, s node.Settings, tcp net.Listener, udp net.PacketConn) {
	t.Helper()
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = tcp.Close() })
	udp, err = net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = udp.Close() })
	s = node.DefaultSettings()
	s.PublicHost, s.Listen, s.ListenUDP = tcp.Addr().String(), tcp.Addr().String(), udp.LocalAddr().String()
	return site{host: "127.0.0.1", port: portOf(s.Listen), addrs: addrs("127.0.0.1")}, s, tcp, udp
}

// What can come in is found to come in, and nothing else.
func TestTryPorts(t *testing.T) {
	at, s, tcp, udp := loopback(t)
	other, _, tcp2, udp2 := loopback(t)
	if f := at.tryTCP(t.Context(), s, tcp); f.Level != fine || !strings.Contains(f.Text, "open at "+s.PublicHost) {
		t.Errorf("TCP: %+v", f)
	}
	if f := at.tryUDP(t.Context(), s, udp, probeTime); f.Level != fine || !strings.Contains(f.Text, "open at "+s.ListenUDP) {
		t.Errorf("UDP: %+v", f)
	}
	// Now nobody listens at the one, and somebody else at the other.
	if f := at.tryTCP(t.Context(), s, tcp2); f.Level != problem || !strings.Contains(f.Text, "connection refused") ||
		!strings.Contains(f.Text, "sudo ufw allow "+at.port) {
		t.Errorf("TCP that is closed: %+v", f)
	}
	if f := at.tryUDP(t.Context(), s, udp2, 20*time.Millisecond); f.Level != problem || !strings.Contains(f.Text, "no datagram arrives") {
		t.Errorf("UDP that leads elsewhere: %+v", f)
	}
	elsewhere, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	go answer(elsewhere, []byte("220 mail.example.org"))
	other.port = portOf(elsewhere.Addr().String())
	_, _, tcp3, _ := loopback(t)
	if f := other.tryTCP(t.Context(), s, tcp3); f.Level != problem || !strings.Contains(f.Text, "something else answers there") ||
		!strings.Contains(f.Text, "public_host says port "+other.port) {
		t.Errorf("TCP that leads elsewhere: %+v", f)
	}
}

// Of a server that runs it is seen whether it is the one that users find.
func TestCheckRunning(t *testing.T) {
	data, _ := newServer(t)
	p := start(t, data)
	f, err := node.OpenFolder(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	f.Settings.PublicHost, f.Settings.Listen = p.addr, p.addr
	at := site{host: "127.0.0.1", port: portOf(p.addr), addrs: addrs("127.0.0.1")}
	list := checkRunning(t.Context(), f, at, admin.Status{Signal: p.addr, Online: 3})
	if len(list) != 2 || list[1].Level != fine || !strings.Contains(list[0].Text, "3 online") || !strings.Contains(list[1].Text, "open at "+p.addr) {
		t.Errorf("%+v", list)
	}
	// Another server's key is not at that address.
	other, _ := newServer(t)
	g, err := node.OpenFolder(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = g.Close() }()
	g.Settings = f.Settings
	list = checkRunning(t.Context(), g, at, admin.Status{Signal: p.addr})
	if len(list) != 2 || list[1].Level != problem || !strings.Contains(list[1].Text, "something else answers there") ||
		!strings.Contains(list[0].Text, "nobody online") {
		t.Errorf("%+v", list)
	}
	g.Settings.Listen = "127.0.0.1:1"
	if list = checkRunning(t.Context(), g, at, admin.Status{Signal: p.addr}); len(list) != 2 || !strings.Contains(list[1].Text, "changed to 127.0.0.1:1; restart") {
		t.Errorf("%+v", list)
	}
	if err := p.end(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
}

// Through a router that leads nobody back to himself nothing is proved.
func TestVerdictThroughRouter(t *testing.T) {
	at := site{own: addrs("192.168.1.5")}
	to := netip.MustParseAddrPort("203.0.113.7:7443")
	f := at.verdict("UDP", []try{{to, errors.New("no datagram arrives")}}, "")
	if f.Level != warning || !strings.Contains(f.Text, "forward UDP port 7443 of the router to this machine") {
		t.Errorf("%+v", f)
	}
	f = at.verdict("UDP", []try{{to, nil}}, "")
	if f.Level != fine || !strings.Contains(f.Text, "a firewall further out shows only from another network") {
		t.Errorf("%+v", f)
	}
}

// A port that cannot be had is named with what to do.
func TestJudgePort(t *testing.T) {
	for text, err := range map[string]error{
		"is free": nil,
		"sudo ss -lntup sport = :443, and stop it": syscall.EADDRINUSE,
		"this machine has no such address":         syscall.EADDRNOTAVAIL,
		"choose a port above 1023":                 syscall.EACCES,
		"change the address in server.toml":        errors.New("no such protocol"),
	} {
		if f := judgePort("UDP", "192.0.2.1:443", err, false); !strings.Contains(f.Text, text) || (err == nil) != (f.Level == fine) {
			t.Errorf("%v: %+v", err, f)
		}
	}
	_, _, tcp, _ := loopback(t)
	l, err := net.Listen("tcp", tcp.Addr().String())
	if err == nil {
		_ = l.Close()
	}
	if f := judgePort("TCP", tcp.Addr().String(), err, true); !strings.Contains(f.Text, "is taken by another program") {
		t.Errorf("a port that is taken: %+v", f)
	}
}

func TestCheckPermissions(t *testing.T) {
	dir := t.TempDir()
	modes := func(folder, file fs.FileMode) finding {
		path := filepath.Join(dir, "registry.db")
		_ = os.Remove(path)
		if err := errors.Join(os.WriteFile(path, nil, 0o600), os.Chmod(path, file), os.Chmod(dir, folder)); err != nil {
			t.Fatal(err)
		}
		defer func() { _ = os.Chmod(dir, 0o700) }()
		return checkPermissions(dir)
	}
	if f := modes(0o700, 0o600); f.Level != fine {
		t.Errorf("%+v", f)
	}
	for text, f := range map[string]finding{
		"others can read " + dir + "; run: chmod -R go= ":                                         modes(0o750, 0o600),
		"others can read " + filepath.Join(dir, "registry.db"):                                    modes(0o700, 0o604),
		"the server may not read and write " + filepath.Join(dir, "registry.db") + "; run: chmod": modes(0o700, 0o400),
		"the server may not read and write " + dir:                                                modes(0o500, 0o600),
	} {
		if f.Level != problem || !strings.Contains(f.Text, text) {
			t.Errorf("not %q: %+v", text, f)
		}
	}
	if got := someOf([]string{"a", "b", "c", "d", "e"}); got != "a, b, c and 2 more" {
		t.Error(got)
	}
}

// What check says of the room for the data.
func TestCheckDisk(t *testing.T) {
	for _, c := range []struct {
		room  uint64
		level level
		text  string
	}{
		{0, problem, "0 KiB are free for /srv/calls, too little"},
		{32 << 10, problem, "32 KiB are free"},
		{1<<20 - 1, problem, "make room there, see: df -h /srv/calls"},
		{1 << 20, warning, "1 MiB are free for /srv/calls"},
		{64<<20 - 1, warning, "make room there, see: df -h /srv/calls"},
		{64 << 20, fine, "64 MiB are free"},
		{5 << 40, fine, "5120 GiB are free"},
	} {
		if f := checkDisk("/srv/calls", c.room); f.Level != c.level || !strings.Contains(f.Text, c.text) {
			t.Errorf("%d bytes: %+v", c.room, f)
		}
	}
	dir := t.TempDir()
	if room, ok := diskRoom(dir); ok != (runtime.GOOS == "linux") || ok && room == 0 {
		t.Errorf("there are %d bytes free in a folder of the test, %t", room, ok)
	}
	if _, ok := diskRoom(filepath.Join(dir, "away")); ok {
		t.Error("there is room in a folder that is not there")
	}
}

func TestCheckClock(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "online.pem"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	kept := clockState{known: true, kept: true, within: 20 * time.Millisecond}
	for name, c := range map[string]struct {
		now   time.Time
		state clockState
		level level
		text  string
	}{
		"kept":         {now, kept, fine, "is kept right to within 20ms"},
		"not kept":     {now, clockState{known: true}, warning, "sudo apt install systemd-timesyncd"},
		"nobody knows": {now, clockState{}, fine, "does not tell"},
		"set back":     {now.Add(-time.Hour), kept, problem, "online.pem was written on"},
	} {
		if f := checkClock(dir, c.now, c.state); f.Level != c.level || !strings.Contains(f.Text, c.text) {
			t.Errorf("%s: %+v", name, f)
		}
	}
	if s := systemClock(); s.kept && !s.known || s.within < 0 {
		t.Errorf("the system's clock: %+v", s)
	}
}

// A server of the package is a service, and its data are another user's.
func TestCommandsOfPackage(t *testing.T) {
	c := cli{data: installedData}
	if got := c.startCommand() + "; " + c.command("invite create"); got != "sudo systemctl start undertone-server; sudo undertone-server invite create" {
		t.Error(got)
	}
	c.data = "/srv/my calls"
	if got := c.startCommand(); got != "undertone-server run --data '/srv/my calls'" {
		t.Error(got)
	}
}

// A file that root made by other means is named.
func TestForeignFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "server.toml")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		// Nobody else can give files away.
		a, err := os.Stat("/")
		b, err2 := os.Stat(path)
		if err := errors.Join(err, err2); err != nil || sameOwner(a, b) {
			t.Errorf("a file of root's and one of ours are taken for one owner's: %v", err)
		}
		return
	}
	if err := os.Chown(dir, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	f := checkPermissions(dir)
	if f.Level != problem || !strings.Contains(f.Text, "but "+path+" to somebody else") || !strings.Contains(f.Text, "sudo chown -R "+ownerName(must(os.Stat(dir)))+": "+dir) {
		t.Errorf("%+v", f)
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
