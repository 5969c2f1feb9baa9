package cli

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"undertone/app/internal/audio"
	"undertone/app/internal/audio/wav"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/mixclient/call"
	"undertone/transport/cell"
	"undertone/transport/signal"
)

// online runs a command in fake time with a phone that follows a script, and
// returns its exit code and how long it took.
func (c *console) online(f *fakePhone, args ...string) (code int, took time.Duration) {
	c.t.Helper()
	c.use(f)
	start := time.Now()
	code = c.runContext(c.t.Context(), args...)
	return code, time.Since(start)
}

// leaves checks that a session ended as it must: hang up, wait for it, and only
// then end the phone.
func leaves(t *testing.T, f *fakePhone) {
	t.Helper()
	if !strings.HasSuffix(f.commands(), "leave, await idle") {
		t.Errorf("the phone was told: %s", f.commands())
	}
}

func dirWithBert(t *testing.T) string { return makeProfile(t, "Anna", withContact(t, "Bert")) }

var silent = []string{"--in", "none", "--out", "none"}

func with(more []string, args ...string) []string { return append(args, more...) }

func TestIdleFor(t *testing.T) {
	dir := dirWithBert(t)
	synctest.Test(t, func(t *testing.T) {
		f := newFakePhone(func(ctx context.Context, f *fakePhone) error {
			f.say(phone.Event{Kind: phone.Online})
			return until(ctx)
		})
		p := newConsole(t)
		code, took := p.online(f, with(silent, "idle", "--for", "10s", "--answer", "auto", "--tell-busy", "--profile", dir)...)
		if code != exitDone || took != 10*time.Second {
			t.Errorf("exit code %d after %s", code, took)
		}
		leaves(t, f)
		says(t, p.out.String(), "You are online.")
		if f.cfg.Answer != profile.AnswerAuto {
			t.Errorf("it answers %v", f.cfg.Answer)
		}
	})
}

func TestIdleSettings(t *testing.T) {
	dir := makeProfile(t, "Anna", func(c *profile.Content) { c.Settings.Answer = profile.AnswerNever })
	synctest.Test(t, func(t *testing.T) {
		told := false
		f := newFakePhone(nil)
		f.script = func(ctx context.Context, f *fakePhone) error {
			c := f.cfg.Profile.Snapshot()
			told = c.Settings.TellBusy
			f.say(phone.Event{Kind: phone.Rings, Name: "Bert"})
			f.say(phone.Event{Kind: phone.Ended, Name: "Bert", Outcome: call.Missed})
			return until(ctx)
		}
		p := newConsole(t)
		if code, _ := p.online(f, with(silent, "idle", "--for", "1s", "--tell-busy", "--profile", dir)...); code != exitDone {
			t.Fatalf("exit code %d: %s", code, &p.err)
		}
		if f.cfg.Answer != profile.AnswerNever || !told {
			t.Errorf("answer %v, tell busy %t", f.cfg.Answer, told)
		}
		says(t, p.out.String(), "You missed a call from Bert.")
		if strings.Contains(p.out.String(), "is calling") {
			t.Error("it rings although it must never")
		}
	})
}

func TestKeys(t *testing.T) {
	dir := dirWithBert(t)
	synctest.Test(t, func(t *testing.T) {
		f := newFakePhone(func(ctx context.Context, _ *fakePhone) error { return until(ctx) })
		p := newConsole(t)
		p.app.In = strings.NewReader("a\nD\nh\nm\nm\nx\nq\nh")
		code, took := p.online(f, with(silent, "idle", "--profile", dir)...)
		if want := "answer, decline, hangup, mute, mute, leave, await idle"; f.commands() != want || code != exitDone || took != 0 {
			t.Errorf("the phone was told: %s; exit code %d after %s", f.commands(), code, took)
		}
		says(t, p.out.String(), "Muted", "No longer muted")
		says(t, p.err.String(), "Keys: c call, a answer")
	})
}

