package model

import (
	"errors"
	"strings"

	"undertone/app/internal/join"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/words"
	"undertone/mixclient"
	"undertone/mixclient/call"
	"undertone/mixclient/group"
	"undertone/transport/signal"
	"undertone/transport/uri"
)

// explained are the errors that there are better words for than their own, which speak
// of commands. The first that fits counts.
var explained = []struct {
	err  error
	text words.Message
}{
	{profile.ErrPassphrase, words.M("error.passphrase")},
	{profile.ErrPassphraseNeeded, words.M("error.locked")},
	{profile.ErrInUse, words.M("error.inuse")},
	{profile.ErrNewer, words.M("error.newer")},
	{profile.ErrDamaged, words.M("error.damaged")},
	{profile.ErrChanged, words.M("error.changed")},
	{profile.ErrExists, words.M("error.exists")},
	{profile.ErrNoContact, words.M("error.nocontact")},

	{phone.ErrNameTaken, words.M("error.nametaken")},
	{phone.ErrSelf, words.M("error.self")},

	{signal.ErrInviteUsed, words.M("error.invite.used")},
	{signal.ErrInviteExpired, words.M("error.invite.expired")},
	{signal.ErrInviteRevoked, words.M("error.invite.revoked")},
	{signal.ErrInviteUnknown, words.M("error.invite.unknown")},
	{signal.ErrUserUnknown, words.M("error.user.unknown")},
	{signal.ErrUserDisabled, words.M("error.user.disabled")},
	{signal.ErrSignature, words.M("error.signature")},
	{signal.ErrVersion, words.M("error.version")},
	{uri.ErrVersion, words.M("error.version")},
	{signal.ErrMode, words.M("error.mode")},
	{signal.ErrInterval, words.M("error.mode")},
	{signal.ErrServerFull, words.M("error.full")},
	{signal.ErrBusy, words.M("error.serverbusy")},
	{signal.ErrMalformed, words.M("error.version")},
	{signal.ErrInternal, words.M("error.internal")},
	{signal.ErrUnreachable, words.M("error.unreachable")},
	{signal.ErrPin, words.M("error.pin")},
	{signal.ErrClock, words.M("error.clock")},
	{mixclient.ErrClock, words.M("error.clock")},
	{signal.ErrNotUndertone, words.M("error.notundertone")},
	{join.ErrNoLine, words.M("error.noline")},
	{join.ErrInterrupted, words.M("error.interrupted")},

	{mixclient.ErrSilent, words.M("error.silent")},
	{mixclient.ErrOffline, words.M("error.offline")},
	{mixclient.ErrUnsafe, words.M("error.unsafe")},
	{mixclient.ErrBlocked, words.M("error.blocked")},
	{mixclient.ErrNoContact, words.M("error.nocontact")},
	{mixclient.ErrStopped, words.M("error.stopped")},
	{call.ErrBusy, words.M("error.busy")},
	{call.ErrNoCall, words.M("error.nocall")},
	{group.ErrNoGroups, words.M("error.nogroups")},
	{group.ErrFull, words.M("error.groupfull")},
	{group.ErrThere, words.M("error.there")},
	{group.ErrNotHost, words.M("error.nothost")},
}

// Explain says what happened and what to do about it. What nobody thought of is said
// in the error's own words.
func Explain(err error) words.Message {
	if err == nil {
		return words.Message{}
	}
	for _, e := range explained {
		if errors.Is(err, e.err) {
			return e.text
		}
	}
	return words.M("error.other", "why", strings.TrimPrefix(err.Error(), "rtc: "))
}

// Invite reads what somebody has pasted or dropped as an invite. Whitespace that mail
// programs put into links does not matter.
func Invite(text string) (uri.Invite, words.Message) {
	text = tidy(text)
	invite, err := uri.ParseInvite(text)
	switch {
	case err == nil:
		return invite, words.Message{}
	case text == "":
		return invite, words.M("invite.empty")
	case errors.Is(err, uri.ErrVersion):
		return invite, words.M("error.version")
	case isContact(text):
		return invite, words.M("invite.contact")
	case !strings.HasPrefix(text, "undertone://"):
		return invite, words.M("invite.none")
	case !strings.Contains(text, "#"):
		return invite, words.M("invite.cut")
	}
	return invite, words.M("invite.damaged")
}

// Link reads what somebody has pasted as a contact link, and returns the name in it.
func Link(text string) (link, name string, problem words.Message) {
	text = tidy(text)
	c, err := uri.ParseContact(text)
	switch {
	case err == nil:
		name = c.Name
		c.Intro.Wipe()
		return text, name, words.Message{}
	case text == "":
		return "", "", words.M("contact.empty")
	case errors.Is(err, uri.ErrVersion):
		return "", "", words.M("error.version")
	case isInvite(text):
		return "", "", words.M("contact.invite")
	case !strings.HasPrefix(text, "undertone://"):
		return "", "", words.M("contact.none")
	case !strings.Contains(text, "#"):
		return "", "", words.M("contact.cut")
	}
	return "", "", words.M("contact.damaged")
}

// Name says why a name cannot be one, or nothing.
func Name(name string) words.Message {
	switch {
	case uri.CheckName(name) == nil:
		return words.Message{}
	case strings.TrimSpace(name) == "":
		return words.M("name.empty")
	case len(name) > uri.MaxName:
		return words.M("name.long")
	}
	return words.M("name.bad")
}

// tidy takes out of a pasted link what is not of it.
func tidy(text string) string {
	text = strings.Join(strings.Fields(text), "")
	return strings.Trim(text, "<>\"'`„“”‚‘’«»")
}

func isContact(text string) bool {
	c, err := uri.ParseContact(text)
	if err == nil {
		c.Intro.Wipe()
	}
	return err == nil
}

func isInvite(text string) bool {
	_, err := uri.ParseInvite(text)
	return err == nil
}
