package model

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/words"
	"undertone/mixclient/call"
	"undertone/transport/cell"
)

// A Command is something that a person may do, as a bit of a set.
type Command uint16

// The commands of calls.
const (
	Dial Command = 1 << iota
	Add
	Answer
	Decline
	Hangup
	Mute
	Deafen
)

// A Stage is where the call stands, as a person sees it.
type Stage uint8

// The stages.
const (
	// NoCall: there is none, or none that is to be shown.
	NoCall Stage = iota
	// RingsThere: the user calls.
	RingsThere
	// RingsHere: somebody calls.
	RingsHere
	// Joining: it was answered here, and the first word is on its way.
	Joining
	// Talking: the two hear each other.
	Talking
)

// A Call is the call that there is.
type Call struct {
	Stage Stage
	// With are the names of the others; Title says how it stands.
	With  []string
	Title words.Message
	// Lasts is for how long they talk, as a clock shows it.
	Lasts string
	// Allowed are the commands that make sense now.
	Allowed Command
	// Mic and Speaker are how loud it is, the RMS of the last slot.
	Mic, Speaker float32
	Muted, Deaf  bool
	// Quality says in words how it sounds, Numbers the same for who wants to know.
	Quality words.Message
	Numbers words.Message
	// Words are the safety words with the other side, "" in a group.
	Words    string
	Verified bool
}

// May reports whether a command makes sense now.
func (c *Call) May(what Command) bool { return c.Allowed&what != 0 }

// Allowed are the commands that make sense in a state of the call. Group says whether
// the mode has calls of several; who is not the host of a call cannot add anybody.
func Allowed(s call.State, online, group, host bool) Command {
	switch s {
	case call.Idle, call.Leaving:
		if online {
			return Dial
		}
		return 0
	case call.Dialing:
		return with(Hangup|Mute|Deafen, Add, group && online)
	case call.Ringing:
		return Answer | Decline
	case call.Answering:
		return Hangup | Mute | Deafen
	case call.Talking:
		return with(Hangup|Mute|Deafen, Add, group && host && online)
	}
	return 0
}

func with(c, more Command, on bool) Command {
	if on {
		return c | more
	}
	return c
}

// calling is the call as the window shows it.
func (m *Model) calling(in Input) Call {
	s := in.State
	group := in.Card.Server.Mode != cell.TMIX
	c := Call{
		Allowed: Allowed(s.Call, s.Online, group, m.call.outgoing),
		Mic:     in.Mic, Speaker: in.Speaker, Muted: s.Muted, Deaf: in.Deaf,
		With: in.Others,
	}
	if len(c.With) == 0 && s.With != "" {
		c.With = []string{s.With}
	}
	names := nameList(c.With)
	switch s.Call {
	case call.Idle, call.Leaving:
		c.With = nil
	case call.Dialing:
		c.Stage, c.Title = RingsThere, words.M("call.dialing", "names", names)
		if unpaired(in.People, c.With) {
			c.Title = words.M("call.pairing", "names", names)
		}
	case call.Ringing:
		if !mayRing(in.Settings, in.People, s.With) {
			return Call{} // It is in the history when it is over.
		}
		c.Stage, c.Title = RingsHere, words.M("call.rings", "names", names)
	case call.Answering:
		c.Stage, c.Title = Joining, words.M("call.joining", "names", names)
	case call.Talking:
		c.Stage, c.Title = Talking, words.M("call.talking", "names", names)
		if !m.call.talking.IsZero() {
			c.Lasts = Clock(in.At.Sub(m.call.talking))
		}
	}
	c.Quality, c.Numbers = m.quality.take(in.At, s, c.Stage == Talking)
	if len(c.With) == 1 {
		c.Words, c.Verified = wordsOf(in.People, c.With[0])
	}
	return c
}

func nameList(names []string) words.Message {
	switch len(names) {
	case 0:
		return words.M("names.nobody")
	case 1:
		return words.M("names.one", "name", names[0])
	}
	last := len(names) - 1
	return words.M("names.several", "names", strings.Join(names[:last], ", "), "last", names[last])
}

func unpaired(all []phone.Person, names []string) bool {
	return slices.ContainsFunc(all, func(p phone.Person) bool { return !p.Paired && slices.Contains(names, p.Name) })
}

// mayRing reports whether the calls of a contact are to be heard and shown.
func mayRing(s profile.Settings, all []phone.Person, name string) bool {
	_, verified := wordsOf(all, name)
	return s.Answer != profile.AnswerNever && (verified || !s.OnlyVerified)
}

// MayRing reports whether the calls of a contact are to be heard and shown.
func (v *View) MayRing(name string) bool {
	var all []phone.Person
	for i := range v.People {
		all = append(all, v.People[i].Person)
	}
	return mayRing(v.Settings, all, name)
}

func wordsOf(all []phone.Person, name string) (string, bool) {
	for i := range all {
		if all[i].Name == name {
			return all[i].Words.String(), all[i].Verified
		}
	}
	return "", false
}

// Clock prints a duration as a clock does: 0:07, 12:30, 1:02:03.
func Clock(d time.Duration) string {
	s := int(max(d, 0) / time.Second)
	if s >= 3600 {
		return fmt.Sprintf("%d:%02d:%02d", s/3600, s/60%60, s%60)
	}
	return fmt.Sprintf("%d:%02d", s/60, s%60)
}
