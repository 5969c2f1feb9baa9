package model

import (
	"slices"
	"time"

	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/app/internal/ui/words"
	"undertone/mixclient/call"
)

// newsFor is how long something that happened is shown.
const newsFor = 12 * time.Second

// A Model is the window's memory. It is for one goroutine at a time.
type Model struct {
	page    Page
	busy    bool
	problem words.Message

	offline  error // why, since the last line; nil while it was never lost
	was      bool  // there was a line
	notice   words.Message
	noticeAt time.Time
	alarm    words.Message
	found    [sounds][]words.Message // what was found out about the sound devices
	unsaved  words.Message           // why the profile cannot be written
	away     bool                    // the window is drawn by way of a network
	unseen   int

	call    running
	quality quality
}

// running is what events say of the call that there is.
type running struct {
	outgoing bool
	talking  time.Time // since when; zero before
}

// Go goes to a page, with what a person has to know there.
func (m *Model) Go(p Page, problem words.Message) { m.page, m.problem, m.busy = p, problem, false }

// Page returns the page.
func (m *Model) Page() Page { return m.page }

// Work says that a command takes its time. Done ends that.
func (m *Model) Work() { m.busy, m.problem = true, words.Message{} }

// Done says that a command is done, and what went wrong with it. If nothing did, what the
// page says is left alone: the command may have gone to one that says why.
func (m *Model) Done(problem words.Message) {
	if m.busy = false; !problem.IsZero() {
		m.problem = problem
	}
}

// Say shows news.
func (m *Model) Say(at time.Time, news words.Message) { m.notice, m.noticeAt = news, at }

// A Sound is what sound devices are for.
type Sound uint8

// What they are for.
const (
	Calls Sound = iota
	Bell
	sounds = 2
)

// Find takes in what is missing for a sound, and of what to beware with its devices.
func (m *Model) Find(s Sound, what []words.Message) { m.found[s] = what }

// Write says why the profile cannot be written, or that it can.
func (m *Model) Write(problem words.Message) { m.unsaved = problem }

// Elsewhere says whether the window is drawn by way of a network.
func (m *Model) Elsewhere(on bool) { m.away = on }

// Seen says that a person has looked at the history.
func (m *Model) Seen() { m.unseen = 0 }

// Hear takes in an event.
func (m *Model) Hear(e phone.Event) {
	switch e.Kind {
	case phone.Online:
		m.was, m.offline = true, nil
	case phone.Offline:
		if e.Err != nil {
			m.offline = e.Err
		}
	case phone.Rings, phone.Accepted:
		m.call = running{}
	case phone.Connected:
		if m.call.talking.IsZero() { // In a group it is said of each.
			m.call = running{outgoing: e.Outgoing, talking: e.At}
		}
	case phone.Ended:
		if e.Outcome == call.Missed || !e.Outgoing && e.Outcome == call.NoAnswer {
			m.unseen++
		}
	case phone.Alarmed:
		m.alarm = alarmed(e.Alarm)
	case phone.Paired, phone.PairFailed, phone.Came, phone.Left, phone.VoiceHeard:
	}
	if news := newsOf(e); !news.IsZero() {
		m.Say(e.At, news)
	}
}

// View returns what there is to show.
func (m *Model) View(in Input) View {
	v := View{Page: m.page, Busy: m.busy, Problem: m.problem}
	if m.page != Home {
		v.Settings = in.Settings
		return v
	}
	s := in.State
	if s.Call == call.Idle || s.Call == call.Leaving {
		m.call.talking, m.call.outgoing = time.Time{}, false
	}
	v.Line = m.line(&s)
	v.Call = m.calling(in)
	v.Promise = PromiseOf(in.Card.Server)
	v.Card, v.Settings, v.Missed = in.Card, in.Settings, m.unseen
	v.Beware = m.beware(&in)
	if !m.notice.IsZero() && in.At.Sub(m.noticeAt) < newsFor {
		v.Notice = m.notice
	}
	v.People = people(in.People, v.Call.May(Dial) || v.Call.May(Add), in.Others)
	v.Past = past(in.Calls)
	return v
}

func (m *Model) line(s *phone.State) Line {
	switch {
	case s.Online && s.OverTCP:
		return Line{On: true, Text: words.M("line.on"), Why: words.M("line.tcp")}
	case s.Online:
		return Line{On: true, Text: words.M("line.on")}
	case m.offline != nil && !m.was:
		return Line{Text: words.M("line.none"), Why: Explain(m.offline)}
	case m.offline != nil:
		return Line{Text: words.M("line.lost"), Why: Explain(m.offline)}
	}
	return Line{Text: words.M("line.going")}
}

// beware lists what a person has to know as long as it is so.
func (m *Model) beware(in *Input) (all []words.Message) {
	if !m.unsaved.IsZero() {
		all = append(all, m.unsaved)
	}
	if t := in.State.Trouble; t != nil {
		all = append(all, words.M("sound.trouble", "why", t.Error()))
	} else {
		all = append(all, m.found[Calls]...)
	}
	all = append(all, m.found[Bell]...)
	for _, c := range []error{in.State.Caution, in.Bell} {
		if c != nil {
			all = append(all, words.M("sound.caution", "why", c.Error()))
		}
	}
	if m.away {
		all = append(all, words.M("screen.elsewhere"))
	}
	if !m.alarm.IsZero() {
		all = append(all, m.alarm)
	}
	if in.Settings.Answer == profile.AnswerNever {
		all = append(all, words.M("dnd.on"))
	}
	return once(all)
}

// once leaves out what was said before: a headset is both microphone and bell.
func once(all []words.Message) []words.Message {
	kept := all[:0]
	for _, m := range all {
		if !slices.Contains(kept, m) {
			kept = append(kept, m)
		}
	}
	return kept
}

// people are the contacts as the list shows them. free says whether somebody can be
// called now; who is in the call cannot.
func people(all []phone.Person, free bool, others []string) []Person {
	list := make([]Person, 0, len(all))
	for _, p := range all {
		o := Person{Person: p, Callable: free && !p.Blocked && !slices.Contains(others, p.Name)}
		switch {
		case p.Changed:
			o.Note = words.M("person.changed")
		case p.Blocked:
			o.Note = words.M("person.blocked")
		case !p.Paired:
			o.Note = words.M("person.unpaired")
		case !p.Verified:
			o.Note = words.M("person.unverified")
		default:
			o.Note = words.M("person.verified")
		}
		list = append(list, o)
	}
	return list
}

// past is the history as the list shows it.
func past(all []phone.PastCall) []Past {
	list := make([]Past, 0, len(all))
	for _, c := range all {
		p := Past{With: words.M("history.name", "name", c.With), Name: c.With, When: c.Start, Out: c.Out, What: outcomeOf(c)}
		if c.With == "" {
			p.With, p.Unknown = words.M("history.unknown"), true
		}
		p.Missed = !c.Out && c.Outcome == profile.NoAnswer
		list = append(list, p)
	}
	return list
}

func outcomeOf(c phone.PastCall) words.Message {
	switch {
	case c.Outcome == profile.Answered && c.Out:
		return words.M("history.called", "time", Clock(c.Length))
	case c.Outcome == profile.Answered:
		return words.M("history.answered", "time", Clock(c.Length))
	case c.Outcome == profile.Declined && c.Out:
		return words.M("history.theydeclined")
	case c.Outcome == profile.Declined:
		return words.M("history.declined")
	case c.Out:
		return words.M("history.noanswer")
	}
	return words.M("history.missed")
}
