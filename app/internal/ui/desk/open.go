package desk

import (
	"errors"
	"time"

	"undertone/app/internal/join"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/model"
	"undertone/app/internal/ui/words"
	"undertone/transport/uri"
)

// Open looks whether there is a profile, and goes online with it.
func (d *Desk) Open() {
	d.do(func() {
		given := d.cfg.Passphrase
		d.cfg.Passphrase = nil
		defer clear(given)
		d.open(given)
	})
}

// Unlock is Open with a passphrase, which it wipes.
func (d *Desk) Unlock(passphrase []byte) {
	d.slow(func() error {
		d.open(passphrase)
		return nil
	}, func() { clear(passphrase) })
}

// open opens the profile, or goes to the page that says why not. Who is impatient and asks
// twice has it open already.
func (d *Desk) open(passphrase []byte) {
	if d.phone() != nil {
		return
	}
	p, err := profile.Open(d.cfg.Dir, profile.Options{Passphrase: passphrase, Takeover: d.cfg.Takeover})
	clear(passphrase) // Before anybody sees what came of it.
	switch {
	case err == nil:
		d.start(p)
	case errors.Is(err, profile.ErrNone):
		d.turn(model.FirstRun, words.Message{})
	case errors.Is(err, profile.ErrPassphraseNeeded):
		d.turn(model.Locked, words.Message{})
	case errors.Is(err, profile.ErrPassphrase):
		d.turn(model.Locked, words.M("error.passphrase"))
	default:
		d.stuck(err)
	}
}

func (d *Desk) stuck(err error) { d.turn(model.Stuck, model.Explain(err)) }

// start goes online with an open profile.
func (d *Desk) start(p *profile.Profile) {
	l, err := d.newLine(p)
	if err != nil {
		p.Close()
		d.stuck(err)
		return
	}
	d.mu.Lock()
	d.line = l
	d.mu.Unlock()
	d.turn(model.Home, words.Message{})
	if notice := p.Notice(); notice != "" {
		d.Say(words.M("error.other", "why", notice))
	}
	go l.run()
	d.look(l.phone) // Not before: a phone that does not run has nobody who answers.
}

// A NewUser is what the first run asks for.
type NewUser struct {
	Invite uri.Invite
	Name   string
	// Microphone and Speaker are devices, "" for the system's choice.
	Microphone, Speaker string
	// Language is that of the window, "" for the system's.
	Language string
	// Passphrase may be empty. Join wipes it.
	Passphrase []byte
}

// Join makes a new user of a server, and goes online with him.
func (d *Desk) Join(u NewUser) {
	d.slow(func() error {
		err := d.join(&u)
		if err == nil || errors.Is(err, join.ErrKept) {
			d.open(u.Passphrase) // The invite may be used up; the line is tried again there.
			return nil
		}
		return err
	}, func() { clear(u.Passphrase) })
}

func (d *Desk) join(u *NewUser) error {
	content, err := join.Content(&u.Invite, u.Name)
	if err != nil {
		return err
	}
	defer content.Wipe()
	content.Settings.Microphone, content.Settings.Speaker, content.Settings.Language = u.Microphone, u.Speaker, u.Language
	maker := func(c phone.Config) (join.Phone, error) { return d.cfg.NewPhone(c) }
	return join.New(d.ctx, d.cfg.Dir, content, profile.Options{Passphrase: u.Passphrase}, maker)
}

// Say shows news.
func (d *Desk) Say(news words.Message) {
	d.change(func(m *model.Model) { m.Say(time.Now(), news) })
}
