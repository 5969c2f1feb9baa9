package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"

	"undertone/server/internal/admin"
	"undertone/server/node"
)

// checkPorts tries to listen where the server would, unless it does already, and
// then goes the way of a user to what listens.
func checkPorts(ctx context.Context, f *node.Folder, at site) []finding {
	status, err := admin.NewClient(f.Socket()).Status(ctx)
	switch {
	case err == nil:
		return checkRunning(ctx, f, at, status)
	case !errors.Is(err, admin.ErrNotRunning):
		return []finding{{problem, "ports", err.Error()}}
	}
	s := f.Settings
	tcp, err := new(net.ListenConfig).Listen(ctx, "tcp", s.Listen)
	service := f.Dir == installedData
	list := []finding{judgePort("TCP", s.Listen, err, service)}
	if err == nil {
		defer func() { _ = tcp.Close() }()
	}
	udp, errUDP := new(net.ListenConfig).ListenPacket(ctx, "udp", s.CellsAddress())
	list = append(list, judgePort("UDP", s.CellsAddress(), errUDP, service))
	if errUDP == nil {
		defer func() { _ = udp.Close() }()
	}
	list = append(list, checkMetrics(s, f.Dir)...)
	if err != nil || errUDP != nil || !at.fixed(s) {
		return list
	}
	return append(list, at.tryTCP(ctx, s, tcp), at.tryUDP(ctx, s, udp, probeTime))
}

// fixed tells whether it is known where users go: they cannot be told of ports that
// the system chooses anew each time.
func (at site) fixed(s node.Settings) bool {
	return len(at.addrs) > 0 && portOf(s.Listen) != "0" && portOf(s.CellsAddress()) != "0"
}

// judgePort says what it means that a port could or could not be had. A service may be
// allowed more than whoever looks.
func judgePort(kind, addr string, err error, service bool) finding {
	what, port := kind+" port", portOf(addr)
	switch {
	case err == nil:
		return finding{fine, what, addr + " is free"}
	case errors.Is(err, os.ErrPermission) && service:
		return finding{warning, what, addr + " is for privileged programs, and cannot be tried from here; the service may use it if its unit says so, " +
			"as the comment there explains (systemctl cat undertone-server). Look again when the server runs"}
	case errors.Is(err, os.ErrPermission):
		return finding{problem, what, addr + " may not be used by this user; choose a port above 1023 in server.toml, or allow the service a lower one, " +
			"as the comment in its unit says (systemctl cat undertone-server)"}
	case errors.Is(err, syscall.EADDRINUSE):
		return finding{problem, what, fmt.Sprintf("%s is taken by another program; see which, with: sudo ss -lntup sport = :%s, and stop it, "+
			"or choose another port in server.toml", addr, port)}
	case errors.Is(err, syscall.EADDRNOTAVAIL):
		return finding{problem, what, fmt.Sprintf("%s cannot be used, since this machine has no such address; write \":%s\" into server.toml, which is all that it has", addr, port)}
	}
	return finding{problem, what, fmt.Sprintf("%s cannot be used (%v); change the address in server.toml", addr, err)}
}

// probeTime is how long an answer from nearby is waited for.
const probeTime = 2 * time.Second

// A try is the outcome of going to one address of the server.
type try struct {
	to  netip.AddrPort
	err error
}

// verdict says what tries from this machine prove. What an address of its own does
// not take, its firewall keeps out. Another address leads through a router, and
// many a router does not lead a machine back to itself.
func (at site) verdict(kind string, tries []try, open string) finding {
	what := kind + " way in"
	for _, t := range tries {
		if t.err != nil && at.owns(t.to.Addr()) {
			return finding{problem, what, fmt.Sprintf("nothing comes in at %s (%v), not even from this machine; %s", t.to, t.err, open)}
		}
	}
	for _, t := range tries {
		if t.err != nil {
			return finding{warning, what, fmt.Sprintf("%s could not be tried from here (%v), since many routers lead nobody back to himself; try it from another network. "+
				"If nothing comes in: forward %s port %d of the router to this machine, and open it in every firewall", t.to, t.err, kind, t.to.Port())}
		}
	}
	text := "from this machine"
	for i, t := range tries {
		if i == 0 {
			text += " it is open at "
		} else {
			text += ", "
		}
		text += t.to.String()
	}
	return finding{fine, what, text + "; a firewall further out shows only from another network"}
}

// firewallHint says how to open a port on this machine.
func firewallHint(kind, port string) string {
	return fmt.Sprintf("open %s port %s in the firewall, with ufw for instance: sudo ufw allow %s", kind, port, port)
}

// tcpTargets are the addresses to which users connect.
func (at site) tcpTargets() []netip.AddrPort { return withPort(at.addrs, at.port) }

// udpTargets are those to which they send cells.
func (at site) udpTargets(s node.Settings) []netip.AddrPort {
	addrs := at.addrs
	if len(s.PublicAddresses) > 0 {
		addrs = s.PublicAddresses
	}
	return withPort(addrs, portOf(s.CellsAddress()))
}

func withPort(addrs []netip.Addr, port string) (all []netip.AddrPort) {
	for _, a := range addrs {
		if to, err := netip.ParseAddrPort(net.JoinHostPort(a.String(), port)); err == nil {
			all = append(all, to)
		}
	}
	return all
}

