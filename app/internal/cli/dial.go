package cli

import (
	"strings"
	"unicode/utf8"

	"undertone/mixclient/call"
)

// Keys that are no letters.
const (
	keyBackspace = '\b'
	keyDelete    = 0x7f
	keyEscape    = 0x1b
)

// maxTyped is the longest name that is taken in, in bytes: much longer than any
// contact's.
const maxTyped = 256

// A prompt takes in the name of somebody to call, while being online goes on.
// Whoever is online all day calls from there: to go online for a call shows.
type prompt struct {
	open bool
	name []byte
}

// dialing takes a key if a name is being typed, or begins to be. It reports
// whether it did.
func (s *session) dialing(b byte) bool {
	p := &s.prompt
	switch {
	case !p.open && (b == 'c' || b == 'C'):
		p.open, p.name = true, p.name[:0]
		s.report.show("Call whom? (Enter alone: nobody) ")
	case !p.open:
		return false
	case b == '\n' || b == '\r':
		p.open = false
		s.report.show("\n")
		s.dial(strings.TrimSpace(string(p.name)))
	case b == keyEscape:
		p.open = false
		s.report.show("\n")
	case b == keyBackspace || b == keyDelete:
		if _, size := utf8.DecodeLastRune(p.name); size > 0 {
			p.name = p.name[:len(p.name)-size]
			s.report.show("\b \b")
		}
	case len(p.name) < maxTyped && b >= ' ':
		p.name = append(p.name, b)
		s.report.show(string([]byte{b}))
	}
	return true
}

// take does what a line says that was typed where keys are not read singly. A
// line is one thing: the letters of a name must not count as keys.
func (s *session) take(line string) {
	line = strings.TrimSpace(line)
	name, calls := strings.CutPrefix(line, "c ")
	switch {
	case s.leaving || line == "" && !s.prompt.open:
	case s.prompt.open:
		s.prompt.open = false
		s.dial(line)
	case len(line) == 1:
		s.press(line[0])
	case calls:
		s.dial(strings.TrimSpace(name))
	default:
		s.report.keys()
	}
}

// dial calls somebody, or adds him to the call that there is.
func (s *session) dial(name string) {
	if name == "" {
		return
	}
	ring := func(name string) error { return s.set.Call(name) }
	if c := s.set.State().Call; c == call.Dialing || c == call.Talking {
		ring = s.set.Add
	}
	if err := ring(name); err != nil {
		s.report.note(err.Error())
		return
	}
	s.dialed(name)
}

// dialed reports that somebody is called.
func (s *session) dialed(name string) {
	o := s.contact(name)
	s.report.dialed(o.name, o.paired)
}
