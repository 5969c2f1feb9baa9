package desk

import (
	"bytes"
	"testing"
	"time"

	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/model"
)

// A window that is frozen looks at nothing. The phone, and with it the engine, is not
// held up: all its events are taken.
func TestAFrozenWindowHoldsUpNoEvent(t *testing.T) {
	r := newRig(t, makeProfile(t))
	f := r.home()
	stuck := time.NewTimer(10 * time.Second)
	defer stuck.Stop()
	for i := range 1000 {
		select {
		case f.events <- phone.Event{Kind: phone.Paired, Name: "Ann", At: time.Now()}:
		case <-stuck.C:
			t.Fatalf("event %d waits for the window", i)
		}
	}
}

// Nor do commands wait, however many there are while one hangs. Who mutes himself is
// mute at once, and what does not come to its turn leaves no secret behind.
func TestCommandsNeverWait(t *testing.T) {
	r := newRig(t, makeProfile(t))
	f := r.home()
	r.Choose(func(s *profile.Settings) { s.PushToTalk = true })
	r.until("muted", f.Muted)
	r.until("known", func() bool { return r.View(time.Now()).Settings.PushToTalk })
	hangs := make(chan struct{})
	r.hang(hangs)
	done := make(chan struct{})
	go func() {
		defer close(done)
		for range 1000 {
			r.Hangup()
			r.View(time.Now())
		}
	}()
	stuck := time.NewTimer(10 * time.Second)
	defer stuck.Stop()
	select {
	case <-done:
	case <-stuck.C:
		t.Error("a command waits for the one before")
	}
	if r.Talk(true); f.Muted() {
		t.Error("who holds the key is not heard")
	}
	if r.Talk(false); !f.Muted() {
		t.Error("who has let the key go is heard")
	}
	secret := []byte("correct horse")
	if r.Protect(secret); !bytes.Equal(secret, make([]byte, len(secret))) {
		t.Error("the passphrase of a command that is not done is still in memory")
	}
	backup := new(file)
	if r.BackUp(backup, []byte("x")); !backup.closed {
		t.Error("the file of a backup that is not made stays open")
	}
	if v := r.View(time.Now()); v.Page != model.Home || v.Notice.Key() != "error.backup" {
		t.Errorf("it shows %+v", v)
	}
	close(hangs)
}

// A page that is at work does not stay so if the work is never begun.
func TestWorkThatIsNotBegunIsOver(t *testing.T) {
	r := newRig(t, makeProfile(t))
	hangs := make(chan struct{})
	defer close(hangs)
	r.hang(hangs)
	for range 1000 {
		r.do(func() {})
	}
	secret := []byte("correct horse")
	r.Unlock(secret)
	if v := r.View(time.Now()); v.Busy || v.Problem.Key() != "error.other" || secret[0] != 0 {
		t.Errorf("it shows %+v, and the passphrase is %q", v, secret)
	}
}

// hang has the command that is done now last until hangs is closed.
func (r *rig) hang(hangs <-chan struct{}) {
	begun := make(chan struct{})
	r.do(func() { close(begun); <-hangs })
	<-begun
}
