package desk

import (
	"errors"

	"undertone/app/internal/audio/enhance"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
	"undertone/mixclient/call"
)

// tell has the phone do something, shows what is wrong with it as news, and looks at
// the phone again.
func (d *Desk) tell(f func(Phone) error) {
	d.do(func() {
		set := d.phone()
		if set == nil {
			return
		}
		if err := f(set); err != nil {
			d.Say(model.Explain(err))
		}
		d.look(set)
	})
}

// Call calls contacts, or adds them to the call that there is. If the one who is
// called calls at the same moment, he is answered.
func (d *Desk) Call(names ...string) {
	d.tell(func(set Phone) error {
		s := set.State()
		if s.Call == call.Dialing || s.Call == call.Talking {
			for _, name := range names {
				if err := set.Add(name); err != nil {
					return err
				}
			}
			return nil
		}
		err := set.Call(names...)
		if now := set.State(); errors.Is(err, call.ErrBusy) && now.Call == call.Ringing && len(names) == 1 && now.With == names[0] {
			return set.Answer()
		}
		return err
	})
}

// Answer answers the call that rings.
func (d *Desk) Answer() { d.tell(Phone.Answer) }

// Decline declines it; the caller cannot tell.
func (d *Desk) Decline() { d.tell(Phone.Decline) }

// Hangup ends the call.
func (d *Desk) Hangup() { d.tell(Phone.Hangup) }

// ToggleMute switches the microphone of the call. It is done when it returns.
func (d *Desk) ToggleMute() {
	d.now(func(set Phone) { set.Mute(!set.Muted()) })
}

// Talk lets the microphone through as long as on, for who talks with a key held. It is
// done when it returns: who lets the key go is not to be heard.
func (d *Desk) Talk(on bool) {
	d.mu.Lock()
	holds := d.known.settings.PushToTalk
	d.mu.Unlock()
	if holds {
		d.now(func(set Phone) { set.Mute(!on) })
	}
}

// ToggleDeafen switches what is heard of the others. It is done when it returns.
func (d *Desk) ToggleDeafen() {
	d.now(func(set Phone) { set.Deafen(!set.Deafened()) })
}

// now does what waits for nobody.
func (d *Desk) now(f func(Phone)) {
	if set := d.phone(); set != nil {
		f(set)
		d.cfg.Changed()
	}
}

// AddPerson makes a contact of who gave this link, called name, or as he calls
// himself if name is "". What is wrong with it is told to then, on a goroutine of the
// desk; nothing if it was done. Who has typed it keeps it until then.
func (d *Desk) AddPerson(link, name string, then func(problem words.Message)) {
	d.tell(func(set Phone) error {
		name, err := set.AddPerson(link, name)
		if err == nil {
			d.Say(words.M("news.added", "name", name))
		}
		then(model.Explain(err))
		return nil
	})
}

// RemovePerson forgets a contact.
func (d *Desk) RemovePerson(name string) {
	d.tell(func(set Phone) error { return set.RemovePerson(name) })
}

// Block has a contact's calls not shown any more, or shown again.
func (d *Desk) Block(name string, on bool) {
	d.tell(func(set Phone) error { return set.Block(name, on) })
}

// Verify remembers whether the safety words are the same.
func (d *Desk) Verify(name string, same bool) {
	d.tell(func(set Phone) error { return set.Verify(name, same) })
}

// ClearHistory forgets all calls.
func (d *Desk) ClearHistory() {
	d.change((*model.Model).Seen)
	d.tell(Phone.ClearHistory)
}

// NewLink makes a new contact link; those given away introduce nobody any more.
func (d *Desk) NewLink() { d.tell(Phone.NewLink) }

// Protect changes the passphrase, and wipes it; an empty one removes it.
func (d *Desk) Protect(passphrase []byte) {
	d.doOr(func() {
		defer clear(passphrase)
		d.mu.Lock()
		l := d.line
		d.mu.Unlock()
		if l == nil {
			return
		}
		news := words.M("news.protected")
		if len(passphrase) == 0 {
			news = words.M("news.unprotected")
		}
		if err := l.profile.Protect(passphrase); err != nil {
			news = model.Explain(err)
		}
		d.Say(news)
	}, func() {
		clear(passphrase)
		d.Say(model.Explain(errBusy))
	})
}

// Choose changes settings, and has the devices follow.
func (d *Desk) Choose(change func(*profile.Settings)) {
	d.tell(func(set Phone) error {
		d.mu.Lock()
		l := d.line
		d.mu.Unlock()
		before := set.Settings()
		if err := set.Choose(change); err != nil {
			return err
		}
		now := d.lookAtSettings(set)
		if l == nil {
			return nil
		}
		return l.follow(before, now)
	})
}

func (d *Desk) lookAtSettings(set Phone) profile.Settings {
	d.looking.Lock()
	defer d.looking.Unlock()
	now := set.Settings()
	d.mu.Lock()
	defer d.mu.Unlock()
	d.known.settings = now
	return now
}

// follow has the devices be what the settings say.
func (l *line) follow(before, now profile.Settings) error {
	var err error
	if sounds(before) != sounds(now) {
		err = l.plug(now)
	}
	if before.RingDevice != now.RingDevice {
		err = errors.Join(err, l.hang(now.RingDevice))
	}
	l.desk.mu.Lock()
	bell := l.bell
	l.desk.mu.Unlock()
	bell.Softer(now.RingSofter)
	if before.PushToTalk != now.PushToTalk {
		l.phone.Mute(now.PushToTalk)
	}
	return err
}

// hang puts another bell into the place of the one that there is.
func (l *line) hang(device string) error {
	next, err := l.desk.cfg.OpenRinger(device)
	if err != nil {
		return err
	}
	l.desk.mu.Lock()
	old := next // Of a line that is over nobody would close it.
	if !l.over {
		old, l.bell = l.bell, next
	}
	l.desk.mu.Unlock()
	l.desk.lookFor(model.Bell, next)
	return old.Close()
}

// sounds are the settings that make another sound device necessary.
func sounds(s profile.Settings) profile.Settings {
	return profile.Settings{
		Microphone: s.Microphone, Speaker: s.Speaker, Latency: s.Latency,
		NoEcho: s.NoEcho, NoNoise: s.NoNoise, NoGain: s.NoGain,
	}
}

// plug opens the sound that the settings name, and closes the one before.
func (l *line) plug(s profile.Settings) error {
	next, err := l.desk.cfg.OpenSound(s)
	if err != nil {
		return err
	}
	l.desk.lookFor(model.Calls, next)
	return l.jack.Plug(next).Close()
}

// Enhancement is what is done to what the microphone hears.
func Enhancement(s profile.Settings) enhance.Settings {
	return enhance.Settings{Echo: !s.NoEcho, Noise: !s.NoNoise, Gain: !s.NoGain}
}
