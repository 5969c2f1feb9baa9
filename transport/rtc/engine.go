package rtc

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"

	"undertone/transport/cell"
)

// Constants of the link; see the package comment for what was measured.
const (
	// MaxMessage is the longest message that goes out as one datagram.
	MaxMessage = cell.MaxMessage

	// label and lifetime describe the one channel of a link. Lifetime is in
	// milliseconds: how long a lost message is worth sending again.
	label    = "undertone"
	lifetime = uint16(90)
)

// Tuning constants.
const (
	socketBuffer = 8 << 20 // bytes
	rtoMax       = time.Second

	// minWindow and maxWindow bound what may be on the way (see Window). The
	// receiver has room for twice as much: a sender who repeats as much as there
	// is room for gets on at a message per second only.
	minWindow = 128 << 10 // bytes
	maxWindow = 1 << 20   // bytes
	// windowFor is for how long a window lasts: the second after which a client
	// takes a silent line for lost, and the longest round trip that is of use.
	windowFor = 1600 * time.Millisecond

	// ICE: a check every 2 s on a timer of its own, a link given up after 10 s
	// without any datagram. Who carries voice gives up much earlier.
	iceDisconnected = 5 * time.Second
	iceFailed       = 5 * time.Second
	iceKeepalive    = 2 * time.Second

	// openTimeout is how long a link may take to open.
	openTimeout = 10 * time.Second

	// iceRequests is how many checks may go unanswered: as many as fit into
	// openTimeout, at five a second. With pion's own 7 a link that is dialed
	// while the line is away would give up before it is back.
	iceRequests = 50

	// writeTimeout is how long one message may wait for the channel: it is of
	// no use later.
	writeTimeout = 100 * time.Millisecond
)

// silence keeps pion from writing log lines: their time and number would
// depend on what goes on in the link.
var silence = &logging.DefaultLoggerFactory{
	Writer:          io.Discard,
	DefaultLogLevel: logging.LogLevelDisabled,
	ScopeLevels:     map[string]logging.LogLevel{},
}

// Window returns how many bytes may be on the way at once (DialConfig, Handlers)
// on a link that carries a batch of so many bytes in every interval, in the
// direction that carries more. It is enough for a line that was cut for as long
// as a client waits to be in time again at once.
func Window(interval time.Duration, batch int) int {
	return min(max(int(windowFor*time.Duration(batch)/interval), minWindow), maxWindow)
}

// newPeer returns a connection over l with nothing in it but one data channel. It is
// for a link that ends with ctx.
func newPeer(ctx context.Context, l *lane, server bool, window int) (*webrtc.PeerConnection, error) {
	window = min(max(window, minWindow), maxWindow)
	var s webrtc.SettingEngine
	s.LoggerFactory = silence
	s.SetNet(noNet{})
	s.SetICEUDPMux(l)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	s.SetICETimeouts(iceDisconnected, iceFailed, iceKeepalive)
	s.SetICEMaxBindingRequests(iceRequests)
	s.DisableCloseByDTLS(true) // the link itself closes its connection
	s.DetachDataChannels()
	s.EnableDataChannelBlockWrite(true)
	s.EnableSCTPZeroChecksum(true)
	s.SetSCTPMinCwnd(uint32(window)) //nolint:gosec // at most maxWindow
	s.SetSCTPRTOMax(rtoMax)
	s.SetSCTPMaxReceiveBufferSize(uint32(2 * window)) //nolint:gosec // at most 2*maxWindow
	s.SetSCTPMaxMessageSize(MaxMessage)
	s.SetDTLSInsecureSkipHelloVerify(true) // ICE has shown the address already
	// pion begins the handshake when ICE is done. If the link was closed in that very
	// moment, nothing else would ever end it, nor the closing, which waits for it.
	s.SetDTLSConnectContextMaker(func() (context.Context, func()) { return context.WithCancel(ctx) })
	if server {
		s.SetLite(true)
		if err := s.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
			return nil, fmt.Errorf("rtc: %w", err)
		}
	}

	api := webrtc.NewAPI(
		webrtc.WithSettingEngine(s),
		webrtc.WithMediaEngine(&webrtc.MediaEngine{}),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{}),
	)
	pc, err := api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return nil, fmt.Errorf("rtc: %w", err)
	}
	return pc, nil
}
