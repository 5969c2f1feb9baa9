package cli

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"undertone/app/internal/join"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/mixclient"
	"undertone/mixclient/call"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/uri"
)

// A fakePhone is a phone without a server: its script is what Run does.
type fakePhone struct {
	cfg    phone.Config
	script func(ctx context.Context, f *fakePhone) error
	events chan phone.Event
	refuse error // what Call returns

	mu    sync.Mutex
	told  []string // the commands it was given
	state phone.State
	muted bool
	deaf  bool
}

func newFakePhone(script func(ctx context.Context, f *fakePhone) error) *fakePhone {
	return &fakePhone{script: script, events: make(chan phone.Event, 64)}
}

func (f *fakePhone) Run(ctx context.Context) error {
	defer close(f.events)
	return f.script(ctx, f)
}

// say hands out an event.
func (f *fakePhone) say(e phone.Event) {
	e.At = time.Now()
	f.events <- e
}

func (f *fakePhone) tell(s string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, s)
}

// heard reports whether it was given a command.
func (f *fakePhone) heard(s string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Contains(f.told, s)
}

func (f *fakePhone) commands() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.told, ", ")
}

func (f *fakePhone) Events() <-chan phone.Event { return f.events }

func (f *fakePhone) State() phone.State {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.state
}

func (f *fakePhone) Call(names ...string) error {
	f.tell("call " + strings.Join(names, " and "))
	return f.refuse
}

func (f *fakePhone) Add(name string) error {
	f.tell("add " + name)
	return f.refuse
}

func (f *fakePhone) Answer() error {
	f.tell("answer")
	return nil
}

func (f *fakePhone) Decline() error {
	f.tell("decline")
	return nil
}

func (f *fakePhone) Hangup() error {
	f.tell("hangup")
	return nil
}

func (f *fakePhone) Leave(context.Context)     { f.tell("leave") }
func (f *fakePhone) AwaitIdle(context.Context) { f.tell("await idle") }

func (f *fakePhone) Mute(on bool) {
	f.tell("mute")
	f.muted = on
}

func (f *fakePhone) Muted() bool { return f.muted }

func (f *fakePhone) Deafen(on bool) {
	f.tell("deafen")
	f.deaf = on
}

func (f *fakePhone) Deafened() bool { return f.deaf }

// until waits until the context ends, as a phone does whose line works.
func until(ctx context.Context) error {
	<-ctx.Done()
	return nil
}

// A console is the program with a person in front of it.
type console struct {
	t        *testing.T
	app      *app
	out, err bytes.Buffer
}

func newConsole(t *testing.T) *console {
	c := &console{t: t}
	c.app = newApp(Streams{In: strings.NewReader(""), Out: &c.out, Err: &c.err}, "v1.2.3")
	c.app.getenv = func(string) string { return "" }
	c.app.newPhone = func(phone.Config) (phone.Handset, error) { return nil, errors.New("this test goes online") }
	return c
}

// use has the program use this phone.
func (c *console) use(f *fakePhone) {
	c.app.newPhone = func(cfg phone.Config) (phone.Handset, error) {
		f.cfg = cfg
		return f, nil
	}
}

func (c *console) runContext(ctx context.Context, args ...string) int {
	c.t.Helper()
	c.out.Reset()
	c.err.Reset()
	c.app.started = false
	return c.app.run(ctx, args)
}

// run runs a command, which must return this code.
func (c *console) run(code int, args ...string) {
	c.t.Helper()
	if got := c.runContext(c.t.Context(), args...); got != code {
		c.t.Fatalf("%v: exit code %d, want %d\n%s%s", args, got, code, &c.out, &c.err)
	}
}

// says checks that the output, or what went wrong, has all these words.
func says(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not in:\n%s", w, text)
		}
	}
}

var testServer = uri.Server{Host: "mix.example:7443", Pin: uri.Pin{1}, Mode: cell.TMIX, Interval: cell.Interval40}

func testInvite(b byte) *uri.Invite { return &uri.Invite{Server: testServer, Token: uri.Token{b}} }

// makeProfile makes the profile of a user whose invite was used, and returns its
// folder.
func makeProfile(t *testing.T, name string, change func(*profile.Content)) string {
	t.Helper()
	c, err := join.Content(testInvite(1), name)
	if err != nil {
		t.Fatal(err)
	}
	c.Account.Token = uri.Token{}
	if change != nil {
		change(c)
	}
	dir := t.TempDir()
	p, err := profile.Create(dir, c, profile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	p.Close()
	return dir
}

// content reads a profile.
func content(t *testing.T, dir string) *profile.Content {
	t.Helper()
	p, err := profile.Open(dir, profile.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	return p.Snapshot()
}

func linkOf(t *testing.T, dir string) string {
	t.Helper()
	l, err := contactLink(content(t, dir))
	if err != nil {
		t.Fatal(err)
	}
	return l.String()
}

// withContact adds a person to a content under a name.
func withContact(t *testing.T, name string) func(*profile.Content) {
	return func(c *profile.Content) {
		id, err := key.NewIdentity()
		if err != nil {
			t.Fatal(err)
		}
		if err := c.AddContact(profile.Contact{Name: name, Fingerprint: id.Fingerprint()}); err != nil {
			t.Fatal(err)
		}
	}
}

func talking(with string) phone.State {
	return phone.State{State: mixclient.State{Online: true, Call: call.Talking}, With: with}
}

// TestMain starts what handles signals: it belongs to no bubble.
func TestMain(m *testing.M) {
	keepGoing()()
	m.Run()
}
