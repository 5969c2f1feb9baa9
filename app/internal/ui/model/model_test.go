package model

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/words"
	"undertone/mixclient"
	"undertone/mixclient/call"
	"undertone/mixclient/half"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/signal"
	"undertone/transport/uri"
)

var start = time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC)

func after(d time.Duration) time.Time { return start.Add(d) }

// A rig is a model at home, with somebody to call.
type rig struct {
	Model
	in Input
}

func newRig(mode cell.Mode) *rig {
	r := &rig{in: Input{At: start}}
	r.Go(Home, words.Message{})
	r.in.Card.Server = uri.Server{Host: "h:1", Mode: mode, Interval: cell.Interval40}
	r.in.People = []phone.Person{{Name: "Ann", Paired: true, Verified: true}, {Name: "Bob", Paired: true}, {Name: "Cyd"}, {Name: "Dan", Paired: true, Blocked: true}}
	return r
}

func (r *rig) state(s call.State, with string) { r.in.State.Call, r.in.State.With = s, with }

func (r *rig) view() View { return r.View(r.in) }

func (r *rig) hear(kind phone.EventKind, name string) {
	r.Hear(phone.Event{Kind: kind, At: r.in.At, Name: name})
}

func wants(t *testing.T, what string, m words.Message, key string) {
	t.Helper()
	if m.Key() != key {
		t.Errorf("%s: says %q, not %q", what, m.Key(), key)
	}
}

// What is allowed in each state, line by line.
func TestAllowed(t *testing.T) {
	const inCall = Hangup | Mute | Deafen
	for _, c := range []struct {
		state               call.State
		online, group, host bool
		want                Command
	}{
		{call.Idle, true, false, false, Dial},
		{call.Idle, false, true, true, 0},
		{call.Leaving, true, false, false, Dial},
		{call.Dialing, true, false, true, inCall},
		{call.Dialing, true, true, false, inCall | Add},
		{call.Dialing, false, true, false, inCall},
		{call.Ringing, true, true, false, Answer | Decline},
		{call.Answering, true, true, false, inCall},
		{call.Talking, true, false, true, inCall},
		{call.Talking, true, true, true, inCall | Add},
		{call.Talking, true, true, false, inCall},
		{call.Talking, false, true, true, inCall},
	} {
		if got := Allowed(c.state, c.online, c.group, c.host); got != c.want {
			t.Errorf("%v, online %t, group %t, host %t: %b, not %b", c.state, c.online, c.group, c.host, got, c.want)
		}
	}
}

func TestACallIsShownFromRingingToItsEnd(t *testing.T) {
	r := newRig(cell.TMIX)
	r.in.State.Online = true
	if v := r.view(); v.Call.Stage != NoCall || !v.Call.May(Dial) || len(v.Call.With) != 0 {
		t.Errorf("idle: %+v", v.Call)
	}
	r.hear(phone.Rings, "Ann")
	r.state(call.Ringing, "Ann")
	v := r.view()
	wants(t, "rings", v.Call.Title, "call.rings")
	if v.Call.Stage != RingsHere || !v.Call.May(Answer) || v.Call.May(Hangup) {
		t.Errorf("rings: %+v", v.Call)
	}
	r.hear(phone.Accepted, "Ann")
	r.state(call.Answering, "Ann")
	wants(t, "answered", r.view().Call.Title, "call.joining")
	r.hear(phone.Connected, "Ann")
	r.state(call.Talking, "Ann")
	r.in.At = after(83 * time.Second)
	v = r.view()
	wants(t, "talking", v.Call.Title, "call.talking")
	if v.Call.Lasts != "1:23" || v.Call.Words == "" || !v.Call.Verified {
		t.Errorf("talking: %+v", v.Call)
	}
	r.Hear(phone.Event{Kind: phone.Ended, At: r.in.At, Name: "Ann", Outcome: call.PeerHungUp, Talked: 83 * time.Second})
	r.state(call.Leaving, "Ann")
	v = r.view()
	wants(t, "over", v.Notice, "end.they")
	if v.Call.Stage != NoCall || v.Missed != 0 {
		t.Errorf("over: %+v", v)
	}
	r.in.At = r.in.At.Add(newsFor)
	if v := r.view(); !v.Notice.IsZero() {
		t.Errorf("old news: %v", v.Notice)
	}
}

