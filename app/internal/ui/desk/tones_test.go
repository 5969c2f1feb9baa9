package desk

import (
	"slices"
	"testing"
	"time"

	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
	"undertone/mixclient/call"
)

func (r *room) calling() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.calls
}

func (r *room) knocks() (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, note := range r.notes {
		if note == "knock" {
			n++
		}
	}
	return n
}

// Who calls hears that it rings there, until it is answered.
func TestACallerHearsThatItRings(t *testing.T) {
	r := newRig(t, makeProfile(t))
	f := r.home()
	f.set(call.Dialing, "Ann")
	f.events <- phone.Event{Kind: phone.Paired, Name: "Ann", At: time.Now()} // Any event has it look.
	r.until("it rings there", r.room.calling)
	if r.room.ringing() {
		t.Error("it rings here, too")
	}
	f.set(call.Talking, "Ann")
	f.events <- phone.Event{Kind: phone.Connected, Name: "Ann", Outgoing: true, At: time.Now()}
	r.until("it is quiet", func() bool { return !r.room.calling() })
}

// Who calls during another call is heard softly, unless nobody is to be heard. Out of a
// call a missed one makes no sound when it is over.
func TestAKnockDuringACall(t *testing.T) {
	r := newRig(t, makeProfile(t))
	f := r.home()
	missed := func() {
		before := r.View(time.Now()).Missed
		f.events <- phone.Event{Kind: phone.Ended, Name: "Bob", Outcome: call.Missed, At: time.Now()}
		r.until("it was missed", func() bool { return r.View(time.Now()).Missed > before })
		f.heeded() // It may knock after it shows.
	}
	missed()
	f.set(call.Talking, "Ann")
	missed()
	r.until("a knock", func() bool { return r.room.knocks() == 1 })
	r.Choose(func(s *profile.Settings) { s.Answer = profile.AnswerNever })
	r.until("chosen", func() bool { return r.View(time.Now()).Settings.Answer == profile.AnswerNever })
	missed()
	r.Choose(func(s *profile.Settings) { s.Answer = profile.AnswerAsk })
	r.until("chosen", func() bool { return r.View(time.Now()).Settings.Answer == profile.AnswerAsk })
	missed()
	r.until("another knock", func() bool { return r.room.knocks() == 2 })
}

// What is wrong with a link is told to who has typed it.
func TestAddPersonSaysWhatIsWrong(t *testing.T) {
	r := newRig(t, makeProfile(t))
	f := r.home()
	for _, c := range []struct {
		link string
		want []string
	}{{"good", []string{""}}, {"taken", []string{"error.nametaken"}}} {
		told := make(chan words.Message, 1)
		r.AddPerson(c.link, "Zoe", func(problem words.Message) { told <- problem })
		if got := <-told; !slices.Contains(c.want, got.Key()) {
			t.Errorf("%s: told %q", c.link, got.Key())
		}
	}
	if !f.has("add person good as Zoe") {
		t.Errorf("the phone was told %q", f.told)
	}
	if v := r.View(time.Now()); v.Page != model.Home {
		t.Errorf("it shows %d", v.Page)
	}
}
