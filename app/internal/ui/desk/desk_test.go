package desk

import (
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"undertone/app/internal/audio/sound"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/model"
	"undertone/mixclient/call"
	"undertone/transport/signal"
)

func TestFirstRun(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "p")
	r := newRig(t, dir)
	r.Open()
	r.page(model.FirstRun)

	r.result = signal.ErrInviteUsed
	r.Join(NewUser{Invite: testInvite(), Name: "Me"})
	r.until("a used invite is said", func() bool { return r.View(time.Now()).Problem.Key() == "error.invite.used" })
	if v := r.View(time.Now()); v.Page != model.FirstRun || v.Busy || profile.Exists(dir) {
		t.Errorf("after a used invite: %+v", v)
	}
	<-r.phones

	r.result = nil
	r.Join(NewUser{Invite: testInvite(), Name: "Me", Microphone: "desk"})
	r.page(model.Home)
	<-r.phones // It went online once to see that the line works.
	if f := <-r.phones; f.cfg.Answer != profile.AnswerAsk || f.cfg.Socket == nil {
		t.Errorf("the phone is %+v", f.cfg)
	}
	r.until("the microphone", func() bool {
		r.room.mu.Lock()
		defer r.room.mu.Unlock()
		return slices.Contains(r.room.notes, "opened desk")
	})
}

func TestPassphrase(t *testing.T) {
	dir := makeProfile(t)
	p, err := profile.Open(dir, profile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Protect([]byte("correct horse")); err != nil {
		t.Fatal(err)
	}
	p.Close()
	r := newRig(t, dir)
	r.Open()
	r.page(model.Locked)
	wrong := []byte("battery staple")
	r.Unlock(wrong)
	r.until("wrong", func() bool { return r.View(time.Now()).Problem.Key() == "error.passphrase" })
	if slices.ContainsFunc(wrong, func(b byte) bool { return b != 0 }) {
		t.Error("what was typed is still in memory")
	}
	r.Unlock([]byte("correct horse"))
	r.page(model.Home)
}

func TestProfileInUse(t *testing.T) {
	dir := makeProfile(t)
	p, err := profile.Open(dir, profile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := newRig(t, dir)
	r.Open()
	r.page(model.Stuck)
	if v := r.View(time.Now()); v.Problem.Key() != "error.inuse" {
		t.Errorf("says %v", v.Problem)
	}
	p.Close()
	f := r.home()
	r.Open() // Who is impatient asks twice.
	r.Hangup()
	r.until("the next command", func() bool { return f.has("hangup") })
	if v := r.View(time.Now()); v.Page != model.Home {
		t.Errorf("it is its own other Undertone: %+v", v)
	}
}

func TestCommands(t *testing.T) {
	r := newRig(t, makeProfile(t))
	f := r.home()
	r.until("online", func() bool { return len(r.View(time.Now()).People) == 1 })

	r.Call("Ann")
	r.until("call", func() bool { return f.has("call Ann") })
	f.set(call.Dialing, "Ann")
	r.Call("Bob", "Cyd")
	r.until("add", func() bool { return f.has("add Bob") && f.has("add Cyd") })
	r.Hangup()
	r.until("hangup", func() bool { return f.has("hangup") })
	r.ToggleMute()
	r.until("mute", func() bool { return f.has("mute true") })
	r.ToggleDeafen()
	r.until("deafen", func() bool { return r.View(time.Now()).Call.Deaf })
	r.Decline()
	r.until("what is wrong is said", func() bool { return r.View(time.Now()).Notice.Key() == "error.nocall" })
	if v := r.View(time.Now()); v.Call.Mic != 0.5 {
		t.Errorf("it is %v loud", v.Call.Mic)
	}
}

// Who talks with a key held is muted, but for as long as it is.
func TestPushToTalk(t *testing.T) {
	r := newRig(t, makeProfile(t))
	f := r.home()
	r.Talk(true)
	r.Choose(func(s *profile.Settings) { s.PushToTalk = true })
	r.until("muted", f.Muted)
	r.Talk(true)
	r.until("talking", func() bool { return f.count("mute false") == 2 }) // One is from the beginning.
	r.Talk(false)
	r.until("muted again", func() bool { return f.count("mute true") == 2 })
}

// It rings as long as somebody calls, and not for who wants no disturbance.
func TestBell(t *testing.T) {
	r := newRig(t, makeProfile(t))
	f := r.home()
	ring := func(on bool) {
		kind, state := phone.Rings, call.Ringing
		if !on {
			kind, state = phone.Ended, call.Idle
		}
		f.set(state, "Ann")
		f.events <- phone.Event{Kind: kind, Name: "Ann", Outcome: call.Missed, At: time.Now()}
	}
	ring(true)
	r.until("it rings", r.room.ringing)
	ring(false)
	r.until("it is quiet", func() bool { return !r.room.ringing() })
	if v := r.View(time.Now()); v.Missed != 1 {
		t.Errorf("%d missed", v.Missed)
	}
	r.Choose(func(s *profile.Settings) { s.Answer = profile.AnswerNever })
	r.until("chosen", func() bool { return r.View(time.Now()).Settings.Answer == profile.AnswerNever })
	ring(true)
	ring(false)
	r.until("a missed call", func() bool { return r.View(time.Now()).Missed == 2 })
	if r.room.ringing() {
		t.Error("it rings")
	}
}

// Who quits hangs up, takes leave, and leaves the profile to the next.
func TestClose(t *testing.T) {
	dir := makeProfile(t)
	r := newRig(t, dir)
	f := r.home()
	r.Close()
	if !f.has("leave") {
		t.Error("it did not take leave")
	}
	p, err := profile.Open(dir, profile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	r.Open() // Does nothing, and does not hang.
	r.Devices(func([]sound.Device, error) { t.Error("devices are listed by who has ended") })
}

// A server that refuses for good is no reason to vanish: the window says why.
func TestRefused(t *testing.T) {
	r := newRig(t, makeProfile(t))
	r.result = signal.ErrUserDisabled
	r.Open()
	r.page(model.Stuck)
	if v := r.View(time.Now()); v.Problem.Key() != "error.user.disabled" {
		t.Errorf("says %v", v.Problem)
	}
	<-r.phones
	r.result = nil
	r.home()
}

// A profile that cannot be written is shown as long as it cannot.
func TestProfileThatCannotBeWritten(t *testing.T) {
	r := newRig(t, makeProfile(t))
	f := r.home()
	says := func() (all []string) {
		for _, m := range r.View(time.Now()).Beware {
			all = append(all, m.Key())
		}
		return all
	}
	for _, c := range []struct {
		err  error
		want []string
	}{
		{errBroken, []string{"error.write"}},
		{fmt.Errorf("%w: %w", phone.ErrNotTaken, errBroken), []string{"error.write"}}, // That is news.
		{profile.ErrChanged, []string{"error.changed"}},
		{nil, nil},
	} {
		f.cfg.Problem(c.err)
		if got := says(); !slices.Equal(got, c.want) {
			t.Errorf("%v: says %q", c.err, got)
		}
	}
	if v := r.View(time.Now()); v.Notice.Key() != "error.other" {
		t.Errorf("the news is %v", v.Notice)
	}
}