func TestMissedCallsAreCountedUntilTheyAreSeen(t *testing.T) {
	r := newRig(cell.TMIX)
	for range 2 {
		r.Hear(phone.Event{Kind: phone.Ended, At: start, Name: "Ann", Outcome: call.Missed})
	}
	r.Hear(phone.Event{Kind: phone.Ended, At: start, Name: "Bob", Outcome: call.NoAnswer, Outgoing: true})
	r.Hear(phone.Event{Kind: phone.Ended, At: start, Name: "Bob", Outcome: call.Rejected})
	if v := r.view(); v.Missed != 2 {
		t.Errorf("%d missed, not 2", v.Missed)
	}
	r.Seen()
	if v := r.view(); v.Missed != 0 {
		t.Errorf("%d missed that were seen", v.Missed)
	}
}

// Who does not want to be disturbed sees nothing of a call, and learns of it later.
func TestDoNotDisturb(t *testing.T) {
	r := newRig(cell.TMIX)
	r.in.State.Online = true
	r.in.Settings.Answer = profile.AnswerNever
	r.hear(phone.Rings, "Ann")
	r.state(call.Ringing, "Ann")
	v := r.view()
	if v.Call.Stage != NoCall || v.Call.Allowed != 0 || len(v.Call.With) != 0 {
		t.Errorf("it shows: %+v", v.Call)
	}
	if len(v.Beware) != 1 || v.Beware[0].Key() != "dnd.on" {
		t.Errorf("nothing says why: %v", v.Beware)
	}
}

func TestWhatToBewareOf(t *testing.T) {
	r := newRig(cell.TMIX)
	r.Find(Calls, []words.Message{words.M("sound.none", "why", "no microphone was found")})
	r.Find(Bell, []words.Message{words.M("sound.caution", "why", "it is on Bluetooth")})
	r.in.State.Caution = errors.New("it is on Bluetooth")
	r.Hear(phone.Event{Kind: phone.Alarmed, At: start, Alarm: half.Equivocation})
	keys := func() (all []string) {
		for _, m := range r.view().Beware {
			all = append(all, m.Key())
		}
		return all
	}
	if got := keys(); !slices.Equal(got, []string{"sound.none", "sound.caution", "alarm.equivocation"}) {
		t.Errorf("says %q", got)
	}
	r.Find(Bell, nil)
	r.in.State.Trouble, r.in.State.Caution = errors.New("the device hangs"), nil
	if got := keys(); !slices.Equal(got, []string{"sound.trouble", "alarm.equivocation"}) {
		t.Errorf("says %q", got)
	}
	r.in.State.Trouble, r.in.Bell = nil, errors.New("the bell is reached by a network")
	r.Find(Calls, nil)
	if got := keys(); !slices.Equal(got, []string{"sound.caution", "alarm.equivocation"}) {
		t.Errorf("says %q", got)
	}
	r.Elsewhere(true)
	if got := keys(); !slices.Contains(got, "screen.elsewhere") {
		t.Errorf("says %q", got)
	}
	for a, want := range map[half.Alarm]string{half.Unsafe: "alarm.unsafe", half.Disruption: "alarm.disruption"} {
		r.Hear(phone.Event{Kind: phone.Alarmed, At: start, Alarm: a})
		if got := keys(); got[len(got)-1] != want {
			t.Errorf("%v: says %q", a, got)
		}
	}
}

func TestTheLineInWords(t *testing.T) {
	r := newRig(cell.TMIX)
	wants(t, "at first", r.view().Line.Text, "line.going")
	r.Hear(phone.Event{Kind: phone.Offline, At: start, Err: signal.ErrUnreachable})
	v := r.view()
	wants(t, "never there", v.Line.Text, "line.none")
	wants(t, "why", v.Line.Why, "error.unreachable")
	r.hear(phone.Online, "")
	r.in.State.Online = true
	if v := r.view(); !v.Line.On || !v.Line.Why.IsZero() {
		t.Errorf("online: %+v", v.Line)
	}
	r.in.State.Online = false
	r.Hear(phone.Event{Kind: phone.Offline, At: start, Err: mixclient.ErrSilent})
	wants(t, "lost", r.view().Line.Text, "line.lost")
}

func TestPeople(t *testing.T) {
	r := newRig(cell.BMIX)
	r.in.State.Online = true
	v := r.view()
	for i, want := range []struct {
		note     string
		callable bool
	}{{"person.verified", true}, {"person.unverified", true}, {"person.unpaired", true}, {"person.blocked", false}} {
		if p := v.People[i]; p.Note.Key() != want.note || p.Callable != want.callable {
			t.Errorf("%s: %+v", p.Name, p)
		}
	}
	// In a group call that the user began others can be added, and who is in it cannot.
	r.Hear(phone.Event{Kind: phone.Connected, At: start, Name: "Ann", Outgoing: true})
	r.state(call.Talking, "Ann")
	r.in.Others = []string{"Ann"}
	if v := r.view(); v.People[0].Callable || !v.People[1].Callable || !v.Call.May(Add) {
		t.Errorf("in a call: %+v", v.People)
	}
	// In somebody else's nobody can.
	r = newRig(cell.BMIX)
	r.in.State.Online = true
	r.hear(phone.Connected, "Ann")
	r.state(call.Talking, "Ann")
	if v := r.view(); v.People[1].Callable || v.Call.May(Add) {
		t.Errorf("in another's call: %+v", v.People)
	}
}

