package profile

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/uri"
)

// cheap is a cost of argon2id for tests.
var cheap = &cost{time: 1, memory: 64, threads: 1}

var testDay = DayOf(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC))

// childEnv makes the test binary open the profile that it names, say so and
// wait: the other process of TestInUse.
const childEnv = "UNDERTONE_TEST_OPEN"

func TestMain(m *testing.M) {
	dir := os.Getenv(childEnv)
	if dir == "" {
		os.Exit(m.Run())
	}
	if _, err := Open(dir, Options{}); err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println("open")
	_, _ = bufio.NewReader(os.Stdin).ReadString('\n')
}

// numbered returns a secret that is n everywhere.
func numbered(t testing.TB, n byte) key.Secret {
	t.Helper()
	s, err := key.NewSecret(bytes.Repeat([]byte{n}, key.SecretSize))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// sample returns a content with something in every field.
func sample(t testing.TB) *Content {
	t.Helper()
	secret := numbered(t, 3)
	c := &Content{
		Seed: numbered(t, 1),
		Name: "Anna",
		Account: Account{
			Server: uri.Server{Host: "calls.example:7443", Pin: uri.Pin{1, 2}, Mode: cell.TMIX, Interval: cell.Interval40},
			Token:  uri.Token{7},
		},
		Contacts: []Contact{
			{Name: "Bob", Fingerprint: key.Fingerprint{1}, Intro: numbered(t, 2), State: []byte("ratchet"), Verified: true, Added: testDay},
			{Name: "Élise", Fingerprint: key.Fingerprint{2}, Blocked: true, Added: testDay - 1},
		},
		Settings: Settings{Answer: AnswerAuto, TellBusy: true, Microphone: "Headset", Speaker: "Monitor", NoEcho: true, NoGain: true, Latency: 40 * time.Millisecond,
			RingSofter: 30, Notify: true, PushToTalk: true, TalkAnywhere: true, StartHidden: true, Language: "de", Theme: ThemeDark, OnlyVerified: true},
	}
	c.AddIntro(&secret, testDay-9).Revoked = testDay
	c.AddIntro(&secret, testDay)
	c.AddCall(Call{
		With: key.Handle{1}, Direction: Incoming, Outcome: Answered,
		Start: time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC), Length: 83*time.Second + time.Millisecond,
	})
	return c
}

