package join

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"undertone/app/internal/phone"
	"undertone/app/internal/profile"
	"undertone/transport/cell"
	"undertone/transport/signal"
	"undertone/transport/uri"
)

// A fake goes online as its script says.
type fake struct {
	events chan phone.Event
	script func(ctx context.Context, say func(phone.Event)) error
	left   bool
}

func newFake(script func(ctx context.Context, say func(phone.Event)) error) *fake {
	return &fake{events: make(chan phone.Event), script: script}
}

func (f *fake) Events() <-chan phone.Event { return f.events }
func (f *fake) Leave(context.Context)      { f.left = true }
func (f *fake) AwaitIdle(context.Context)  {}
func (f *fake) Run(ctx context.Context) error {
	defer close(f.events)
	return f.script(ctx, func(e phone.Event) { f.events <- e })
}

func silent(ctx context.Context, _ func(phone.Event)) error {
	<-ctx.Done()
	return nil
}

func TestOnce(t *testing.T) {
	refused := errors.New("no cell came")
	online := func(ctx context.Context, say func(phone.Event)) error {
		say(phone.Event{Kind: phone.Online})
		return silent(ctx, say)
	}
	offline := func(err error) func(context.Context, func(phone.Event)) error {
		return func(ctx context.Context, say func(phone.Event)) error {
			say(phone.Event{Kind: phone.Offline, Err: err})
			return silent(ctx, say)
		}
	}
	for _, c := range []struct {
		what   string
		script func(context.Context, func(phone.Event)) error
		want   error
		within time.Duration
	}{
		{"online", online, nil, 0},
		{"nobody there", offline(signal.ErrServerFull), signal.ErrServerFull, 0},
		{"a line that does not come", offline(refused), refused, lineFor},
		{"nothing at all", silent, ErrNoLine, lineFor},
		{"refused for good", func(context.Context, func(phone.Event)) error { return signal.ErrPin }, signal.ErrPin, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			f, began := newFake(c.script), time.Now()
			if err := once(t.Context(), f); !errors.Is(err, c.want) {
				t.Errorf("%s: %v, not %v", c.what, err, c.want)
			}
			if took := time.Since(began); took > c.within {
				t.Errorf("%s: took %s", c.what, took)
			}
		})
	}
}

func TestInterruptedTakesLeave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		f := newFake(silent)
		time.AfterFunc(time.Second, cancel)
		if err := once(ctx, f); !errors.Is(err, ErrInterrupted) {
			t.Error(err)
		}
		if !f.left {
			t.Error("it did not take leave")
		}
	})
}

func testInvite() *uri.Invite {
	return &uri.Invite{
		Server: uri.Server{Host: "127.0.0.1:1", Pin: uri.Pin{1}, Mode: cell.TMIX, Interval: cell.Interval40},
		Token:  uri.Token{2},
	}
}

// What is there before stays, and what was made goes, when nobody was reached.
func TestNothingStaysBehind(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "profile")
	fresh := func() *profile.Content {
		c, err := Content(testInvite(), "Anna")
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	maker := func(phone.Config) (Phone, error) {
		return newFake(func(context.Context, func(phone.Event)) error { return signal.ErrPin }), nil
	}
	if err := New(t.Context(), dir, fresh(), profile.Options{}, maker); !errors.Is(err, signal.ErrPin) {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder is still there: %v", err)
	}
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "mine"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := New(t.Context(), dir, fresh(), profile.Options{}, maker); err == nil {
		t.Fatal("no error")
	}
	if left, err := names(dir); err != nil || len(left) != 1 || !left["mine"] {
		t.Errorf("left: %v (%v)", left, err)
	}
}
