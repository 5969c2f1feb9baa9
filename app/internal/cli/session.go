package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"time"

	"golang.org/x/sys/unix"

	"undertone/app/internal/audio"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
)

const (
	// leaveFor bounds how long hanging up, and taking leave of an sMIX, may hold up
	// the end of a command.
	leaveFor = 30 * time.Second
	// troubleEvery is how often the sound is asked whether it works, in a call
	// and out of it.
	troubleEvery = time.Second
)

// A session is a command's time online: one loop that takes events, keys and
// times until there is a reason to end, and then hangs up and ends the phone.
// Only the goroutine of run touches it.
type session struct {
	set    phone.Handset
	report *reporter

	// What makes a command of it; nil for nothing.
	on     func(phone.Event) // after the event was reported
	keys   <-chan byte
	lines  <-chan string // instead of keys, in a pipe
	prompt prompt
	played <-chan struct{} // the sound file is at its end
	ended  func()          // the sound file has ended

	missing <-chan error // says once what is missing for the sound
	bell    *bell        // rings; nil where nothing does

	// What the profile says about a contact.
	contact func(name string) contactInfo

	until   time.Time // zero: no end in sight
	timer   *time.Timer
	late    error // what to say when until comes
	leaving bool
	left    chan struct{} // closed when nothing is left to hang up
	err     error
}

func newSession(set phone.Handset, r *reporter) *session {
	s := &session{set: set, report: r, timer: time.NewTimer(time.Hour), left: make(chan struct{})}
	s.contact = func(name string) contactInfo { return contactInfo{name: name, paired: true} }
	s.timer.Stop()
	return s
}

// run goes online and returns when the phone has ended. The end of ctx is a
// reason to hang up and end.
func (s *session) run(ctx context.Context) error {
	defer s.timer.Stop()
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	result := make(chan error, 1)
	go func() { result <- s.set.Run(running) }()
	trouble := time.NewTicker(troubleEvery)
	defer trouble.Stop()
	interrupted, left := ctx.Done(), s.left
	for {
		select {
		case e, open := <-s.set.Events():
			if !open {
				return errors.Join(<-result, s.err)
			}
			s.hear(e)
		case b := <-s.keys:
			s.press(b)
		case line := <-s.lines:
			s.take(line)
		case <-s.played:
			s.played = nil
			s.ended()
		case err := <-s.missing:
			s.missing = nil
			s.report.missing(err)
		case <-s.timer.C:
			s.stop(s.late)
		case <-trouble.C:
			now := s.set.State()
			s.report.trouble(now.Trouble)
			s.report.beware(append(parts(now.Caution), parts(s.bell.caution())...))
		case <-interrupted:
			interrupted = nil
			s.stop(nil)
		case <-left:
			left = nil
			cancel()
		}
	}
}

func (s *session) hear(e phone.Event) {
	s.report.event(e)
	s.bell.hear(e)
	if s.on != nil && !s.leaving {
		s.on(e)
	}
}

// stop hangs up and ends the session, which then returns err.
func (s *session) stop(err error) {
	if s.leaving {
		return
	}
	s.leaving, s.err = true, err
	go func() {
		defer close(s.left)
		ctx, cancel := context.WithTimeout(context.Background(), leaveFor)
		defer cancel()
		s.set.Leave(ctx)
		s.set.AwaitIdle(ctx) // Of a call that was hung up just before.
	}()
}

// endIn ends the session after d, unless it ends before that anyway. It then
// returns err.
func (s *session) endIn(d time.Duration, err error) {
	at := time.Now().Add(d)
	if !s.until.IsZero() && s.until.Before(at) {
		return
	}
	s.until, s.late = at, err
	s.timer.Reset(d)
}

// goOn takes endIn back.
func (s *session) goOn() {
	s.until = time.Time{}
	s.timer.Stop()
}

// press does what a key stands for.
func (s *session) press(b byte) {
	if s.leaving || s.dialing(b) {
		return
	}
	var err error
	switch b {
	case 'a', 'A':
		err = s.set.Answer()
	case 'd', 'D':
		err = s.set.Decline()
	case 'h', 'H':
		err = s.set.Hangup()
	case 'm', 'M':
		s.set.Mute(!s.set.Muted())
		s.report.muted(s.set.Muted())
	case 'l', 'L':
		s.set.Deafen(!s.set.Deafened())
		s.report.deafened(s.set.Deafened())
	case 'q', 'Q':
		s.stop(nil)
	case 'v', 'V':
		s.showWords()
	case '\n', '\r', ' ', '\t':
	default:
		s.report.keys()
	}
	if err != nil {
		s.report.note(err.Error())
	}
}

// A contactInfo is what a session tells about a contact.
type contactInfo struct {
	name   string // as it is written in the profile
	paired bool
	words  string // the safety words, "" for nobody
}

func infoOf(p *profile.Profile, name string) contactInfo {
	c := p.Snapshot()
	defer c.Wipe()
	o, err := c.Contact(name)
	if err != nil {
		return contactInfo{name: name}
	}
	info := contactInfo{name: o.Name, paired: len(o.State) > 0}
	if words, err := wordsWith(c, o); err == nil {
		info.words = words.String()
	}
	return info
}

// showWords shows the safety words of the other side: a call is where people
// who know each other's voices compare them.
func (s *session) showWords() {
	with := s.set.State().With
	if with == "" {
		s.report.note("v shows the safety words in a call, and there is no call")
		return
	}
	s.report.words(s.contact(with))
}

// A connection says how a command is online.
type connection struct {
	answer profile.AnswerMode
	asJSON bool
	typing bool // keys are read
}

// online runs a session over an open profile and sound. prepare is called before
// it begins.
func (a *app) online(ctx context.Context, p *profile.Profile, sound audio.Device, c connection, prepare func(*session)) error {
	set, err := a.newPhone(phone.Config{
		Profile: p,
		Sound:   audio.NewJack(sound),
		Answer:  c.answer,
		Problem: func(err error) {
			if err != nil {
				fmt.Fprintln(a.Err, "undertone: the profile cannot be written:", err)
			}
		},
	})
	if err != nil {
		return err
	}
	defer keepGoing()()
	s := newSession(set, newReporter(a.Streams, c.asJSON, c.answer))
	s.contact = func(name string) contactInfo { return infoOf(p, name) }
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	if c.typing {
		single, restore := singleKeys(a.In)
		defer restore()
		if _, isTerminal := terminal(a.In); single {
			s.keys = readKeys(ctx, a.In)
		} else if !isTerminal {
			s.lines = readLines(ctx, a.In)
		}
		s.report.typing = single
	}
	prepare(s)
	err = s.run(ctx)
	s.report.summary(set.State())
	return err
}

// keepGoing makes the program ignore what would stop or end it because of what
// it prints or reads: a process that is stopped sends no cells, and one that a
// closed pipe ends when it rings shows that it rang.
func keepGoing() (restore func()) {
	signals := []os.Signal{unix.SIGTSTP, unix.SIGTTIN, unix.SIGTTOU, unix.SIGPIPE}
	signal.Ignore(signals...)
	return func() { signal.Reset(signals...) }
}

// openOnline opens the profile of a command that goes online.
func (a *app) openOnline(ctx context.Context) (*profile.Profile, profile.Settings, error) {
	p, err := a.open(ctx)
	if err != nil {
		return nil, profile.Settings{}, err
	}
	c := p.Snapshot()
	defer c.Wipe()
	return p, c.Settings, nil
}
