package cli

import (
	"fmt"
	"strings"
	"time"

	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/mixclient/call"
)

// A reporter tells a person, or a program, what happens while online.
type reporter struct {
	Streams
	asJSON bool
	typing bool // single keys are read, so it is worth naming them
	bell   bool // it may ring
	never  bool // calls do not ring

	total    total
	problem  string  // the sound's, as last reported
	cautions []error // of sound devices, as last known
	offline  string  // why, as last reported; "" once online
	unpaired string  // who was called without keys
}

// A total is what all calls of a session come to.
type total struct {
	calls, answered int
	talked          time.Duration
}

func newReporter(s Streams, asJSON bool, answer profile.AnswerMode) *reporter {
	_, isTerminal := terminal(s.Out)
	return &reporter{Streams: s, asJSON: asJSON, bell: isTerminal && !asJSON, never: answer == profile.AnswerNever}
}

var eventNames = map[phone.EventKind]string{
	phone.Online: "online", phone.Offline: "offline", phone.Paired: "paired", phone.PairFailed: "pair_failed",
	phone.Rings: "rings", phone.Accepted: "accepted", phone.Connected: "connected", phone.VoiceHeard: "voice_heard",
	phone.Ended: "ended", phone.Came: "came", phone.Left: "left", phone.Alarmed: "warning",
}

var outcomeNames = map[call.Outcome]string{
	call.HungUp: "hung_up", call.PeerHungUp: "peer_hung_up", call.NoAnswer: "no_answer", call.Missed: "missed",
	call.Rejected: "declined", call.Lost: "lost", call.ToldBusy: "told_busy", call.ToldDeclined: "told_declined",
}

// An eventLine is an event as --json prints it.
type eventLine struct {
	Event    string    `json:"event"`
	At       time.Time `json:"at"`
	Name     string    `json:"name,omitempty"`
	Outgoing bool      `json:"outgoing,omitempty"`
	New      bool      `json:"new,omitempty"`
	Outcome  string    `json:"outcome,omitempty"`
	TalkedS  float64   `json:"talked_s,omitempty"`
	Error    string    `json:"error,omitempty"`
	OverTCP  bool      `json:"over_tcp,omitempty"`
}

// event reports an event.
func (r *reporter) event(e phone.Event) {
	if e.Kind == phone.Ended {
		r.total.calls++
		r.total.talked += e.Talked
		if e.Talked > 0 {
			r.total.answered++
		}
	}
	if e.Kind == phone.Rings && r.never || e.Kind == phone.Offline && e.Err == nil {
		return // The second is the end of the session.
	}
	if r.asJSON {
		r.print(eventLine{
			Event: eventNames[e.Kind], At: e.At, Name: e.Name, Outgoing: e.Outgoing, New: e.New,
			Outcome: outcomeNames[e.Outcome], TalkedS: e.Talked.Seconds(), Error: text(e.Err), OverTCP: e.OverTCP,
		})
		return
	}
	words, toErr := inWords(e)
	words += r.addition(e)
	if words == "" || r.again(e, words) {
		return
	}
	w := r.Out
	if toErr {
		w = r.Err
	}
	fmt.Fprintln(w, words)
	if e.Kind == phone.Rings && e.Err == nil {
		r.rings()
	}
}

// again reports whether a person has been told that already: a line that is
// tried for hours fails for the same reason each time.
func (r *reporter) again(e phone.Event, words string) bool {
	switch e.Kind {
	case phone.Online:
		r.offline = ""
	case phone.Offline:
		was := r.offline
		r.offline = words
		return was == words
	}
	return false
}

// addition is what is to be said about calls before there are keys.
func (r *reporter) addition(e phone.Event) string {
	if r.unpaired == "" || e.Name != r.unpaired || e.Kind != phone.Paired && e.Kind != phone.Ended {
		return ""
	}
	r.unpaired = ""
	if e.Kind == phone.Ended && e.Outgoing && e.Outcome == call.NoAnswer {
		return fmt.Sprintf(" Keys were never exchanged: has %s been online, and added your link?", e.Name)
	}
	return ""
}