// Where keys are not read singly a line is one thing: no letter of a name is a
// key.
func TestCallByName(t *testing.T) {
	dir := dirWithBert(t)
	synctest.Test(t, func(t *testing.T) {
		f := newFakePhone(func(ctx context.Context, _ *fakePhone) error { return until(ctx) })
		p := newConsole(t)
		p.app.In = strings.NewReader("c bert\nc\nNobody\nc\n\nhad\nh\nq")
		code, _ := p.online(f, with(silent, "idle", "--profile", dir)...)
		if want := "call bert, call Nobody, hangup, leave, await idle"; f.commands() != want || code != exitDone {
			t.Errorf("the phone was told: %s; exit code %d", f.commands(), code)
		}
		says(t, p.out.String(), "Exchanging keys with Bert first")
		says(t, p.err.String(), "Keys: c call")
	})
}

// Whoever is online calls from there: a name can be typed, mended and given up.
func TestTypedName(t *testing.T) {
	f := newFakePhone(nil)
	p := newConsole(t)
	s := newSession(f, newReporter(p.app.Streams, false, profile.AnswerAsk))
	for _, b := range []byte("c Bern\x7ft\ncAnna\x1bh\nc\n") {
		s.press(b)
	}
	if want := "call Bert, hangup"; f.commands() != want {
		t.Errorf("the phone was told: %s", f.commands())
	}
	says(t, p.out.String(), "Calling Bert")
}

// In a call v shows the words to compare.
func TestWordsInACall(t *testing.T) {
	dir := dirWithBert(t)
	for with, words := range map[string]string{"": "there is no call", "Bert": "undertone contacts verify Bert --yes"} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakePhone(func(ctx context.Context, _ *fakePhone) error { return until(ctx) })
			f.state = talking(with)
			p := newConsole(t)
			p.app.In = strings.NewReader("v\nq\n")
			p.online(f, append([]string{"idle", "--profile", dir}, silent...)...)
			says(t, p.out.String()+p.err.String(), words)
		})
	}
}

// Ctrl-C hangs up first, and the phone runs until that is done.
func TestInterrupt(t *testing.T) {
	dir := dirWithBert(t)
	synctest.Test(t, func(t *testing.T) {
		f := newFakePhone(func(ctx context.Context, f *fakePhone) error {
			f.say(phone.Event{Kind: phone.Online})
			<-ctx.Done()
			if !f.heard("await idle") {
				t.Error("the phone ended before it had hung up")
			}
			f.say(phone.Event{Kind: phone.Ended, Name: "Bert", Outcome: call.HungUp, Talked: 65 * time.Second})
			return nil
		})
		p := newConsole(t)
		p.use(f)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if code := p.runContext(ctx, with(silent, "idle", "--profile", dir)...); code != exitDone {
			t.Errorf("exit code %d", code)
		}
		leaves(t, f)
		says(t, p.out.String(), "You hung up. You talked for 1m5s.")
	})
}

// The line of a phone that is refused for good ends the command with the reason.
func TestRefused(t *testing.T) {
	dir := dirWithBert(t)
	synctest.Test(t, func(t *testing.T) {
		f := newFakePhone(func(context.Context, *fakePhone) error { return signal.ErrUserDisabled })
		p := newConsole(t)
		code, _ := p.online(f, with(silent, "idle", "--profile", dir)...)
		if code != exitFailed {
			t.Errorf("exit code %d", code)
		}
		says(t, p.err.String(), "disabled your account")
	})
}

