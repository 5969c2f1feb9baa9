package cli

import (
	"bytes"
	"context"
	"errors"
	"io"
	"testing"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/sound"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
)

// A fakeRinger knows whether it rings.
type fakeRinger struct {
	device     string
	softer     int
	on, closed bool
	missing    error
	caution    error
}

func (f *fakeRinger) Caution() error { return f.caution }

func (f *fakeRinger) Missing(context.Context) error { return f.missing }

func (f *fakeRinger) Ring(on bool)       { f.on = on }
func (f *fakeRinger) Softer(percent int) { f.softer = percent }
func (f *fakeRinger) Close() error       { f.closed = true; return nil }

// It rings from a call's coming until it is answered or over, whoever else calls.
func TestBell(t *testing.T) {
	f := &fakeRinger{}
	p := newConsole(t)
	p.app.newRinger = func(device string) (ringer, error) {
		f.device = device
		return f, nil
	}
	o := talk{sounds: sounds{in: audio.Mic, out: audio.Speaker}}
	b, err := p.app.newBell(o, profile.AnswerAsk, profile.Settings{RingDevice: "Hall", RingSofter: 40})
	if err != nil || f.device != "Hall" {
		t.Fatalf("it rings on %q, %v", f.device, err)
	}
	s := newSession(newFakePhone(accepts), newReporter(Streams{Out: io.Discard, Err: io.Discard}, false, profile.AnswerAsk))
	s.bell = b
	for i, step := range []struct {
		kind phone.EventKind
		name string
		err  error
		want bool
	}{
		{phone.Online, "", nil, false},
		{phone.Rings, "Bert", nil, true},
		{phone.VoiceHeard, "Bert", nil, true},
		{phone.Rings, "Carl", nil, true},
		{phone.Ended, "Bert", nil, true},
		{phone.Accepted, "Carl", nil, false},
		{phone.Connected, "Carl", nil, false},
		{phone.Rings, "Bert", nil, true},
		{phone.Ended, "Carl", nil, true},
		{phone.Ended, "Bert", nil, false},
		{phone.Rings, "Dora", errors.New("no keys"), false},
		{phone.Ended, "Dora", nil, false},
	} {
		if s.hear(phone.Event{Kind: step.kind, Name: step.name, Err: step.err}); f.on != step.want {
			t.Errorf("step %d: it rings: %t", i, f.on)
		}
	}
	f.caution = sound.Caution("Hall is reached by a network")
	if err := b.caution(); !errors.Is(err, f.caution) {
		t.Errorf("the bell says %v", err)
	}
	if b.close(); !f.closed {
		t.Error("it is not closed")
	}
}

// Where nobody is asked, or no loudspeaker is used, nothing is opened to ring on.
func TestNoBell(t *testing.T) {
	p := newConsole(t)
	p.app.newRinger = func(string) (ringer, error) { return nil, errors.New("it was opened") }
	for _, c := range []struct {
		out    string
		answer profile.AnswerMode
		opens  bool
	}{
		{audio.Speaker, profile.AnswerAsk, true},
		{audio.Speaker, profile.AnswerAuto, false},
		{audio.Speaker, profile.AnswerNever, false},
		{noneWord, profile.AnswerAsk, false},
		{"heard.wav", profile.AnswerAsk, false},
	} {
		b, err := p.app.newBell(talk{sounds: sounds{out: c.out}}, c.answer, profile.Settings{})
		if (err != nil) != c.opens || b != nil {
			t.Errorf("%+v: %v", c, err)
		}
		b.hear(phone.Event{Kind: phone.Rings})
		b.close()
	}
}

// A loudspeaker to ring on that others can notice is pointed out as well.
func TestBellIsLookedAt(t *testing.T) {
	device, err := (&sounds{in: noneWord, out: noneWord}).open(profile.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	far := sound.Caution("Hall is reached by a network")
	for _, want := range []error{nil, far} {
		b := &bell{ringer: &fakeRinger{missing: want}}
		if got := <-lookFor(t.Context(), device, b); text(got) != text(want) {
			t.Errorf("it says %v, want %v", got, want)
		}
		var out bytes.Buffer
		newReporter(Streams{Out: &out, Err: &out}, false, profile.AnswerAsk).missing(want)
		if want != nil {
			says(t, out.String(), "Beware: Hall is reached by a network.")
		}
	}
}
