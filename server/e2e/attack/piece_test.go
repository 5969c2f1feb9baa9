package attack

import (
	"strings"
	"testing"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/logging"
	"github.com/pion/transport/v5"
	"github.com/pion/webrtc/v4"

	"undertone/transport/cell"
)

// A piecer is a member whose WebRTC is pion's own, and so does what Undertone's does
// not.
type piecer struct {
	pc      *webrtc.PeerConnection
	channel *webrtc.DataChannel
	mux     *ice.UDPMuxDefault
}

// noInterfaces: all that a piecer has is his socket.
type noInterfaces struct{ transport.Net }

func (noInterfaces) Interfaces() ([]*transport.Interface, error) { return nil, nil }

// piecer registers somebody and opens his link.
func (w *world) piecer() *piecer {
	w.t.Helper()
	host := w.host()
	var s webrtc.SettingEngine
	mux := ice.NewUDPMuxDefault(ice.UDPMuxParams{UDPConn: w.socket(host)})
	s.SetICEUDPMux(mux)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetNet(noInterfaces{})
	s.LoggerFactory = &logging.DefaultLoggerFactory{DefaultLogLevel: logging.LogLevelDisabled}
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(s)).NewPeerConnection(webrtc.Configuration{})
	if err != nil {
		w.t.Fatal(err)
	}
	unordered, life := false, uint16(90)
	p := &piecer{pc: pc, mux: mux}
	p.channel, err = pc.CreateDataChannel("undertone", &webrtc.DataChannelInit{Ordered: &unordered, MaxPacketLifeTime: &life})
	if err != nil {
		w.t.Fatal(err)
	}
	opened := make(chan struct{})
	p.channel.OnOpen(func() { close(opened) })
	offer, err := pc.CreateOffer(nil)
	if err != nil {
		w.t.Fatal(err)
	}
	if err := pc.SetLocalDescription(offer); err != nil {
		w.t.Fatal(err)
	}
	client := w.client(w.identity(), w.invite())
	client.Dial = host.DialContext
	a, err := client.Online(w.t.Context(), pc.LocalDescription().SDP)
	if err != nil {
		w.t.Fatal(err)
	}
	// What the server says that it takes at most is his to keep to.
	answer := strings.Replace(a.SDP, "a=max-message-size:1156", "a=max-message-size:65535", 1)
	if answer == a.SDP {
		w.t.Fatal(answer)
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeAnswer, SDP: answer}); err != nil {
		w.t.Fatal(err)
	}
	select {
	case <-opened:
	case <-time.After(5 * time.Second):
		w.t.Fatal("the link does not open")
	}
	return p
}

func (p *piecer) send(t *testing.T, size int) {
	t.Helper()
	if err := p.channel.Send(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
}

func (p *piecer) leave(t *testing.T) {
	t.Helper()
	for _, f := range []func() error{p.pc.GracefulClose, p.mux.Close} {
		if err := f(); err != nil {
			t.Fatal(err)
		}
	}
}

// The server keeps no piece of a message: who sends one has no link any more.
func TestPiecesOfMessages(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		c := w.call()
		sent, ended := 0, 0
		for _, size := range []int{1157, 1400, 2400, 10_000, 65_535} {
			p := w.piecer()
			others := 2
			for range 20 {
				p.send(t, cell.Size)
				time.Sleep(interval.Duration())
			}
			if n := w.status().Online; n != others+1 {
				t.Fatalf("%d are online with one who sends whole messages", n)
			}
			p.send(t, size)
			sent++
			time.Sleep(time.Second)
			if w.status().Online == others {
				ended++
			}
			p.leave(t)
		}
		note(t, "message in pieces, by another's WebRTC", sent, ended)
		c.end(0)
	})
}
