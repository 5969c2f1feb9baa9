package profile

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// storedTwice returns a closed profile whose current version says "new" and
// whose previous one says "old".
func storedTwice(t *testing.T) *Profile {
	t.Helper()
	p := create(t, Options{})
	rename(t, p, "old")
	rename(t, p, "new")
	p.Close()
	return p
}

// Whatever one byte is damaged, wherever the file is cut: the previous version
// is used, the user is told, and both damaged and previous files survive the
// next write.
func TestDamageIsRecoveredFrom(t *testing.T) {
	flip := func(at int) func([]byte) []byte {
		return func(b []byte) []byte { b[at] ^= 0x40; return b }
	}
	cases := map[string]func([]byte) []byte{
		"magic": flip(0), "version": flip(9), "protection": flip(10), "salt": flip(20), "check": flip(40),
		"generation": flip(55), "writer": flip(61), "nonce": flip(80), "checksum": flip(100),
		"content": flip(200), "tag": flip(stepSize - 1),
		"empty":      func([]byte) []byte { return nil },
		"cut off":    func(b []byte) []byte { return b[:1000] },
		"one longer": func(b []byte) []byte { return append(b, 0) },
		"zeros":      func(b []byte) []byte { clear(b); return b },
	}
	for name, damage := range cases {
		t.Run(name, func(t *testing.T) {
			p := storedTwice(t)
			write(t, p.path(currentName), damage(read(t, p.path(currentName))))
			q := open(t, p.Dir(), Options{})
			if got := q.Snapshot().Name; got != "old" {
				t.Errorf("opened the version %q", got)
			}
			if !strings.Contains(q.Notice(), damagedName) {
				t.Errorf("the notice is %q", q.Notice())
			}
			if err := q.Save(); err != nil {
				t.Fatal(err)
			}
			q.Close()
			r := open(t, p.Dir(), Options{})
			if r.Notice() != "" || r.Snapshot().Name != "old" {
				t.Errorf("after recovery: name %q, notice %q", r.Snapshot().Name, r.Notice())
			}
			if !fileExists(p.path(previousName)) {
				t.Error("the previous version is gone")
			}
		})
	}
}

func TestBothVersionsDamaged(t *testing.T) {
	p := storedTwice(t)
	write(t, p.path(currentName), []byte("x"))
	write(t, p.path(previousName), []byte("x"))
	if _, err := Open(p.Dir(), Options{}); !errors.Is(err, ErrDamaged) || !strings.Contains(err.Error(), p.Dir()) {
		t.Errorf("both damaged: %v", err)
	}
	if !fileExists(p.path(currentName)) || fileExists(p.path(damagedName)) {
		t.Error("a file was moved though nothing could be recovered")
	}
}

// A newer version is sound: neither replace it nor fall back behind it.
func TestNewerVersionIsRefused(t *testing.T) {
	p := storedTwice(t)
	before := withVersion(t, read(t, p.path(currentName)), formatVersion+1)
	write(t, p.path(currentName), before)
	if _, err := Open(p.Dir(), Options{}); !errors.Is(err, ErrNewer) {
		t.Errorf("a newer version: %v", err)
	}
	if !slices.Equal(before, read(t, p.path(currentName))) {
		t.Error("the newer file was touched")
	}
}

// A crash may happen between any two steps of a write.
func TestCrashWhileWriting(t *testing.T) {
	crashes := map[string]struct {
		do   func(p *Profile) error
		want string
	}{
		"while the new version is written": {func(p *Profile) error {
			return os.WriteFile(p.path(newName), []byte("half"), 0o600)
		}, "new"},
		"between the renames": {func(p *Profile) error {
			return os.Rename(p.path(currentName), p.path(previousName))
		}, "new"},
		"before the first version is complete": {func(p *Profile) error {
			return errors.Join(os.Remove(p.path(previousName)), os.WriteFile(p.path(newName), nil, 0o600))
		}, "new"},
	}
	for name, crash := range crashes {
		t.Run(name, func(t *testing.T) {
			p := storedTwice(t)
			if err := crash.do(p); err != nil {
				t.Fatal(err)
			}
			q := open(t, p.Dir(), Options{})
			if got := q.Snapshot().Name; got != crash.want {
				t.Errorf("opened the version %q", got)
			}
			rename(t, q, "newer")
			q.Close()
			if got := open(t, p.Dir(), Options{}); got.Snapshot().Name != "newer" || got.Notice() != "" {
				t.Errorf("then stored %q, notice %q", got.Snapshot().Name, got.Notice())
			}
		})
	}
}

func TestChangedUnderUs(t *testing.T) {
	changes := map[string]func(p *Profile) error{
		"an older version put back": func(p *Profile) error {
			b, err := os.ReadFile(p.path(previousName))
			return errors.Join(err, os.WriteFile(p.path(currentName), b, 0o600))
		},
		"cut off": func(p *Profile) error { return os.Truncate(p.path(currentName), 10) },
		"gone":    func(p *Profile) error { return os.Remove(p.path(currentName)) },
	}
	for name, change := range changes {
		t.Run(name, func(t *testing.T) {
			p := create(t, Options{})
			rename(t, p, "new")
			if err := change(p); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(p.path(currentName))
			if err := p.Save(); !errors.Is(err, ErrChanged) {
				t.Errorf("saved over it: %v", err)
			}
			if after, _ := os.ReadFile(p.path(currentName)); !slices.Equal(before, after) {
				t.Error("the file was touched")
			}
		})
	}
}

// A synchronised folder brings another machine's file but not its lock.
func TestTwoMachines(t *testing.T) {
	p := create(t, Options{})
	p.setKeeper(false, &mark{Machine: strings.Repeat("ab", machineSize), Name: "laptop"})
	if err := p.Save(); err != nil {
		t.Fatal(err)
	}
	p.Close()
	var inUse *InUseError
	if _, err := Open(p.Dir(), Options{}); !errors.As(err, &inUse) || inUse.Machine != "laptop" || !strings.Contains(err.Error(), "--takeover") {
		t.Errorf("online on another machine: %v", err)
	}
	q := open(t, p.Dir(), Options{Takeover: true})
	if err := q.Save(); err != nil {
		t.Fatal(err)
	}
	q.Close()
	open(t, p.Dir(), Options{})
}

func TestCrashOnThisMachineNeedsNoTakeover(t *testing.T) {
	p := create(t, Options{})
	p.setKeeper(false, &mark{Machine: machineID(), Name: "this one"})
	if err := p.Save(); err != nil {
		t.Fatal(err)
	}
	p.Close()
	open(t, p.Dir(), Options{})
}

func TestAFullDiskLosesNothing(t *testing.T) {
	p := create(t, Options{})
	rename(t, p, "old")
	// A folder in the way of the new version fails the write, whoever runs this.
	if err := os.Mkdir(p.path(newName), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := p.Save(); err == nil || !strings.Contains(err.Error(), "not saved") {
		t.Errorf("the write failed, and Save says %v", err)
	}
	if err := os.Remove(filepath.Join(p.Dir(), newName)); err != nil {
		t.Fatal(err)
	}
	rename(t, p, "new")
	p.Close()
	if got := open(t, p.Dir(), Options{}).Snapshot().Name; got != "new" {
		t.Errorf("stored %q", got)
	}
}
