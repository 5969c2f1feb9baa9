package rtc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/datachannel"
	"github.com/pion/dtls/v3"
	"github.com/pion/ice/v4"
	"github.com/pion/sctp"

	"undertone/transport/cell"
)

// A connection is this side of one connection of WebRTC, with nothing in it but one data
// channel:
//
//	lane ──▶ ICE ──▶ DTLS ──▶ sieve ──▶ SCTP ──▶ channel
//
// It is put together here, and not by pion's PeerConnection, because that lets nobody
// see what comes out of DTLS before SCTP takes it (see sieve).
type connection struct {
	agent    *ice.Agent
	identity identity
	server   bool
	window   int
	sieve    *sieve
	gathered chan struct{}
	runs     chan struct{} // closed when the agent checks the line
	failed   chan struct{} // closed when the agent has given the line up

	// What carries the channel, once it is there; they are set before the channel is
	// attached.
	conn        *dtls.Conn
	association *sctp.Association
}

// newConnection returns one over l that waits for the other side's description.
func newConnection(l *lane, server bool, window int) (*connection, error) {
	id, err := newIdentity()
	if err != nil {
		return nil, fmt.Errorf("rtc: %w", err)
	}
	p := &connection{
		identity: id, server: server, window: min(max(window, minWindow), maxWindow), sieve: newSieve(int(l.flow.Limit()), server),
		gathered: make(chan struct{}), runs: make(chan struct{}), failed: make(chan struct{}),
	}
	p.agent, err = ice.NewAgentWithOptions(
		ice.WithICELite(server),
		ice.WithNet(noNet{}),
		ice.WithUDPMux(l),
		ice.WithNetworkTypes([]ice.NetworkType{ice.NetworkTypeUDP4, ice.NetworkTypeUDP6}),
		ice.WithCandidateTypes([]ice.CandidateType{ice.CandidateTypeHost}),
		ice.WithMulticastDNSMode(ice.MulticastDNSModeDisabled),
		ice.WithDisconnectedTimeout(iceDisconnected),
		ice.WithFailedTimeout(iceFailed),
		ice.WithKeepaliveInterval(iceKeepalive),
		ice.WithMaxBindingRequests(iceRequests),
		ice.WithLoggerFactory(silence),
	)
	if err != nil {
		return nil, fmt.Errorf("rtc: %w", err)
	}
	if err := p.listen(); err != nil {
		p.close()
		return nil, fmt.Errorf("rtc: %w", err)
	}
	return p, nil
}

// listen has the agent tell what becomes of it, and take its place at the port.
func (p *connection) listen() error {
	var runs, failed sync.Once
	if err := p.agent.OnConnectionStateChange(func(s ice.ConnectionState) {
		switch s {
		case ice.ConnectionStateChecking:
			runs.Do(func() { close(p.runs) })
		case ice.ConnectionStateFailed:
			failed.Do(func() { close(p.failed) })
		default:
		}
	}); err != nil {
		return err
	}
	if err := p.agent.OnCandidate(func(c ice.Candidate) {
		if c == nil {
			close(p.gathered)
		}
	}); err != nil {
		return err
	}
	return p.agent.GatherCandidates()
}

// describe returns this side's description without any address; setup and mid are as
// in the attributes of these names.
func (p *connection) describe(setup, mid string) (string, error) {
	user, password, err := p.agent.GetLocalUserCredentials()
	if err != nil {
		return "", fmt.Errorf("rtc: %w", err)
	}
	return describe(&description{
		user: user, password: password, fingerprint: p.identity.fingerprint, setup: setup, mid: mid, lite: p.server,
	}), nil
}

// meet tells the agent where the other side may be. An agent of a server waits to be
// found.
func (p *connection) meet(d *description) error {
	if err := p.agent.SetRemoteICELite(d.lite); err != nil {
		return err
	}
	for _, at := range d.candidates {
		c, err := ice.NewCandidateHost(&ice.CandidateHostConfig{
			Network: "udp", Address: at.Addr().String(), Port: int(at.Port()), Component: 1,
		})
		if err != nil {
			return err
		}
		if err := p.agent.AddRemoteCandidate(c); err != nil {
			return err
		}
	}
	return nil
}

// run opens the channel to the peer that d describes, and hands it to attach; ready
// says whether the other side is known to have it too. It calls end when the connection
// has ended, at the latest when ctx has, which end ends. When it returns nothing is left
// but the agent; if SCTP was shaking hands, it is about to end by itself.
func (p *connection) run(ctx context.Context, d *description,
	attach func(c *datachannel.DataChannel, ready bool), end func(err error),
) {
	closed := make(chan struct{})
	end(p.carry(ctx, d, attach, end, closed))
	if p.association == nil {
		return
	}
	<-closed
	_ = p.association.Close()
}