// rings makes itself heard, and says which keys there are.
func (r *reporter) rings() {
	if r.typing {
		fmt.Fprintln(r.Out, "  a answers, d declines")
	}
	if r.bell {
		fmt.Fprint(r.Out, "\a")
	}
}

// inWords says what happened, or nothing if a person need not know, and whether
// that is about something that went wrong.
func inWords(e phone.Event) (words string, wrong bool) {
	switch e.Kind {
	case phone.Online:
		if e.OverTCP {
			return "You are online, over TCP: this network lets no UDP through. Voices may break off now and then, and who watches the line sees that it is TCP.", false
		}
		return "You are online.", false
	case phone.Offline:
		if e.Err == nil {
			return "", false // The session ends.
		}
		return fmt.Sprintf("You are offline: %s Trying again.", sentence(reason(e.Err))), true
	case phone.Paired:
		if e.New {
			return fmt.Sprintf("%s has your contact link, and is a contact now.", e.Name), false
		}
		return fmt.Sprintf("Keys are exchanged with %s; you can call each other now.", e.Name), false
	case phone.PairFailed:
		return fmt.Sprintf("Exchanging keys with %s did not work: %v", e.Name, e.Err), true
	case phone.Rings:
		if e.Err != nil {
			return fmt.Sprintf("%s is calling, but could not be answered: %v", e.Name, e.Err), true
		}
		return fmt.Sprintf("%s is calling.", e.Name), false
	case phone.Accepted:
		return fmt.Sprintf("The call from %s is answered.", e.Name), false
	case phone.Connected:
		return fmt.Sprintf("You are talking with %s.", e.Name), false
	case phone.Ended:
		return ending(e), false
	case phone.Came:
		return fmt.Sprintf("%s is in the call.", e.Name), false
	case phone.Left:
		return fmt.Sprintf("%s has left the call.", e.Name), false
	case phone.Alarmed:
		return "Warning: " + sentence(e.Err.Error()), true
	case phone.VoiceHeard:
	}
	return "", false
}

// reason is why there is no line, without the name of the part that says so.
func reason(err error) string { return strings.TrimPrefix(err.Error(), "rtc: ") }

// sentence ends what may have an end already.
func sentence(s string) string {
	if strings.HasSuffix(s, "?") || strings.HasSuffix(s, ".") || strings.HasSuffix(s, "!") {
		return s
	}
	return s + "."
}

// ending says how a call ended.
func ending(e phone.Event) string {
	var how string
	switch e.Outcome {
	case call.HungUp:
		how = "You hung up."
		if e.Outgoing && e.Talked == 0 {
			how = fmt.Sprintf("You gave up calling %s.", e.Name)
		}
	case call.PeerHungUp:
		how = fmt.Sprintf("%s hung up.", e.Name)
	case call.NoAnswer:
		how = fmt.Sprintf("No answer from %s.", e.Name)
	case call.Missed:
		how = fmt.Sprintf("You missed a call from %s.", e.Name)
	case call.Rejected:
		how = fmt.Sprintf("You declined a call from %s, who cannot tell it from no answer.", e.Name)
	case call.Lost:
		how = fmt.Sprintf("The call with %s was cut off: nothing was heard for too long.", e.Name)
	case call.ToldBusy:
		how = fmt.Sprintf("%s is in another call.", e.Name)
	case call.ToldDeclined:
		how = fmt.Sprintf("%s declined.", e.Name)
	}
	if e.Talked > 0 {
		how += fmt.Sprintf(" You talked for %s.", e.Talked.Round(time.Second))
	}
	return how
}

// dialed reports that it rings at the other side, or does once there are keys.
func (r *reporter) dialed(name string, paired bool) {
	r.unpaired = ""
	switch {
	case r.asJSON:
		r.print(eventLine{Event: "dialed", At: time.Now(), Name: name, Outgoing: true})
	case paired:
		fmt.Fprintf(r.Out, "Calling %s.\n", name)
	default:
		r.unpaired = name
		fmt.Fprintf(r.Out, "Exchanging keys with %s first; that takes half a minute when both are online.\n", name)
	}
}