// answered is the script of a call that is answered at once and lasts until the
// other side hangs up, or this side does.
func answered(length time.Duration, how call.Outcome) func(context.Context, *fakePhone) error {
	return func(ctx context.Context, f *fakePhone) error {
		f.say(phone.Event{Kind: phone.Online})
		synctest.Wait()
		f.say(phone.Event{Kind: phone.Connected, Name: "Bert", Outgoing: true})
		select {
		case <-time.After(length):
			f.say(phone.Event{Kind: phone.Ended, Name: "Bert", Outgoing: true, Outcome: how, Talked: length})
		case <-ctx.Done():
			f.say(phone.Event{Kind: phone.Ended, Name: "Bert", Outgoing: true, Outcome: call.HungUp, Talked: time.Second})
		}
		return until(ctx)
	}
}

func TestCall(t *testing.T) {
	dir := dirWithBert(t)
	for name, c := range map[string]struct {
		script func(context.Context, *fakePhone) error
		args   []string
		code   int
		took   time.Duration
		words  string
	}{
		"answered": {script: answered(20*time.Second, call.PeerHungUp), code: exitDone, took: 20 * time.Second, words: "Bert hung up. You talked for 20s."},
		"for":      {script: answered(time.Hour, call.PeerHungUp), args: []string{"--for", "3s"}, code: exitDone, took: 3 * time.Second, words: "You hung up."},
		"cut off":  {script: answered(7*time.Second, call.Lost), code: exitCutOff, took: 7 * time.Second, words: "was cut off"},
		"no answer": {script: func(ctx context.Context, f *fakePhone) error {
			f.say(phone.Event{Kind: phone.Online})
			time.Sleep(30 * time.Second)
			f.say(phone.Event{Kind: phone.Ended, Name: "Bert", Outgoing: true, Outcome: call.NoAnswer})
			return until(ctx)
		}, code: exitNoAnswer, took: 30 * time.Second, words: "No answer from Bert."},
		"lost before": {script: func(ctx context.Context, f *fakePhone) error {
			f.say(phone.Event{Kind: phone.Online})
			f.say(phone.Event{Kind: phone.Ended, Name: "Bert", Outgoing: true, Outcome: call.Lost})
			return until(ctx)
		}, code: exitNoAnswer, words: "cut off"},
		"no line": {script: func(ctx context.Context, f *fakePhone) error {
			f.say(phone.Event{Kind: phone.Offline, Err: errors.New("cannot reach the server")})
			return until(ctx)
		}, code: exitFailed, took: lineFor, words: "nobody was called"},
		"reconnect": {script: func(ctx context.Context, f *fakePhone) error {
			f.say(phone.Event{Kind: phone.Online})
			f.say(phone.Event{Kind: phone.Offline, Err: errors.New("the server has gone silent")})
			time.Sleep(time.Minute)
			f.say(phone.Event{Kind: phone.Online})
			return answered(time.Second, call.PeerHungUp)(ctx, f)
		}, code: exitDone, took: 61 * time.Second, words: "You are online."},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := newFakePhone(c.script)
				p := newConsole(t)
				code, took := p.online(f, with(c.args, with(silent, "call", "bert", "--profile", dir)...)...)
				if code != c.code || took != c.took {
					t.Errorf("exit code %d after %s, want %d after %s\n%s", code, took, c.code, c.took, &p.err)
				}
				leaves(t, f)
				says(t, p.out.String()+p.err.String(), c.words)
				if calls := strings.Count(f.commands(), "call Bert"); name != "no line" && calls != 1 {
					t.Errorf("the phone was told: %s", f.commands())
				}
			})
		})
	}
}

// Somebody who calls at the same moment is answered, if he is the one to call.
func TestCallMeets(t *testing.T) {
	dir := dirWithBert(t)
	for _, who := range []string{"Bert", "Carl"} {
		synctest.Test(t, func(t *testing.T) {
			f := newFakePhone(answered(time.Second, call.PeerHungUp))
			f.refuse = call.ErrBusy
			f.state = talking(who)
			p := newConsole(t)
			code, _ := p.online(f, with(silent, "call", "bert", "--profile", dir)...)
			switch {
			case who == "Bert" && (code != exitDone || !f.heard("answer")):
				t.Errorf("exit code %d; the phone was told: %s", code, f.commands())
			case who == "Carl" && (code != exitFailed || f.heard("answer")):
				t.Errorf("exit code %d; the phone was told: %s", code, f.commands())
			case who == "Carl":
				says(t, p.err.String(), "Carl is calling you at this moment")
			}
		})
	}
}

