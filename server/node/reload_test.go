package node

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/signal"
	"undertone/transport/uri"
)

// write replaces server.toml.
func (w *world) write(text string) {
	w.t.Helper()
	if err := writeFile(filepath.Join(w.node.config.Data, SettingsFile), []byte(text)); err != nil {
		w.t.Fatal(err)
	}
}

// change writes settings anew, with changes to those that the server has.
func (w *world) change(f func(s *Settings)) {
	w.t.Helper()
	s := w.node.folder.Settings
	f(&s)
	text, err := s.Text()
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(string(text))
}

// hangUp sends SIGHUP and returns what the server logs about it.
func (w *world) hangUp() string {
	w.t.Helper()
	synctest.Wait()
	before := w.log.Len()
	w.reload <- syscall.SIGHUP
	synctest.Wait()
	return w.log.String()[before:]
}

func wantWords(t *testing.T, text string, words ...string) {
	t.Helper()
	for _, word := range words {
		if !strings.Contains(text, word) {
			t.Errorf("%q is not in %s", word, text)
		}
	}
}

// What can change while users are online does: nobody loses his link, and fewer or
// more can come.
func TestReload(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.stop() }()
		var users []*user
		comes := func(id *key.Identity, token uri.Token, want error) {
			t.Helper()
			u, err := w.online(id, token)
			if !errors.Is(err, want) {
				t.Errorf("error is %v, want %v", err, want)
			}
			if err == nil {
				u.quiet = keepAlive(u)
				users = append(users, u)
			}
		}
		anna, berta := newIdentity(t), newIdentity(t)
		comes(anna, w.invite(), nil)

		w.change(func(s *Settings) {
			s.MaxUsers, s.LogLevel, s.PublicHost, s.Listen, s.Interval = 1, slog.LevelError, "new.example.org:7443", ":9", cell.Interval100
		})
		log := w.hangUp()
		wantWords(t, log, `msg="the settings were read again" changed="public_host max_users log_level"`,
			`msg="some settings change only when the server is restarted" settings="interval listen"`,
			"with these settings the server would not start again", "users have joined with 40ms")
		if s := w.node.Status(); s.Places != 1 || s.Online != 1 || w.level.Level() != slog.LevelError || s.Interval != "40ms" {
			t.Errorf("status is %+v, the level %v", s, w.level.Level())
		}
		comes(berta, w.invite(), signal.ErrServerFull)

		w.change(func(s *Settings) { s.MaxUsers = 2 })
		wantWords(t, w.hangUp(), `changed="public_host max_users log_level"`)
		comes(berta, uri.Token{}, nil)
		if w.level.Level() != slog.LevelInfo {
			t.Errorf("the level is %v", w.level.Level())
		}

		w.change(func(s *Settings) { s.MaxUsers = 201 })
		wantWords(t, w.hangUp(), "changed=nothing", "settings=max_users")
		if s := w.node.Status(); s.Places != 2 || s.Online != 2 {
			t.Errorf("status is %+v", s)
		}
		w.change(func(s *Settings) { s.MaxUsers, s.PublicHost = 2, "new.example.org:443" })
		wantWords(t, w.hangUp(), "changed=nothing", "settings=public_host") // Its port is in answers.
		w.change(func(s *Settings) { s.MaxUsers = 2 })
		if log := w.hangUp(); !strings.Contains(log, "changed=nothing") || strings.Contains(log, "restart") {
			t.Errorf("nothing has changed, and the log says %s", log)
		}
		for _, u := range users {
			if err := u.Err(); err != nil {
				t.Errorf("a user lost his link: %v", err)
			}
			u.Close()
			u.quiet()
		}
	})
}

// A file that makes no sense changes nothing, and says so.
func TestReloadOfABrokenFile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.stop() }()
		for text, says := range map[string]string{
			"max_users = 1\nlog_level = \"loud\"": "it does not say mode, interval, listen",
			completed("max_users = 1\nmaxx = 1"):  `there is no setting \"maxx\"`,
			completed("max_users = 0"):            "max_users: 0 is not between",
			"":                                    "it does not say",
		} {
			w.write(text)
			wantWords(t, w.hangUp(), "level=ERROR", "cannot be read again, and stay as they were", says)
			if s := w.node.Status(); s.Places != 200 || w.level.Level() != slog.LevelInfo {
				t.Errorf("status is %+v, the level %v", s, w.level.Level())
			}
		}
		if err := os.Remove(filepath.Join(w.node.config.Data, SettingsFile)); err != nil {
			t.Fatal(err)
		}
		wantWords(t, w.hangUp(), "stay as they were", "only server.toml is missing")
		w.change(func(*Settings) {})
		wantWords(t, w.hangUp(), "changed=nothing")
	})
}

// A reload takes the certificate that is on the disk, and makes a new one where
// none is, so that an operator can have a new online key without a restart. With
// the root key away as well, the old one stays in use.
func TestReloadOfTheCertificate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		defer func() { w.stop() }()
		first := w.node.cert.Load()
		path := filepath.Join(w.node.config.Data, onlineFile)
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		w.hangUp()
		second := w.node.cert.Load()
		if second.Leaf.Equal(first.Leaf) || !exists(w.node.config.Data, onlineFile) {
			t.Error("there is no new certificate")
		}
		u, err := w.online(newIdentity(t), w.invite())
		if err != nil {
			t.Fatalf("with the new certificate: %v", err)
		}
		u.Close()
		for _, name := range []string{onlineFile, rootKeyFile} {
			if err := os.Remove(filepath.Join(w.node.config.Data, name)); err != nil {
				t.Fatal(err)
			}
		}
		wantWords(t, w.hangUp(), "level=ERROR", "the online certificate stays as it is", "undertone-server keys rotate --root FILE")
		if w.node.cert.Load() != second {
			t.Error("the certificate is another one")
		}
		w.node.cert.Store(ended(second))
		wantWords(t, w.hangUp(), "nobody can come online any more")
	})
}

// Every setting is one that takes effect at once or one that needs a restart, and
// differences finds each.
func TestDifferences(t *testing.T) {
	other := Settings{
		Mode: cell.SMIX, Interval: cell.Interval20, Channels: 12, PublicHost: "x:1", Listen: ":1", ListenUDP: ":2",
		PublicAddresses: nil, MaxUsers: 7, Metrics: "127.0.0.1:1", LogLevel: slog.LevelDebug,
	}
	want := slices.DeleteFunc(settingNames(), func(name string) bool { return name == "public_addresses" })
	if got := differences(DefaultSettings(), other); !slices.Equal(got, want) {
		t.Errorf("the differences are %q, want %q", got, want)
	}
	if got := differences(other, other); got != nil {
		t.Errorf("a file differs from itself in %q", got)
	}
}