func TestNamesOfAGroup(t *testing.T) {
	r := newRig(cell.BMIX)
	r.state(call.Talking, "Ann")
	english := words.In("en")
	for want, others := range map[string][]string{
		"In a call with Ann":              nil,
		"In a call with Bob":              {"Bob"},
		"In a call with Ann, Bob and Cyd": {"Ann", "Bob", "Cyd"},
	} {
		r.in.Others = others
		if got := english.Say(r.view().Call.Title); got != want {
			t.Errorf("%q, not %q", got, want)
		}
	}
	r.state(call.Dialing, "Cyd")
	r.in.Others = nil
	wants(t, "without keys", r.view().Call.Title, "call.pairing")
}

func TestHistory(t *testing.T) {
	r := newRig(cell.TMIX)
	r.in.Calls = []phone.PastCall{
		{With: "Ann", Out: true, Outcome: profile.Answered, Length: time.Minute},
		{With: "Ann", Outcome: profile.Answered},
		{With: "Ann", Out: true, Outcome: profile.NoAnswer},
		{With: "", Outcome: profile.NoAnswer},
		{With: "Ann", Outcome: profile.Declined},
		{With: "Ann", Out: true, Outcome: profile.Declined},
	}
	v := r.view()
	for i, want := range []string{"history.called", "history.answered", "history.noanswer", "history.missed", "history.declined", "history.theydeclined"} {
		wants(t, fmt.Sprint(i), v.Past[i].What, want)
	}
	if !v.Past[3].Missed || v.Past[3].With.Key() != "history.unknown" || v.Past[2].Missed {
		t.Errorf("%+v", v.Past)
	}
}

func TestQuality(t *testing.T) {
	r := newRig(cell.TMIX)
	r.state(call.Talking, "Ann")
	r.hear(phone.Connected, "Ann")
	wants(t, "at first", r.view().Call.Quality, "quality.unknown")
	pass := func(heard, concealed, faults uint64) View {
		for range 20 {
			r.in.At = r.in.At.Add(sampleEvery)
			p := &r.in.State.Played
			p.Heard, p.Concealed = p.Heard+heard, p.Concealed+concealed
			r.in.State.SoundFaults += faults
			r.view()
		}
		return r.view()
	}
	wants(t, "good", pass(100, 1, 0).Call.Quality, "quality.good")
	wants(t, "fair", pass(100, 5, 0).Call.Quality, "quality.fair")
	wants(t, "bad", pass(100, 30, 0).Call.Quality, "quality.bad")
	wants(t, "machine", pass(100, 0, 1).Call.Quality, "quality.machine")
	wants(t, "silent", pass(0, 100, 0).Call.Quality, "quality.silent")
	wants(t, "good again", pass(100, 0, 0).Call.Quality, "quality.good")
	r.state(call.Idle, "")
	if q := r.view().Call.Quality; !q.IsZero() {
		t.Errorf("without a call: %v", q)
	}
}

func TestPages(t *testing.T) {
	var m Model
	if v := m.View(Input{}); v.Page != Looking {
		t.Errorf("begins at %d", v.Page)
	}
	m.Go(Locked, words.Message{})
	m.Work()
	if v := m.View(Input{}); !v.Busy || !v.Problem.IsZero() {
		t.Errorf("at work: %+v", v)
	}
	m.Done(Explain(profile.ErrPassphrase))
	v := m.View(Input{})
	wants(t, "wrong passphrase", v.Problem, "error.passphrase")
	m.Done(words.Message{})
	wants(t, "nothing else went wrong", m.View(Input{}).Problem, "error.passphrase")
	if v.Busy || v.Page != Locked {
		t.Errorf("%+v", v)
	}
}

// Every error that is known by name is known by words, also when others wrap it.
func TestExplain(t *testing.T) {
	for _, e := range explained {
		if got := Explain(fmt.Errorf("so: %w", e.err)); got != e.text {
			t.Errorf("%v: %v, not %v", e.err, got, e.text)
		}
	}
	wants(t, "another", Explain(errors.New("the cat sat on it")), "error.other")
	if !Explain(nil).IsZero() {
		t.Error("nothing is wrong, and something is said")
	}
	wants(t, "in use", Explain(&profile.InUseError{Process: 3}), "error.inuse")
}

