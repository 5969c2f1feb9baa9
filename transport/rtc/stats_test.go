package rtc

import (
	"testing"
	"time"

	"undertone/transport/simnet"
)

// A listener tells what all links have lost on the way out, those that are no more
// among them, and leaves out what was sent before a link was open.
func TestLossesOfAllLinks(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := newRig(t, 1, shortPath, shortPath)
		defer r.close()
		r.user.SetPaths(simnet.Path{Loss: 1}, simnet.Path{Loss: 1})
		var b [MaxMessage]byte
		for range 300 { // Longer than the window is.
			for range defaultDepth + 1 {
				r.server.Send(b[:])
			}
			time.Sleep(20 * time.Millisecond)
		}
		time.Sleep(time.Second)
		lost, all := r.server.Stats(), r.listener.Stats()
		if lost.Late == 0 || lost.Overwritten == 0 || all.Late != lost.Late || all.Overwritten != lost.Overwritten {
			t.Errorf("%+v of a link, %+v of all", lost, all)
		}
		_, l, err := r.listener.Accept(t.Context(), offerOf(t, r), Handlers{})
		if err != nil {
			t.Fatal(err)
		}
		for range 100 {
			l.Send(b[:])
		}
		r.server.Close()
		l.Close()
		after := r.listener.Stats()
		if after.Overwritten != lost.Overwritten || after.Late < lost.Late || after.Late > lost.Late+1 {
			t.Errorf("%+v when the links are gone, %+v before", after, all)
		}
	})
}