// With a file, the call ends by itself, but not before the last word has had the
// time to arrive.
func TestCallWithFile(t *testing.T) {
	dir := dirWithBert(t)
	said := t.TempDir() + "/said.wav"
	writeWAV(t, said, 2*time.Second)
	synctest.Test(t, func(t *testing.T) {
		f := newFakePhone(func(ctx context.Context, f *fakePhone) error {
			f.say(phone.Event{Kind: phone.Online})
			time.Sleep(5 * time.Second) // It rings; the file waits.
			f.say(phone.Event{Kind: phone.Connected, Name: "Bert", Outgoing: true})
			f.cfg.Sound.Live(true)
			tick := time.NewTicker(40 * time.Millisecond)
			defer tick.Stop()
			pcm := make([]float32, cell.Interval40.Samples())
			for {
				select {
				case <-tick.C:
					f.cfg.Sound.Read(pcm)
				case <-ctx.Done():
					return nil
				}
			}
		})
		p := newConsole(t)
		code, took := p.online(f, "call", "bert", "--profile", dir, "--in", said, "--out", "none")
		if want := 5*time.Second + 2*time.Second + lastWord; code != exitDone || took != want {
			t.Errorf("exit code %d after %s, want %s", code, took, want)
		}
		leaves(t, f)
	})
}

func writeWAV(t *testing.T, path string, length time.Duration) {
	t.Helper()
	w, err := wav.Create(path, cell.SampleRate)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(w.Write(make([]int16, audio.Samples(length))), w.Close()); err != nil {
		t.Fatal(err)
	}
}

// A program reads one JSON object per line, the figures last.
func TestJSONLines(t *testing.T) {
	dir := dirWithBert(t)
	synctest.Test(t, func(t *testing.T) {
		f := newFakePhone(answered(2*time.Second, call.PeerHungUp))
		f.state.Counts.Pacer.Sent, f.state.Counts.Pacer.Skipped, f.state.Counts.Received, f.state.Counts.Lost = 100, 1, 97, 2
		f.state.Played.Heard, f.state.Played.Concealed, f.state.SoundFaults = 48, 2, 3
		f.state.Trouble = errors.New("no microphone")
		p := newConsole(t)
		if code, _ := p.online(f, with(silent, "call", "Bert", "--json", "--profile", dir)...); code != exitDone {
			t.Fatalf("exit code %d: %s", code, &p.err)
		}
		var events []string
		var last map[string]any
		for line := range strings.Lines(p.out.String()) {
			last = nil
			if err := json.Unmarshal([]byte(line), &last); err != nil {
				t.Fatalf("%v: %s", err, line)
			}
			events = append(events, last["event"].(string))
		}
		if got := strings.Join(events, " "); got != "online dialed connected sound ended summary" {
			t.Errorf("the events are: %s", got)
		}
		delete(last, "at")
		delete(last, "event")
		want := map[string]any{
			"calls": 1.0, "answered": 1.0, "talked_s": 2.0,
			"cells_sent": 100.0, "cells_skipped": 1.0, "cells_received": 97.0, "cells_lost": 2.0,
			"voice_heard": 48.0, "voice_concealed": 2.0, "sound_faults": 3.0,
		}
		for k, v := range want {
			if last[k] != v {
				t.Errorf("%s is %v, want %v", k, last[k], v)
			}
		}
		if len(last) != len(want) {
			t.Errorf("the figures are %v", last)
		}
		if p.err.Len() > 0 {
			t.Errorf("it also says: %s", &p.err)
		}
	})
}

