package profile

import (
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"undertone/transport/key"
	"undertone/transport/uri"
)

// Validate says what no content may be, whether it came from the disk or from
// this program.
func (c *Content) Validate() error {
	if c.Seed.IsZero() {
		return errors.New("the profile has no identity")
	}
	if err := uri.CheckName(c.Name); err != nil {
		return err
	}
	if err := validServer(&c.Account.Server); err != nil {
		return fmt.Errorf("the profile's server: %w", err)
	}
	for _, part := range []func() error{c.validateIntros, c.validateContacts, c.validateCalls, c.Settings.validate} {
		if err := part(); err != nil {
			return err
		}
	}
	return nil
}

func (c *Content) validateIntros() error {
	if len(c.Intros) > MaxIntros {
		return fmt.Errorf("more than %d introduction secrets", MaxIntros)
	}
	last := uint32(0)
	for i := range c.Intros {
		intro := &c.Intros[i]
		if intro.ID <= last {
			return fmt.Errorf("introduction secret %d is out of order", intro.ID)
		}
		if intro.Secret.IsZero() {
			return fmt.Errorf("introduction secret %d is empty", intro.ID)
		}
		last = intro.ID
	}
	return nil
}

func (c *Content) validateContacts() error {
	if len(c.Contacts) > MaxContacts {
		return fmt.Errorf("more than %d contacts: remove some first", MaxContacts)
	}
	names := make(map[string]bool, len(c.Contacts))
	handles := make(map[key.Handle]bool, len(c.Contacts))
	for i := range c.Contacts {
		o := &c.Contacts[i]
		if err := uri.CheckName(o.Name); err != nil {
			return fmt.Errorf("a contact: %w", err)
		}
		name := strings.ToLower(o.Name)
		switch {
		case names[name]:
			return fmt.Errorf("two contacts are called %q", o.Name)
		case o.Handle().IsZero():
			return fmt.Errorf("contact %q has no identity", o.Name)
		case handles[o.Handle()]:
			return fmt.Errorf("contact %q is there twice", o.Name)
		case len(o.State) > MaxState:
			return fmt.Errorf("contact %q has a state of %d bytes; at most %d fit", o.Name, len(o.State), MaxState)
		}
		names[name], handles[o.Handle()] = true, true
	}
	return nil
}

func (c *Content) validateCalls() error {
	if len(c.Calls) > MaxCalls {
		return fmt.Errorf("more than %d calls in the history", MaxCalls)
	}
	for i := range c.Calls {
		if !c.Calls[i].valid() {
			return fmt.Errorf("call %d of the history is no call", i+1)
		}
	}
	return nil
}

func (l *Call) valid() bool {
	return !l.With.IsZero() &&
		(l.Direction == Outgoing || l.Direction == Incoming) &&
		l.Outcome >= Answered && l.Outcome <= Declined &&
		l.Start.Equal(l.Start.Truncate(time.Minute)) && l.Start.Unix() >= 0 && l.Start.Unix() <= maxStart &&
		l.Length >= 0 && l.Length <= maxLength && l.Length%time.Second == 0
}

func (s *Settings) validate() error {
	if s.Answer > AnswerNever {
		return errors.New("the setting for answering does not exist")
	}
	for _, device := range []string{s.Microphone, s.Speaker, s.RingDevice} {
		if len(device) > maxDevice || !utf8.ValidString(device) {
			return errors.New("the name of a sound device cannot be stored")
		}
	}
	if s.Latency < 0 || s.Latency > maxLatency {
		return fmt.Errorf("the setting for latency is not between 0 and %v", maxLatency)
	}
	if s.RingSofter < 0 || s.RingSofter > maxSofter {
		return fmt.Errorf("the setting for the ring is not between 0 and %d percent", maxSofter)
	}
	if len(s.Language) > maxLanguage || !utf8.ValidString(s.Language) {
		return errors.New("the setting for the language is none")
	}
	if s.Theme > ThemeDark {
		return errors.New("the setting for light and dark does not exist")
	}
	return nil
}