func create(t *testing.T, o Options) *Profile {
	t.Helper()
	p, err := Create(filepath.Join(t.TempDir(), "a", "profile"), sample(t), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func open(t *testing.T, dir string, o Options) *Profile {
	t.Helper()
	p, err := Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Close)
	return p
}

func rename(t *testing.T, p *Profile, name string) {
	t.Helper()
	if err := p.Update(func(c *Content) error { c.Name = name; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := p.Save(); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatWasStoredComesBack(t *testing.T) {
	for _, o := range []Options{{}, {Passphrase: []byte("correct horse"), cost: cheap}} {
		p := create(t, o)
		p.Close()
		q := open(t, p.Dir(), o)
		if got, want := q.Snapshot(), sample(t); !reflect.DeepEqual(got, want) {
			t.Errorf("came back different: %d contacts, name %q", len(got.Contacts), got.Name)
		}
		if q.Notice() != "" {
			t.Errorf("notice of a sound profile: %s", q.Notice())
		}
	}
}

func TestNothingIsReadableByOthersOrInTheClear(t *testing.T) {
	p := create(t, Options{})
	rename(t, p, "Anna Clear")
	err := filepath.WalkDir(p.Dir(), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		if !d.IsDir() && bytes.Contains(read(t, path), []byte("Anna")) {
			t.Errorf("%s has the name in the clear", path)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestPassphraseIsToldFromDamage(t *testing.T) {
	o := Options{Passphrase: []byte("correct horse"), cost: cheap}
	p := create(t, o)
	p.Close()
	if _, err := Open(p.Dir(), Options{}); !errors.Is(err, ErrPassphraseNeeded) {
		t.Errorf("without the passphrase: %v", err)
	}
	if _, err := Open(p.Dir(), Options{Passphrase: []byte("battery")}); !errors.Is(err, ErrPassphrase) || errors.Is(err, ErrDamaged) {
		t.Errorf("with a wrong passphrase: %v", err)
	}
	b := read(t, p.path(currentName))
	b[len(b)-1] ^= 1
	write(t, p.path(currentName), b)
	if _, err := Open(p.Dir(), o); !errors.Is(err, ErrDamaged) || errors.Is(err, ErrPassphrase) {
		t.Errorf("damaged, with the right passphrase: %v", err)
	}
}

func TestProtectReplacesTheOldKeyEverywhere(t *testing.T) {
	p := create(t, Options{})
	oldKey := read(t, p.path(keyName))
	o := Options{Passphrase: []byte("correct horse"), cost: cheap}
	if err := p.protect(o); err != nil {
		t.Fatal(err)
	}
	p.Close()
	if fileExists(p.path(keyName)) {
		t.Error("the key file is still there")
	}
	write(t, p.path(keyName), oldKey)
	for _, name := range []string{currentName, previousName} {
		h, err := parseHeader(read(t, p.path(name)))
		if err != nil || h.protection != byPassphrase {
			t.Errorf("%s: protection %d, %v", name, h.protection, err)
		}
	}
	q := open(t, p.Dir(), o)
	if err := q.Protect(nil); err != nil {
		t.Fatal(err)
	}
	newKey := read(t, q.path(keyName))
	if err := q.Protect(nil); err != nil || !bytes.Equal(newKey, read(t, q.path(keyName))) {
		t.Errorf("a key file was replaced by another: %v", err)
	}
	q.Close()
	open(t, p.Dir(), Options{})
}

// A change of the passphrase that could not be written is finished by the next write, and
// until then the passphrase before opens the profile.
func TestProtectIsFinishedLater(t *testing.T) {
	p := create(t, Options{})
	rename(t, p, "second") // So that there is a previous version, too.
	o := Options{Passphrase: []byte("correct horse"), cost: cheap}
	if err := os.Mkdir(p.path(newName), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := p.protect(o); err == nil {
		t.Error("nothing could be written, and nothing is said")
	}
	if err := p.Protect(nil); !errors.Is(err, errRekeying) {
		t.Errorf("another key file while the stored versions need theirs: %v", err)
	}
	c, _, err := Read(p.Dir(), Options{})
	if err != nil {
		t.Fatal(err)
	}
	c.Wipe()
	if err := errors.Join(os.Remove(p.path(newName)), p.Save()); err != nil {
		t.Fatal(err)
	}
	p.Close()
	if fileExists(p.path(keyName)) {
		t.Error("the key file is still there")
	}
	for _, name := range []string{currentName, previousName} {
		h, err := parseHeader(read(t, p.path(name)))
		if err != nil || h.protection != byPassphrase {
			t.Errorf("%s: protection %d, %v", name, h.protection, err)
		}
	}
	open(t, p.Dir(), o)
}

func TestKeyFileMustBeSecretAndRight(t *testing.T) {
	p := create(t, Options{})
	p.Close()
	path := p.path(keyName)
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(p.Dir(), Options{}); err == nil || !strings.Contains(err.Error(), "chmod 600") {
		t.Errorf("a key that all can read: %v", err)
	}
	for name, b := range map[string][]byte{"wrong": make([]byte, keySize), "cut off": {1}} {
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		write(t, path, b)
		if _, err := Open(p.Dir(), Options{}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), path) {
			t.Errorf("a key that is %s: %v", name, err)
		}
	}
}

func TestErrorsOfFolders(t *testing.T) {
	dir := t.TempDir()
	if _, err := Open(dir, Options{}); !errors.Is(err, ErrNone) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 0 {
		t.Errorf("looking left %v behind (%v)", entries, err)
	}
	p := create(t, Options{})
	p.Close()
	if _, err := Create(p.Dir(), sample(t), Options{}); !errors.Is(err, ErrExists) {
		t.Errorf("a second profile in a folder: %v", err)
	}
	open(t, p.Dir(), Options{}) // The failed attempt left key and lock alone.
}

func TestInUse(t *testing.T) {
	p := create(t, Options{})
	var inUse *InUseError
	if _, err := Open(p.Dir(), Options{}); !errors.Is(err, ErrInUse) || !errors.As(err, &inUse) || inUse.Process != os.Getpid() {
		t.Errorf("open twice in one process: %v", err)
	}
	p.Close()

	child := exec.Command(os.Args[0])
	child.Env = append(os.Environ(), childEnv+"="+p.Dir())
	stdin, err := child.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	stdout, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	if line, _ := bufio.NewReader(stdout).ReadString('\n'); line != "open\n" {
		t.Fatalf("the other process says %q", line)
	}
	_, err = Open(p.Dir(), Options{})
	want := fmt.Sprintf("this profile is in use by another Undertone (process %d); close it or use --profile", child.Process.Pid)
	if err == nil || err.Error() != want {
		t.Errorf("in use by another process: %v", err)
	}
	if err := child.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = child.Wait() // It reports that it was killed.
	open(t, p.Dir(), Options{})
}

func TestUpdateIsAllOrNothing(t *testing.T) {
	p := create(t, Options{})
	before := p.Snapshot()
	refused := errors.New("no")
	for name, change := range map[string]func(*Content) error{
		"refused": func(c *Content) error { c.Contacts[0].State[0] = 'X'; return refused },
		"invalid": func(c *Content) error { c.Contacts[0].State[0] = 'X'; c.Name = ""; return nil },
	} {
		if err := p.Update(change); err == nil {
			t.Errorf("%s: no error", name)
		}
		if !reflect.DeepEqual(before, p.Snapshot()) {
			t.Errorf("%s: something changed", name)
		}
	}
}

func TestClosedProfile(t *testing.T) {
	p := create(t, Options{})
	p.Close()
	p.Close()
	if !reflect.DeepEqual(p.Snapshot(), new(Content)) {
		t.Error("a closed profile still has a content")
	}
	for name, err := range map[string]error{
		"Save": p.Save(), "Update": p.Update(func(*Content) error { return nil }), "Protect": p.Protect(nil),
	} {
		if !errors.Is(err, fs.ErrClosed) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDefaultDir(t *testing.T) {
	t.Setenv("HOME", "/anna")
	for data, want := range map[string]string{
		"/data":    "/data/undertone",
		"":         "/anna/.local/share/undertone",
		"relative": "/anna/.local/share/undertone",
	} {
		t.Setenv("XDG_DATA_HOME", data)
		if got, err := DefaultDir(); err != nil || got != want {
			t.Errorf("XDG_DATA_HOME=%q: %q, %v; want %q", data, got, err, want)
		}
	}
}