func TestLinks(t *testing.T) {
	invite := uri.Invite{Server: uri.Server{Host: "h:1", Pin: uri.Pin{1}, Mode: cell.TMIX, Interval: cell.Interval40}, Token: uri.Token{1}}.String()
	id, err := key.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	secret, err := key.NewSecret(slices.Repeat([]byte{7}, key.SecretSize))
	if err != nil {
		t.Fatal(err)
	}
	contact := (&uri.Contact{Name: "Ann", Host: "h:1", Fingerprint: id.Fingerprint(), Intro: secret}).String()
	for text, want := range map[string]string{
		invite: "", " <" + invite[:30] + "\n  " + invite[30:] + "> ": "", contact: "invite.contact",
		"": "invite.empty", "hello": "invite.none", invite[:len(invite)-24]: "invite.cut", invite[:len(invite)-3]: "invite.damaged",
	} {
		got, problem := Invite(text)
		if wants(t, text, problem, want); want == "" && got.Host != "h:1" {
			t.Errorf("%q: read as %v", text, got)
		}
	}
	for text, want := range map[string]string{
		contact: "", "„" + contact + "“": "", invite: "contact.invite",
		"": "contact.empty", "hello": "contact.none", contact[:len(contact)-3]: "contact.damaged",
	} {
		link, name, problem := Link(text)
		if wants(t, text, problem, want); want == "" && (link != contact || name != "Ann") {
			t.Errorf("%q: read as %q of %q", text, link, name)
		}
	}
	for name, want := range map[string]string{"Ann": "", " ": "name.empty", "Änn Ölaf": "", " Ann": "name.bad", "A\x00": "name.bad", "abcdefghijklmnopqrstuvwxyzabcdefg": "name.long"} {
		wants(t, name, Name(name), want)
	}
}

func TestPromises(t *testing.T) {
	for mode, want := range map[cell.Mode]string{cell.TMIX: "promise.server.tmix", cell.BMIX: "promise.server.bmix", cell.SMIX: "promise.server.smix"} {
		p := PromiseOf(uri.Server{Mode: mode, Interval: cell.Interval40})
		wants(t, mode.String(), p.Server, want)
		for _, line := range p.Lines() {
			if line.IsZero() {
				t.Errorf("%v leaves something out", mode)
			}
		}
	}
}

func TestClock(t *testing.T) {
	for d, want := range map[time.Duration]string{-1: "0:00", 7 * time.Second: "0:07", 750 * time.Second: "12:30", 3723 * time.Second: "1:02:03"} {
		if got := Clock(d); got != want {
			t.Errorf("%v: %s, not %s", d, got, want)
		}
	}
}

// Whose calls do not ring is set once: only contacts, or only those who are verified.
func TestWhoMayRing(t *testing.T) {
	for _, c := range []struct {
		name string
		set  profile.Settings
		want bool
	}{
		{"Ann", profile.Settings{}, true}, {"Bob", profile.Settings{}, true},
		{"Ann", profile.Settings{OnlyVerified: true}, true}, {"Bob", profile.Settings{OnlyVerified: true}, false},
		{"nobody", profile.Settings{OnlyVerified: true}, false},
		{"Ann", profile.Settings{Answer: profile.AnswerNever}, false},
	} {
		r := newRig(cell.TMIX)
		r.in.Settings = c.set
		r.state(call.Ringing, c.name)
		v := r.view()
		if got := v.Call.Stage == RingsHere; got != c.want || v.MayRing(c.name) != c.want {
			t.Errorf("%s with %+v: rings: %t, %t", c.name, c.set, got, v.MayRing(c.name))
		}
	}
}

// Who has the name of a contact and other keys cannot be called, and that is said.
func TestChangedKeys(t *testing.T) {
	r := newRig(cell.TMIX)
	r.in.State.Online = true
	r.in.People = append(r.in.People, phone.Person{Name: "Ann 2", Paired: true, Blocked: true, Changed: true})
	r.Hear(phone.Event{Kind: phone.Paired, At: r.in.At, Name: "Ann 2", New: true, Changed: true})
	v := r.view()
	p := v.People[len(v.People)-1]
	wants(t, "the list", p.Note, "person.changed")
	wants(t, "the news", v.Notice, "news.changed")
	if p.Callable {
		t.Error("the call does not stop")
	}
}
