package cli

import (
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"undertone/app/internal/audio"
	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/transport/signal"
	"undertone/transport/uri"
)

// accepts is a server that takes the invite: the phone clears it.
func accepts(ctx context.Context, f *fakePhone) error {
	err := f.cfg.Profile.Update(func(c *profile.Content) error {
		c.Account.Token = uri.Token{}
		return nil
	})
	f.say(phone.Event{Kind: phone.Online})
	<-ctx.Done()
	return errors.Join(err, f.cfg.Profile.Save())
}

// reaching is a script whose phone first opens a connection to somebody.
func reaching(t *testing.T, script func(context.Context, *fakePhone) error) func(context.Context, *fakePhone) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return func(ctx context.Context, f *fakePhone) error {
		conn, err := f.cfg.Connect(ctx, "tcp", l.Addr().String())
		if err != nil {
			t.Error(err)
			return err
		}
		conn.Close()
		return script(ctx, f)
	}
}

func refuses(why error) func(context.Context, *fakePhone) error {
	return func(context.Context, *fakePhone) error { return why }
}

// fails is a server that could not be asked, or whose answer got lost.
func fails(why error) func(context.Context, *fakePhone) error {
	return func(ctx context.Context, f *fakePhone) error {
		f.say(phone.Event{Kind: phone.Offline, Err: why})
		return until(ctx)
	}
}

func TestJoin(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	p := newConsole(t)
	f := newFakePhone(reaching(t, accepts))
	p.use(f)
	p.run(exitDone, "join", testInvite(7).String(), "--name", "Anna", "--profile", dir)
	says(t, p.out.String(), "Welcome, Anna", "undertone id", "undertone idle")
	leaves(t, f)
	if f.cfg.Sound != (audio.Silence{}) {
		t.Errorf("its sound is %T", f.cfg.Sound)
	}
	c := content(t, dir)
	if c.Name != "Anna" || c.Account.Server != testServer || !c.Account.Token.IsZero() || c.Intro() == nil {
		t.Errorf("the profile is of %q at %v", c.Name, c.Account.Server)
	}

	p.run(exitFailed, "join", testInvite(8).String(), "--name", "Anna", "--profile", dir)
	says(t, p.err.String(), "a user of mix.example:7443 already", "undertone idle")
	p.run(exitFailed, "join", testInvite(8).String(), "--name", "Carl", "--profile", dir)
	says(t, p.err.String(), "already, of Anna", "--profile DIR")
	p.run(exitFailed, "join", "--profile", dir)
	says(t, p.err.String(), "already")
	other := testInvite(8)
	other.Host, other.Pin = "other.example:1", uri.Pin{2}
	p.run(exitFailed, "join", other.String(), "--profile", dir)
	says(t, p.err.String(), "for another server use --profile DIR")
}

