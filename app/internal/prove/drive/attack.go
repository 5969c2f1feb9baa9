package drive

import (
	"bufio"
	"errors"
	"net"
	"net/netip"
	"time"

	"undertone/app/internal/prove/relay"
)

// attack is an attacker between the client and the server, until its input ends.
func attack(j job, lines *bufio.Scanner, events *writer) error {
	r, err := relay.New(j.Server, j.Attack, j.Interval, uint64(time.Now().UnixNano())) //nolint:gosec // any number will do
	if err != nil {
		return err
	}
	if err := events.write(event{Is: isServing, At: r.Addr()}); err != nil {
		return err
	}
	for lines.Scan() { //nolint:revive // an attacker has no orders
	}
	_, attacked := r.Passed()
	return errors.Join(r.Close(), events.write(event{Is: isDone, Attacked: attacked}))
}

// listen opens a socket of a client, with a detour if the job says so.
func listen(j job) (net.PacketConn, error) {
	conn, err := net.ListenUDP("udp", nil)
	if err != nil || !j.Via.IsValid() {
		return conn, err
	}
	return &detour{conn, j.Server, j.Via}, nil
}

// A detour is a socket whose datagrams for one address go to another, and come from
// there. Whoever uses it does not notice.
type detour struct {
	*net.UDPConn
	server, via netip.AddrPort
}

// there returns where a datagram really goes.
func (d *detour) there(to netip.AddrPort) netip.AddrPort {
	if same(to, d.server) {
		return d.via
	}
	return to
}

// here returns where a datagram seems to come from.
func (d *detour) here(from netip.AddrPort) netip.AddrPort {
	if same(from, d.via) {
		return netip.AddrPortFrom(d.server.Addr().Unmap(), d.server.Port())
	}
	return from
}

func same(a, b netip.AddrPort) bool {
	return a.Port() == b.Port() && a.Addr().Unmap() == b.Addr().Unmap()
}

func (d *detour) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	return d.WriteToUDPAddrPort(b, d.there(to))
}

func (d *detour) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, from, err := d.ReadFromUDPAddrPort(b)
	return n, d.here(from), err
}

// WriteTo implements net.PacketConn.
func (d *detour) WriteTo(b []byte, to net.Addr) (int, error) {
	udp, ok := to.(*net.UDPAddr)
	if !ok {
		return 0, &net.OpError{Op: "write", Net: "udp", Addr: to, Err: net.InvalidAddrError("not of UDP")}
	}
	return d.WriteToAddrPort(b, udp.AddrPort())
}

// ReadFrom implements net.PacketConn.
func (d *detour) ReadFrom(b []byte) (int, net.Addr, error) {
	n, from, err := d.ReadFromAddrPort(b)
	if err != nil {
		return n, nil, err
	}
	return n, net.UDPAddrFromAddrPort(from), nil
}
