package demo

import (
	"testing"
	"time"

	"undertone/app/internal/phone"
	"undertone/transport/cell"
	"undertone/transport/simnet"
)

// several calls bob and the others at once, talks with all, and hangs up.
func several(tr *trace) {
	called := append([]*User{tr.bob}, tr.others[0])
	tr.do(tr.ann.Phone.Call(called[0].Name, called[1].Name))
	for _, u := range called {
		tr.expect(u, phone.Rings)
		tr.do(u.Phone.Answer())
	}
	for _, u := range called {
		tr.expect(u, phone.VoiceHeard)
	}
	time.Sleep(3 * time.Second)
	if n := len(tr.others[0].Phone.Participants()); n != 2 {
		tr.t.Errorf("%s is in the call with %d others, want 2", tr.others[0].Name, n)
	}
	tr.do(tr.ann.Phone.Hangup())
	for _, u := range called {
		tr.expect(u, phone.Ended)
		tr.expect(tr.ann, phone.Ended) // Her leg to him.
	}
}

// Trace equality of a bMIX, for everybody in the set and the server: a call of
// two, a declined one, and one of three leave the list of packets as it is when
// nobody calls.
func TestProtocol3IsUnobservable(t *testing.T) {
	t.Parallel()
	for _, i := range intervals() {
		t.Run(i.String(), func(t *testing.T) {
			t.Parallel()
			tr := record(t, scene{mode: cell.BMIX, interval: i, members: 2}, acts()...)
			checkEqual(t, tr, 1, "a call", "a call of three", "a declined call", "nothing at all")
			checkSpeech(t, i, tr)
		})
	}
}

// acts are what happens in each window.
func acts() []func(*trace) {
	all := []func(*trace){idle, talk, several, decline, nothing}
	if underRace {
		return all[:3]
	}
	return all
}

// intervals are those that a trace is recorded at.
func intervals() []cell.Interval {
	if underRace {
		return []cell.Interval{cell.Interval100}
	}
	return cell.Intervals()
}

// pace is the interval of what is looked at in one only.
func pace() cell.Interval {
	if underRace {
		return cell.Interval100
	}
	return cell.Interval40
}

// checkEqual compares windows with the first.
func checkEqual(t *testing.T, tr *trace, messages int, what ...string) {
	t.Helper()
	if least := 2 * len(tr.hosts) * messages * int(tr.scene.interval.Slots(tr.scene.each)); len(tr.windows[0]) < least {
		t.Fatalf("the observer saw %d packets, want %d at least", len(tr.windows[0]), least)
	}
	for k, w := range what[:len(tr.windows)-1] {
		if d := simnet.Diff(tr.windows[0], tr.windows[k+1]); d != "" {
			t.Errorf("%s shows:\n%s", w, d)
		}
	}
	t.Logf("%d packets in each of %d windows, equal; what was heard has similarity %.2f",
		len(tr.windows[0]), len(tr.windows), tr.heard.Similarity)
}

// Trace equality of an sMIX, for everybody in the set and the server: a small one,
// in which everybody has a channel, and once one with more members than channels.
func TestSuperposedSendingIsUnobservable(t *testing.T) {
	t.Parallel()
	for _, i := range intervals() {
		t.Run(i.String(), func(t *testing.T) {
			t.Parallel()
			others := 2
			if i == cell.Interval100 && !underRace {
				others = 9
			}
			tr := record(t, scene{mode: cell.SMIX, interval: i, members: others}, acts()...)
			checkEqual(t, tr, 2, "a call", "a call of three", "a declined call", "nothing at all")
			checkSpeech(t, i, tr)
		})
	}
}
