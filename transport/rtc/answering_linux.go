package rtc

import (
	"net"
	"net/netip"

	"golang.org/x/sys/unix"
)

// An answering socket is one on all addresses of the machine that answers each peer of a
// link from the one that he writes to.
type answering struct {
	*net.UDPConn
	origins *origins
	control [128]byte // touched by the one who reads
}

// answerFromWhereAsked makes an answering socket of one that is on all addresses. What
// is no such socket stays as it is, with no origins.
func answerFromWhereAsked(conn net.PacketConn) (net.PacketConn, *origins) {
	udp, ok := conn.(*net.UDPConn)
	if !ok {
		return conn, nil
	}
	if at, ok := udp.LocalAddr().(*net.UDPAddr); !ok || !at.IP.IsUnspecified() {
		return conn, nil
	}
	control, err := askWhereTo(udp)
	if err != nil {
		return conn, nil
	}
	t := &origins{control: control, peers: make(map[netip.AddrPort]*origin)}
	return &answering{UDPConn: udp, origins: t}, t
}

// askWhereTo has the system say of each datagram where it came to, and returns what
// tells it where one is to be sent from. A socket of IPv6 says so of IPv4, too.
func askWhereTo(conn *net.UDPConn) (control func(netip.Addr) []byte, err error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return nil, err
	}
	var failed error
	err = raw.Control(func(fd uintptr) {
		var family int
		if family, failed = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_DOMAIN); failed != nil {
			return
		}
		if family == unix.AF_INET6 {
			control = control6
			failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVPKTINFO, 1)
			return
		}
		control = control4
		failed = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_PKTINFO, 1)
	})
	if err == nil {
		err = failed
	}
	return control, err
}

// control4 has a socket of IPv4 send from an address. By which interface is the system's
// choice: what comes in by one may have to go out by another.
func control4(local netip.Addr) []byte {
	if !local.Is4() {
		return nil
	}
	return unix.PktInfo4(&unix.Inet4Pktinfo{Spec_dst: local.As4()})
}

// control6 does so for a socket of IPv6, also if the address is of IPv4.
func control6(local netip.Addr) []byte {
	return unix.PktInfo6(&unix.Inet6Pktinfo{Addr: local.As16()})
}

// cameTo reads where a datagram came to; the zero address stands for not known.
func cameTo(control []byte) netip.Addr {
	for len(control) >= unix.SizeofCmsghdr {
		head, data, rest, err := unix.ParseOneSocketControlMessage(control)
		switch {
		case err != nil:
			return netip.Addr{}
		case head.Level == unix.IPPROTO_IPV6 && head.Type == unix.IPV6_PKTINFO && len(data) >= unix.SizeofInet6Pktinfo:
			return netip.AddrFrom16([16]byte(data[:16])).Unmap()
		case head.Level == unix.IPPROTO_IP && head.Type == unix.IP_PKTINFO && len(data) >= unix.SizeofInet4Pktinfo:
			return netip.AddrFrom4([4]byte(data[4:8]))
		}
		control = rest
	}
	return netip.Addr{}
}

func (c *answering) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	n, size, _, from, err := c.ReadMsgUDPAddrPort(b, c.control[:])
	if err != nil || n == 0 {
		return n, from, err
	}
	if to := cameTo(c.control[:size]); to.IsValid() {
		c.origins.hears(from, to, b[0] >= firstDTLS && b[0] <= lastDTLS)
	}
	return n, from, nil
}

func (c *answering) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	from := c.origins.of(to)
	if from == nil {
		return c.WriteToUDPAddrPort(b, to)
	}
	n, _, err := c.WriteMsgUDPAddrPort(b, from, to)
	if err == nil {
		return n, nil
	}
	// If it can be sent from elsewhere, that is what was wrong.
	if n, err = c.WriteToUDPAddrPort(b, to); err == nil {
		c.origins.lose(to)
	}
	return n, err
}