// words shows the safety words of a contact.
func (r *reporter) words(o contactInfo) {
	if r.asJSON {
		r.print(map[string]any{"event": "words", "at": time.Now(), "name": o.name, "words": strings.Fields(o.words)})
		return
	}
	fmt.Fprintf(r.Out, "The safety words of you and %s:\n\n    %s\n\nIf %s reads exactly the same, then when idle has ended: undertone contacts verify %s --yes\n",
		o.name, strings.ReplaceAll(o.words, "\n", "\n    "), o.name, quoted(o.name))
}

// muted reports that the microphone was switched.
func (r *reporter) muted(on bool) {
	switch {
	case r.asJSON:
		r.print(map[string]any{"event": "muted", "at": time.Now(), "on": on})
	case on:
		fmt.Fprintln(r.Out, "Muted: the others do not hear you.")
	default:
		fmt.Fprintln(r.Out, "No longer muted.")
	}
}

// deafened reports that the other side was switched off, or on again.
func (r *reporter) deafened(on bool) {
	switch {
	case r.asJSON:
		r.print(map[string]any{"event": "deafened", "at": time.Now(), "on": on})
	case on:
		fmt.Fprintln(r.Out, "You hear nothing of the others now; they still hear you.")
	default:
		fmt.Fprintln(r.Out, "You hear the others again.")
	}
}

// keys lists the keys.
func (r *reporter) keys() {
	r.note("Keys: c call, a answer, d decline, h hang up, m mute, l listen or not, v safety words, q quit")
}

// note tells a person something that no program needs.
func (r *reporter) note(s string) { fmt.Fprintln(r.Err, s) }

// show puts what is typed on the terminal, which does not do so by itself while
// it hands over single keys.
func (r *reporter) show(s string) {
	if r.typing {
		fmt.Fprint(r.Err, s)
	}
}

// A summaryLine is the last line of --json.
type summaryLine struct {
	Event          string    `json:"event"`
	At             time.Time `json:"at"`
	Calls          int       `json:"calls"`
	Answered       int       `json:"answered"`
	TalkedS        float64   `json:"talked_s"`
	CellsSent      uint64    `json:"cells_sent"`
	CellsSkipped   uint64    `json:"cells_skipped"`
	CellsReceived  uint64    `json:"cells_received"`
	CellsLost      uint64    `json:"cells_lost"`
	VoiceHeard     uint64    `json:"voice_heard"`
	VoiceConcealed uint64    `json:"voice_concealed"`
	SoundFaults    uint64    `json:"sound_faults"`
}

// summary reports the figures of the whole session.
func (r *reporter) summary(s phone.State) {
	c := s.Counts
	if r.asJSON {
		r.print(summaryLine{
			Event: "summary", At: time.Now(),
			Calls: r.total.calls, Answered: r.total.answered, TalkedS: r.total.talked.Seconds(),
			CellsSent: c.Pacer.Sent, CellsSkipped: c.Pacer.Skipped, CellsReceived: c.Received, CellsLost: c.Lost,
			VoiceHeard: s.Played.Heard, VoiceConcealed: s.Played.Concealed, SoundFaults: s.SoundFaults,
		})
		return
	}
	if c.Pacer.Sent > 0 {
		fmt.Fprintf(r.Out, "Cells: %d sent, %d skipped, %d received, %d lost. Voice: %d heard, %d concealed.\n",
			c.Pacer.Sent, c.Pacer.Skipped, c.Received, c.Lost, s.Played.Heard, s.Played.Concealed)
	}
	if s.SoundFaults > 0 {
		fmt.Fprintf(r.Out, "The sound broke off here %s: this machine or its sound device was too busy. A larger --latency helps, for good with «undertone settings set latency».\n", times(s.SoundFaults))
	}
}

func times(n uint64) string {
	if n == 1 {
		return "once"
	}
	return fmt.Sprintf("%d times", n)
}

// print prints a line of JSON. That nobody reads it any more is no reason to go
// offline.
func (r *reporter) print(v any) { _ = writeJSON(r.Out, v) }

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