// Whatever the server cannot have accepted leaves nothing behind.
func TestJoinLeavesNothing(t *testing.T) {
	for name, c := range map[string]struct {
		script func(context.Context, *fakePhone) error
		words  string
	}{
		"not reached":   {fails(signal.ErrUnreachable), ""},
		"refused":       {reaching(t, refuses(signal.ErrInviteUsed)), "used before"},
		"wrong server":  {reaching(t, refuses(signal.ErrPin)), ""},
		"not undertone": {reaching(t, refuses(signal.ErrNotUndertone)), ""},
	} {
		for _, made := range []bool{false, true} {
			dir := filepath.Join(t.TempDir(), "p")
			if made {
				if err := os.Mkdir(dir, 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(filepath.Join(dir, "mine.txt"), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			p := newConsole(t)
			p.use(newFakePhone(c.script))
			p.run(exitFailed, "join", testInvite(7).String(), "--name", "Anna", "--profile", dir)
			says(t, p.err.String(), "undertone: ", c.words)
			left, err := filepath.Glob(filepath.Join(dir, "*"))
			if err != nil {
				t.Fatal(err)
			}
			if got := strings.Join(left, " "); made && filepath.Base(got) != "mine.txt" || !made && got != "" {
				t.Errorf("%s: it leaves %s", name, got)
			}
			if _, err := os.Stat(dir); made != (err == nil) {
				t.Errorf("%s: the folder: %v", name, err)
			}
		}
	}
}

// An invite that may have been accepted is kept, and «join» goes on with it.
func TestJoinResumes(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "p")
	p := newConsole(t)
	p.use(newFakePhone(reaching(t, fails(signal.ErrUnreachable))))
	p.run(exitFailed, "join", testInvite(7).String(), "--name", "Anna", "--profile", dir)
	says(t, p.err.String(), "Your profile is kept", "undertone join")
	before := content(t, dir)
	if before.Account.Token != testInvite(7).Token {
		t.Fatal("the invite is lost")
	}
	f := newFakePhone(accepts)
	p.use(f)
	p.run(exitDone, "join", "--profile", dir)
	after := content(t, dir)
	if !after.Account.Token.IsZero() || !after.Seed.Equal(&before.Seed) {
		t.Error("going on makes another identity")
	}
}

// A pending profile takes a new invite, and keeps the old one if the new one is
// refused.
func TestJoinWithNewInvite(t *testing.T) {
	dir := makeProfile(t, "Anna", func(c *profile.Content) { c.Account.Token = uri.Token{7} })
	p := newConsole(t)
	p.use(newFakePhone(reaching(t, refuses(signal.ErrInviteExpired))))
	p.run(exitFailed, "join", testInvite(8).String(), "--name", "Anna", "--profile", dir)
	says(t, p.err.String(), "expired")
	if c := content(t, dir); c.Account.Token != (uri.Token{7}) {
		t.Error("the old invite is lost")
	}
	var used uri.Token
	p.use(newFakePhone(func(ctx context.Context, f *fakePhone) error {
		used = f.cfg.Profile.Snapshot().Account.Token
		return accepts(ctx, f)
	}))
	p.run(exitDone, "join", testInvite(8).String(), "--profile", dir)
	if used != (uri.Token{8}) {
		t.Error("it used another invite")
	}
}

// A server that has forgotten its users, as after it was set up anew, lets them
// in again with their identities and contacts.
func TestJoinAgain(t *testing.T) {
	dir := dirWithBert(t)
	invite := testInvite(9)
	invite.Pin = uri.Pin{5}
	p := newConsole(t)
	p.use(newFakePhone(accepts))
	p.run(exitDone, "join", invite.String(), "--profile", dir)
	if c := content(t, dir); c.Account.Server.Pin != invite.Pin || len(c.Contacts) != 1 {
		t.Errorf("the profile is at %v", c.Account.Server)
	}
}

func TestJoinInterrupted(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "p")
	p := newConsole(t)
	ctx, cancel := context.WithCancel(t.Context())
	p.use(newFakePhone(func(ctx context.Context, _ *fakePhone) error {
		cancel()
		return until(ctx)
	}))
	if code := p.runContext(ctx, "join", testInvite(7).String(), "--name", "Anna", "--profile", dir); code != exitFailed {
		t.Errorf("exit code %d", code)
	}
	says(t, p.err.String(), "interrupted")
	if profile.Exists(dir) {
		t.Error("there is a profile although nobody was reached")
	}
}

func TestJoinBadLinks(t *testing.T) {
	for link, words := range map[string]string{
		"x":                             "not an invite",
		linkOf(t, dirWithBert(t)):       "contact link, not an invite",
		"undertone://h:1/?pin=x&mode=t": "damaged",
	} {
		dir := filepath.Join(t.TempDir(), "p")
		p := newConsole(t)
		p.run(exitFailed, "join", link, "--name", "Anna", "--profile", dir)
		says(t, p.err.String(), words)
		if profile.Exists(dir) {
			t.Errorf("%s made a profile", link)
		}
	}
	p := newConsole(t)
	p.run(exitUsage, "join", testInvite(7).String(), "--profile", t.TempDir())
	says(t, p.err.String(), "--name")
	p.run(exitUsage, "join", testInvite(7).String(), "--name", strings.Repeat("x", 33), "--profile", t.TempDir())
	says(t, p.err.String(), "longer than 32 bytes")
}