// tryTCP connects to where users do, and looks whether l is what answers.
func (at site) tryTCP(ctx context.Context, s node.Settings, l net.Listener) finding {
	token := make([]byte, 16)
	_, _ = rand.Read(token)
	var answers sync.WaitGroup
	answers.Go(func() { answer(l, token) })
	defer answers.Wait()
	defer func() { _ = l.Close() }()
	var tries []try
	for _, to := range at.tcpTargets() {
		tries = append(tries, try{to, connect(ctx, to, token)})
	}
	return at.verdict("TCP", tries, at.wrongPort(s)+firewallHint("TCP", portOf(s.Listen)))
}

// wrongPort is what else may be the matter where users connect to another port
// than the server's.
func (at site) wrongPort(s node.Settings) string {
	if at.port == portOf(s.Listen) {
		return ""
	}
	return fmt.Sprintf("public_host says port %s and listen says %s: write the same, or have the one led to the other; or else ", at.port, portOf(s.Listen))
}

// answer has everybody who connects read a token, until l is closed.
func answer(l net.Listener, token []byte) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		_ = conn.SetDeadline(time.Now().Add(probeTime))
		_, _ = conn.Write(token)
		_ = conn.Close()
	}
}

// errOther means that a port leads to another program, or to another machine.
var errOther = errors.New("something else answers there")

// connect goes to an address where a token is to be read.
func connect(ctx context.Context, to netip.AddrPort, token []byte) error {
	conn, err := (&net.Dialer{Timeout: probeTime}).DialContext(ctx, "tcp", to.String())
	if err != nil {
		return reason(err)
	}
	defer func() { _ = conn.Close() }()
	_ = conn.SetDeadline(time.Now().Add(probeTime))
	got := make([]byte, len(token))
	if _, err := io.ReadFull(conn, got); err != nil || !bytes.Equal(got, token) {
		return errOther
	}
	return nil
}

// reason is what a person needs of an error of the network: the address is said
// already.
func reason(err error) error {
	var e syscall.Errno
	if errors.As(err, &e) {
		return e
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return errors.New("no answer")
	}
	return err
}

// tryUDP sends to where cells will go, and looks whether it comes to conn.
func (at site) tryUDP(ctx context.Context, s node.Settings, conn net.PacketConn, wait time.Duration) finding {
	var tries []try
	for _, to := range at.udpTargets(s) {
		tries = append(tries, try{to, send(ctx, to, conn, wait)})
	}
	return at.verdict("UDP", tries, firewallHint("UDP", portOf(s.CellsAddress())))
}

// send sends a datagram to an address, a few times, and waits for it at conn.
func send(ctx context.Context, to netip.AddrPort, conn net.PacketConn, wait time.Duration) error {
	token := make([]byte, 16)
	_, _ = rand.Read(token)
	out, err := new(net.Dialer).DialContext(ctx, "udp", to.String())
	if err != nil {
		return reason(err)
	}
	defer func() { _ = out.Close() }()
	const times = 4
	b := make([]byte, 2048)
	for range times {
		if _, err := out.Write(token); err != nil {
			return reason(err)
		}
		_ = conn.SetReadDeadline(time.Now().Add(wait / times))
		for {
			n, _, err := conn.ReadFrom(b)
			if err != nil {
				break // It is time to send again.
			}
			if bytes.Equal(b[:n], token) {
				return nil
			}
		}
	}
	return errors.New("no datagram arrives")
}

// checkRunning goes to a server that runs. It says nothing to strangers by UDP, so
// there only its users tell whether they reach it.
func checkRunning(ctx context.Context, f *node.Folder, at site, status admin.Status) []finding {
	cells := fmt.Sprintf("%d online", status.Online)
	if status.Online == 0 {
		cells = "nobody online; whether UDP reaches it shows when somebody is, or in a check while it is stopped"
	}
	list := []finding{{fine, "ports", fmt.Sprintf("the server runs, at TCP %s and UDP %s, with %s", status.Signal, status.Cells, cells)}}
	if listen := f.Settings.Listen; portOf(listen) != "0" && portOf(listen) != portOf(status.Signal) {
		return append(list, finding{warning, "listen", "it was changed to " + listen + "; restart the server for that"})
	}
	leaf, _, err := f.Certificate()
	if err != nil || !at.fixed(f.Settings) {
		return list // What is wrong with the certificate is said already.
	}
	var tries []try
	for _, to := range at.tcpTargets() {
		tries = append(tries, try{to, greet(ctx, to, leaf)})
	}
	return append(list, at.verdict("TCP", tries, at.wrongPort(f.Settings)+firewallHint("TCP", portOf(f.Settings.Listen))))
}

// greet goes to an address and looks whether who answers holds the certificate.
func greet(ctx context.Context, to netip.AddrPort, leaf *x509.Certificate) error {
	dialer := tls.Dialer{
		NetDialer: &net.Dialer{Timeout: probeTime},
		Config: &tls.Config{
			MinVersion: tls.VersionTLS13,
			// Not a name is to be proved, but this very key.
			InsecureSkipVerify: true, //nolint:gosec // VerifyConnection does it
			VerifyConnection: func(cs tls.ConnectionState) error {
				if !leaf.Equal(cs.PeerCertificates[0]) {
					return errOther
				}
				return nil
			},
		},
	}
	ctx, cancel := context.WithTimeout(ctx, 2*probeTime)
	defer cancel()
	conn, err := dialer.DialContext(ctx, "tcp", to.String())
	switch {
	case err == nil:
		_ = conn.Close()
		return nil
	case errors.Is(err, errOther):
		return errOther
	}
	return reason(err)
}
