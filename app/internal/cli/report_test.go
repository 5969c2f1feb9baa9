package cli

import (
	"bytes"
	"errors"
	"strings"
	"testing"
	"time"

	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/mixclient/call"
)

// Every event and every outcome has a name for programs, each its own.
func TestNames(t *testing.T) {
	seen := map[string]bool{}
	for k := phone.Online; k <= phone.Ended; k++ {
		name := eventNames[k]
		if name == "" || seen[name] || strings.ContainsAny(name, " -") {
			t.Errorf("event %d is called %q", k, name)
		}
		seen[name] = true
	}
	seen = map[string]bool{}
	for o := call.HungUp; o <= call.ToldDeclined; o++ {
		name := outcomeNames[o]
		if name == "" || seen[name] || strings.ContainsAny(name, " -") {
			t.Errorf("outcome %d is called %q", o, name)
		}
		seen[name] = true
	}
}

func TestWords(t *testing.T) {
	why := errors.New("no way")
	for _, c := range []struct {
		event phone.Event
		words string
	}{
		{phone.Event{Kind: phone.Online}, "You are online."},
		{phone.Event{Kind: phone.Online, OverTCP: true}, "You are online, over TCP: this network lets no UDP through. Voices may break off now and then, and who watches the line sees that it is TCP."},
		{phone.Event{Kind: phone.Offline, Err: why}, "You are offline: no way. Trying again."},
		{phone.Event{Kind: phone.Offline, Err: errors.New("rtc: is it on?")}, "You are offline: is it on? Trying again."},
		{phone.Event{Kind: phone.Offline}, ""},
		{phone.Event{Kind: phone.Paired, Name: "Bert"}, "Keys are exchanged with Bert; you can call each other now."},
		{phone.Event{Kind: phone.Paired, Name: "Bert", New: true}, "Bert has your contact link, and is a contact now."},
		{phone.Event{Kind: phone.PairFailed, Name: "Bert", Err: why}, "Exchanging keys with Bert did not work: no way"},
		{phone.Event{Kind: phone.Rings, Name: "Bert"}, "Bert is calling."},
		{phone.Event{Kind: phone.Rings, Name: "Bert", Err: why}, "Bert is calling, but could not be answered: no way"},
		{phone.Event{Kind: phone.Accepted, Name: "Bert"}, "The call from Bert is answered."},
		{phone.Event{Kind: phone.Connected, Name: "Bert"}, "You are talking with Bert."},
		{phone.Event{Kind: phone.VoiceHeard, Name: "Bert"}, ""},
		{phone.Event{Kind: phone.Ended, Name: "Bert", Outcome: call.HungUp, Talked: 90 * time.Second}, "You hung up. You talked for 1m30s."},
		{phone.Event{Kind: phone.Ended, Name: "Bert", Outcome: call.HungUp, Outgoing: true}, "You gave up calling Bert."},
		{phone.Event{Kind: phone.Ended, Name: "Bert", Outcome: call.PeerHungUp, Talked: time.Second}, "Bert hung up. You talked for 1s."},
		{phone.Event{Kind: phone.Ended, Name: "Bert", Outcome: call.NoAnswer}, "No answer from Bert."},
		{phone.Event{Kind: phone.Ended, Name: "Bert", Outcome: call.Missed}, "You missed a call from Bert."},
		{phone.Event{Kind: phone.Ended, Name: "Bert", Outcome: call.Rejected}, "You declined a call from Bert, who cannot tell it from no answer."},
		{phone.Event{Kind: phone.Ended, Name: "Bert", Outcome: call.Lost}, "The call with Bert was cut off: nothing was heard for too long."},
		{phone.Event{Kind: phone.Ended, Name: "Bert", Outcome: call.ToldBusy}, "Bert is in another call."},
		{phone.Event{Kind: phone.Ended, Name: "Bert", Outcome: call.ToldDeclined}, "Bert declined."},
	} {
		words, wrong := inWords(c.event)
		if words != c.words {
			t.Errorf("event %d, outcome %d: %q, want %q", c.event.Kind, c.event.Outcome, words, c.words)
		}
		if wrong != (c.event.Err != nil) {
			t.Errorf("%q counts as wrong: %t", words, wrong)
		}
	}
}