// What the mode hides is said where it is used.
func TestModeIsShown(t *testing.T) {
	for mode, words := range map[cell.Mode]string{cell.TMIX: "the server sees who talks", cell.BMIX: "or the server", cell.SMIX: "shared channels"} {
		dir := makeProfile(t, "Anna", func(c *profile.Content) { c.Account.Server.Mode = mode })
		synctest.Test(t, func(t *testing.T) {
			f := newFakePhone(func(ctx context.Context, _ *fakePhone) error { return until(ctx) })
			p := newConsole(t)
			p.online(f, with(silent, "idle", "--for", "1s", "--profile", dir)...)
			says(t, p.err.String(), "Mode "+mode.String(), words)
		})
	}
}

// Several are called at once, and the command ends when the call is over for all.
func TestCallSeveral(t *testing.T) {
	dir := makeProfile(t, "Anna", func(c *profile.Content) {
		withContact(t, "Bert")(c)
		withContact(t, "Cyd")(c)
	})
	synctest.Test(t, func(t *testing.T) {
		f := newFakePhone(func(ctx context.Context, f *fakePhone) error {
			f.say(phone.Event{Kind: phone.Online})
			f.say(phone.Event{Kind: phone.Connected, Name: "Bert", Outgoing: true})
			f.say(phone.Event{Kind: phone.Came, Name: "Bert"})
			f.say(phone.Event{Kind: phone.Ended, Name: "Cyd", Outgoing: true, Outcome: call.NoAnswer})
			time.Sleep(time.Minute)
			f.say(phone.Event{Kind: phone.Left, Name: "Bert"})
			f.say(phone.Event{Kind: phone.Ended, Name: "Bert", Outgoing: true, Outcome: call.PeerHungUp, Talked: time.Minute})
			return until(ctx)
		})
		p := newConsole(t)
		code, took := p.online(f, with(silent, "call", "bert", "cyd", "--profile", dir)...)
		if code != exitDone || took != time.Minute || !strings.HasPrefix(f.commands(), "call Bert and Cyd") {
			t.Errorf("exit code %d after %s; the phone was told: %s", code, took, f.commands())
		}
		says(t, p.out.String(), "No answer from Cyd.", "Bert is in the call.", "Bert has left the call.")
	})
	p := newConsole(t)
	p.run(exitFailed, with(silent, "call", "bert", "Bert", "--profile", dir)...)
	says(t, p.err.String(), "named twice")
}

// In a call, c adds somebody to it.
func TestAddByName(t *testing.T) {
	dir := dirWithBert(t)
	synctest.Test(t, func(t *testing.T) {
		f := newFakePhone(func(ctx context.Context, _ *fakePhone) error { return until(ctx) })
		f.state = talking("Cyd")
		p := newConsole(t)
		p.app.In = strings.NewReader("c bert\nq")
		p.online(f, with(silent, "idle", "--profile", dir)...)
		if !strings.HasPrefix(f.commands(), "add bert") {
			t.Errorf("the phone was told: %s", f.commands())
		}
	})
}

func TestEchoCommand(t *testing.T) {
	dir := dirWithBert(t)
	synctest.Test(t, func(t *testing.T) {
		f := newFakePhone(func(ctx context.Context, _ *fakePhone) error { return until(ctx) })
		p := newConsole(t)
		code, took := p.online(f, "echo", "--for", "3s", "--profile", dir)
		if code != exitDone || took != 3*time.Second || f.cfg.Answer != profile.AnswerAuto {
			t.Errorf("exit code %d after %s; it answers %v", code, took, f.cfg.Answer)
		}
		jack, ok := f.cfg.Sound.(*audio.Jack)
		if !ok {
			t.Fatalf("its sound is %T", f.cfg.Sound)
		}
		if _, ok := jack.Plug(audio.Silence{}).(*echo); !ok {
			t.Error("it says nothing back")
		}
		leaves(t, f)
	})
}
