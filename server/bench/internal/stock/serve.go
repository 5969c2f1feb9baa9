package stock

import (
	"errors"
	"io"
	"net"
	"sync"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"

	"undertone/server/bench/internal/child"
)

// errOrder is returned for an offer before Listen, or a second Listen.
var errOrder = errors.New("first to listen, and then offers")

// An echo is the server: pion, and a handler of three lines.
type echo struct {
	api  *webrtc.API
	what child.Listen
}

// Serve is what a child does that echoes, until in ends.
func Serve(in io.Reader, out io.Writer) error {
	var e echo
	return child.Reply(in, out, func(q child.Question) (a child.Answer, err error) {
		switch {
		case q.Listen != nil && e.api == nil:
			a.Address, err = e.listen(*q.Listen)
		case q.Offer != "" && e.api != nil:
			a.SDP, err = e.accept(q.Offer)
		case q.Goroutines:
			a = child.Goroutines()
		default:
			err = errOrder
		}
		return a, err
	})
}

// listen opens the port.
func (e *echo) listen(what child.Listen) (string, error) {
	conn, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		return "", err
	}
	var s webrtc.SettingEngine
	s.SetICEUDPMux(webrtc.NewICEUDPMux(nil, conn))
	s.SetIncludeLoopbackCandidate(true)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled) // It would speak to the network.
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4})
	// As Undertone's server, and as its clients want it.
	if err := s.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return "", err
	}
	e.api, e.what = webrtc.NewAPI(webrtc.WithSettingEngine(s)), what
	return conn.LocalAddr().String(), nil
}

// accept answers an offer.
func (e *echo) accept(offer string) (string, error) {
	pc, err := e.api.NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		return "", err
	}
	var once sync.Once
	leave := func() { once.Do(func() { go func() { _ = pc.Close() }() }) }
	pc.OnConnectionStateChange(func(s webrtc.PeerConnectionState) {
		if s == webrtc.PeerConnectionStateFailed || s == webrtc.PeerConnectionStateClosed {
			leave()
		}
	})
	pc.OnDataChannel(func(dc *webrtc.DataChannel) {
		dc.OnMessage(func(m webrtc.DataChannelMessage) { e.answer(dc, m.Data) })
	})
	text, err := describe(pc, offer)
	if err != nil {
		leave()
	}
	return text, err
}

// answer sends what a message asks for.
func (e *echo) answer(dc *webrtc.DataChannel, message []byte) {
	for range e.what.Messages {
		b := make([]byte, e.what.Size)
		copy(b, message[:min(slotSize, len(message))])
		_ = dc.Send(b) // A line that has ended is forgotten above.
	}
}

// describe returns the answer to an offer, with all candidates in it.
func describe(pc *webrtc.PeerConnection, offer string) (string, error) {
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: offer}); err != nil {
		return "", err
	}
	answer, err := pc.CreateAnswer(nil)
	if err != nil {
		return "", err
	}
	complete := webrtc.GatheringCompletePromise(pc)
	if err := pc.SetLocalDescription(answer); err != nil {
		return "", err
	}
	<-complete
	return pc.LocalDescription().SDP, nil
}