// The same reason is said once, until the line was there again.
func TestOfflineAgain(t *testing.T) {
	var out bytes.Buffer
	r := newReporter(Streams{Out: &out, Err: &out}, false, profile.AnswerAsk)
	for _, e := range []phone.Event{
		{Kind: phone.Offline, Err: errors.New("a")}, {Kind: phone.Offline, Err: errors.New("a")},
		{Kind: phone.Offline, Err: errors.New("b")}, {Kind: phone.Online},
		{Kind: phone.Offline, Err: errors.New("b")}, {Kind: phone.Offline},
	} {
		r.event(e)
	}
	want := "You are offline: a. Trying again.\nYou are offline: b. Trying again.\nYou are online.\nYou are offline: b. Trying again.\n"
	if out.String() != want {
		t.Errorf("it says %q", out.String())
	}
	out.Reset()
	r.asJSON = true
	if r.event(phone.Event{Kind: phone.Offline}); out.Len() > 0 {
		t.Errorf("the end of a session is an event: %s", &out)
	}
}

// The first call says that keys come first, and what it may mean if none came.
func TestCallWithoutKeys(t *testing.T) {
	noAnswer := phone.Event{Kind: phone.Ended, Name: "Bert", Outgoing: true, Outcome: call.NoAnswer}
	for _, paired := range []bool{false, true} {
		var out bytes.Buffer
		r := newReporter(Streams{Out: &out, Err: &out}, false, profile.AnswerAsk)
		r.dialed("Bert", false)
		if paired {
			r.event(phone.Event{Kind: phone.Paired, Name: "Bert"})
		}
		r.event(noAnswer)
		says(t, out.String(), "Exchanging keys with Bert first", "No answer from Bert.")
		if got := strings.Contains(out.String(), "Keys were never exchanged: has Bert been online"); got == paired {
			t.Errorf("paired %t: it says %s", paired, &out)
		}
	}
}

// Whoever can press keys is told which, when it rings; nobody else hears a bell.
func TestRings(t *testing.T) {
	var out bytes.Buffer
	r := newReporter(Streams{Out: &out, Err: &out}, false, profile.AnswerAsk)
	r.event(phone.Event{Kind: phone.Rings, Name: "Bert"})
	if got := out.String(); got != "Bert is calling.\n" {
		t.Errorf("in a pipe it prints %q", got)
	}
	out.Reset()
	r.typing, r.bell = true, true
	r.event(phone.Event{Kind: phone.Rings, Name: "Bert"})
	if got := out.String(); got != "Bert is calling.\n  a answers, d declines\n\a" {
		t.Errorf("on a terminal it prints %q", got)
	}
}

// Sound that broke off is worth a line, sound that did not is not.
func TestSoundFaults(t *testing.T) {
	for faults, want := range map[uint64]string{
		0: "",
		1: "The sound broke off here once: this machine or its sound device was too busy. A larger --latency helps, for good with «undertone settings set latency».\n",
		7: "The sound broke off here 7 times: this machine or its sound device was too busy. A larger --latency helps, for good with «undertone settings set latency».\n",
	} {
		var out bytes.Buffer
		newReporter(Streams{Out: &out, Err: &out}, false, profile.AnswerAsk).summary(phone.State{SoundFaults: faults})
		if got := out.String(); got != want {
			t.Errorf("after %d faults it says %q", faults, got)
		}
	}
}

// A program that reads no more ends nothing.
func TestClosedPipe(t *testing.T) {
	r := newReporter(Streams{Out: brokenWriter{}, Err: brokenWriter{}}, true, profile.AnswerAsk)
	r.event(phone.Event{Kind: phone.Ended, Outcome: call.PeerHungUp, Talked: time.Second})
	r.event(phone.Event{Kind: phone.Ended, Outcome: call.Missed})
	if r.total != (total{calls: 2, answered: 1, talked: time.Second}) {
		t.Errorf("the total is %+v", r.total)
	}
}

type brokenWriter struct{}

func (brokenWriter) Write([]byte) (int, error) { return 0, errors.New("broken pipe") }