// carry is run until something ends. Once there is an association, closed is closed
// when DTLS is, after ctx.
func (p *connection) carry(ctx context.Context, d *description,
	attach func(c *datachannel.DataChannel, ready bool), end func(err error), closed chan<- struct{},
) error {
	connect := p.agent.Dial
	if p.server {
		connect = p.agent.Accept
	}
	line, err := connect(ctx, d.user, d.password)
	if err != nil {
		return err
	}
	if err := p.secure(ctx, line, d); err != nil {
		return err
	}
	p.sieve.Conn, p.sieve.end = p.conn, end
	a, err := sctp.ClientContext(ctx,
		sctp.WithNetConn(p.sieve),
		sctp.WithLoggerFactory(silence),
		sctp.WithMTU(packetSize),
		sctp.WithMaxMessageSize(d.longest),
		sctp.WithMaxReceiveBufferSize(uint32(2*p.window)),                //nolint:gosec // at most 2*maxWindow
		sctp.WithMaxReassemblyQueueEntries(uint32(2*p.window/cell.Size)), //nolint:gosec // as above
		sctp.WithMinCwnd(uint32(p.window)),                               //nolint:gosec // at most maxWindow
		sctp.WithRTOMax(float64(rtoMax/time.Millisecond)),
		sctp.WithEnableZeroChecksum(true),
		sctp.WithBlockWrite(true),
	)
	if err != nil {
		_ = p.conn.Close()
		return err
	}
	// Closing DTLS tells the other side, and ends whatever reads or writes.
	context.AfterFunc(ctx, func() {
		defer close(closed)
		_ = p.conn.Close()
	})
	p.association = a
	if err := p.open(attach); err != nil {
		return err
	}
	// One channel is all there is.
	if _, err := a.AcceptStream(); err != nil {
		return err
	}
	return ErrProtocol
}

// open opens the channel, if this side dialed, or takes the other side's.
func (p *connection) open(attach func(c *datachannel.DataChannel, ready bool)) error {
	cfg := channel()
	if !p.server {
		c, err := datachannel.Dial(p.association, 0, &cfg)
		if err == nil {
			p.sieve.accepted.Store(true)
			attach(c, false)
		}
		return err
	}
	theirs := datachannel.Config{LoggerFactory: silence}
	c, err := datachannel.Accept(p.association, &theirs)
	if err != nil {
		return err
	}
	if !isOurs(&c.Config) {
		return ErrProtocol
	}
	p.sieve.accepted.Store(true)
	attach(c, true)
	return nil
}

// channel describes the one channel of a link.
func channel() datachannel.Config {
	return datachannel.Config{
		ChannelType:          datachannel.ChannelTypePartialReliableTimedUnordered,
		Priority:             datachannel.ChannelPriorityNormal,
		ReliabilityParameter: lifetime,
		Label:                label,
		LoggerFactory:        silence,
	}
}

// isOurs tells whether the client opened the channel that Dial opens. Another
// kind would change what our own messages cost on the wire.
func isOurs(c *datachannel.Config) bool {
	ours := channel()
	return c.Label == ours.Label && c.ChannelType == ours.ChannelType && c.ReliabilityParameter == ours.ReliabilityParameter
}

// secure has DTLS shake hands over the line.
func (p *connection) secure(ctx context.Context, line *ice.Conn, d *description) (err error) {
	over := &packets{line}
	if p.server {
		p.conn, err = dtls.ServerWithOptions(over, line.RemoteAddr(), p.identity.answering(d.fingerprint)...)
	} else {
		p.conn, err = dtls.ClientWithOptions(over, line.RemoteAddr(), p.identity.calling(d.fingerprint)...)
	}
	if err != nil {
		return err
	}
	if err := p.conn.HandshakeContext(ctx); err != nil {
		_ = p.conn.Close()
		return err
	}
	return nil
}

// close ends the agent, and returns when nothing is left of it. run must have returned.
func (p *connection) close() { _ = p.agent.GracefulClose() }

// packets is the line as DTLS wants it.
type packets struct{ *ice.Conn }

// ReadFrom reads a datagram. Where it came from is the agent's business.
func (p *packets) ReadFrom(b []byte) (int, net.Addr, error) {
	n, err := p.Read(b)
	return n, nil, err
}

// WriteTo sends a datagram to wherever the other side is. While that is nowhere it is
// lost, as on the way.
func (p *packets) WriteTo(b []byte, _ net.Addr) (int, error) {
	n, err := p.Write(b)
	switch {
	case errors.Is(err, ice.ErrNoCandidatePairs):
		return len(b), nil
	case errors.Is(err, ice.ErrClosed):
		return n, io.ErrClosedPipe
	}
	return n, err
}

// A description is what SDP says of one side.
type description struct {
	user, password string
	fingerprint    string // of its certificate, by SHA-256
	setup, mid     string
	lite           bool
	longest        uint32 // message that it takes, in bytes
	candidates     []netip.AddrPort
}
