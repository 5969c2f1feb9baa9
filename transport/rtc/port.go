package rtc

import (
	"context"
	"net"
	"net/netip"
	"sync/atomic"

	"github.com/pion/ice/v4"
	"github.com/pion/transport/v5"
)

// Addresses that stand for "this machine" inside pion's ICE agent. They come
// from the ranges for documentation and never leave the process: the answer's
// candidates are written by us and the offer has none. One of each family is
// enough, for the system picks the source of a datagram; listing the machine's
// interfaces instead would send every check once per interface, and would tell
// the server the addresses of the client's home network.
var (
	self4 = netip.MustParseAddr("192.0.2.1")
	self6 = netip.MustParseAddr("2001:db8::1")
)

// A port is one socket with pion's multiplexer on it. It satisfies ice.UDPMux.
type port struct {
	mux   *ice.UDPMuxDefault
	sock  *socket
	local netip.AddrPort
	seen  *sightings
	// origins are nil for a socket that has one address, and for one that dials.
	origins *origins
}

// sightings count datagrams.
type sightings struct {
	read    atomic.Uint64 // that came to the socket, or by a stream
	claimed atomic.Uint64 // that came to a link
	flooded atomic.Uint64 // that a link did not take: too many
	forged  atomic.Uint64 // that a link did not take: of no use at that time
}

var _ ice.UDPMux = (*port)(nil)

// newPort takes conn over: closing the port closes it.
func newPort(conn net.PacketConn, buffer int) (*port, error) {
	udp, ok := conn.LocalAddr().(*net.UDPAddr)
	if !ok {
		return nil, &net.OpError{Op: "listen", Net: "udp", Addr: conn.LocalAddr(),
			Err: net.UnknownNetworkError(conn.LocalAddr().Network())}
	}
	local, seen := udp.AddrPort(), new(sightings)
	sock := newSocket(conn, buffer, &seen.read)
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{
		Logger:  silence.NewLogger("port"),
		UDPConn: sock,
		Net:     noNet{},
	})
	return &port{mux: mux, sock: sock, local: netip.AddrPortFrom(local.Addr().Unmap(), local.Port()), seen: seen}, nil
}

// GetConn returns the datagrams of one link.
func (p *port) GetConn(ufrag string, addr net.Addr) (net.PacketConn, error) {
	return p.mux.GetConn(ufrag, addr)
}

// RemoveConnByUfrag forgets a link.
func (p *port) RemoveConnByUfrag(ufrag string) { p.mux.RemoveConnByUfrag(ufrag) }

// GetListenAddresses returns one address for each family the socket speaks.
func (p *port) GetListenAddresses() []net.Addr {
	ip := p.local.Addr()
	switch {
	case !ip.IsUnspecified():
		return []net.Addr{p.mux.LocalAddr()}
	case ip.Is4():
		return []net.Addr{p.label(self4)}
	default:
		return []net.Addr{p.label(self4), p.label(self6)}
	}
}

func (p *port) label(ip netip.Addr) net.Addr {
	return net.UDPAddrFromAddrPort(netip.AddrPortFrom(ip, p.local.Port()))
}

// Close closes the socket, every stream and every link on it.
func (p *port) Close() error {
	err := p.mux.Close()
	p.sock.streams.close()
	return err
}

// noNet is what pion sees of the machine: nothing. All datagrams go through the
// port, so no agent can ever open a second socket, ask the DNS or list the
// interfaces, whatever an answer asks of it.
type noNet struct{}

var _ transport.Net = noNet{}

func (noNet) Interfaces() ([]*transport.Interface, error) { return nil, nil }

func (noNet) InterfaceByIndex(int) (*transport.Interface, error) {
	return nil, transport.ErrInterfaceNotFound
}

func (noNet) InterfaceByName(string) (*transport.Interface, error) {
	return nil, transport.ErrInterfaceNotFound
}

func (noNet) ListenPacket(string, string) (net.PacketConn, error) {
	return nil, transport.ErrNotSupported
}

func (noNet) ListenUDP(string, *net.UDPAddr) (transport.UDPConn, error) {
	return nil, transport.ErrNotSupported
}

func (noNet) ListenTCP(string, *net.TCPAddr) (transport.TCPListener, error) {
	return nil, transport.ErrNotSupported
}

func (noNet) Dial(string, string) (net.Conn, error) { return nil, transport.ErrNotSupported }

func (noNet) DialUDP(string, *net.UDPAddr, *net.UDPAddr) (transport.UDPConn, error) {
	return nil, transport.ErrNotSupported
}

func (noNet) DialTCP(string, *net.TCPAddr, *net.TCPAddr) (transport.TCPConn, error) {
	return nil, transport.ErrNotSupported
}

func (noNet) ResolveIPAddr(string, string) (*net.IPAddr, error) {
	return nil, transport.ErrNotSupported
}

func (noNet) ResolveUDPAddr(string, string) (*net.UDPAddr, error) {
	return nil, transport.ErrNotSupported
}

func (noNet) ResolveTCPAddr(string, string) (*net.TCPAddr, error) {
	return nil, transport.ErrNotSupported
}

func (noNet) CreateDialer(*net.Dialer) transport.Dialer { return noDialer{} }

func (noNet) CreateListenConfig(*net.ListenConfig) transport.ListenConfig { return noDialer{} }

// noDialer is the rest of noNet.
type noDialer struct{}

func (noDialer) Dial(string, string) (net.Conn, error) { return nil, transport.ErrNotSupported }

func (noDialer) Listen(context.Context, string, string) (net.Listener, error) {
	return nil, transport.ErrNotSupported
}

func (noDialer) ListenPacket(context.Context, string, string) (net.PacketConn, error) {
	return nil, transport.ErrNotSupported
}
