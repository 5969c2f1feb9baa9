package profiles

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// newSet returns the profiles beside one in a folder below a data folder of the test,
// and what was started.
func newSet(t *testing.T, dir string) (*Set, *[]string) {
	t.Helper()
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	if !filepath.IsAbs(dir) {
		dir = filepath.Join(data, dir)
	}
	s, err := Of(dir)
	if err != nil {
		t.Fatal(err)
	}
	var started []string
	s.start = func(dir string) error {
		started = append(started, strings.TrimPrefix(dir, data))
		return nil
	}
	return s, &started
}

func TestProfiles(t *testing.T) {
	s, started := newSet(t, "undertone")
	if s.Current() != "" || len(s.Others()) != 0 {
		t.Errorf("at first: %q, %q", s.Current(), s.Others())
	}
	if err := s.Open("At work"); err != nil {
		t.Fatal(err)
	}
	if want := []string{"/undertone.profiles/At work"}; !slices.Equal(*started, want) {
		t.Errorf("started %q", *started)
	}
	for _, name := range []string{"Zoo", "At work", ".hidden"} { // As the window of each makes them.
		if err := os.Mkdir(filepath.Join(s.root, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	if got := s.Others(); !slices.Equal(got, []string{"At work", "Zoo"}) {
		t.Errorf("others: %q", got)
	}
	if info, err := os.Stat(s.root); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("others may look into it: %v, %v", info, err)
	}
}

func TestSeenFromAnother(t *testing.T) {
	s, started := newSet(t, "undertone.profiles/work")
	if s.Current() != "work" || !slices.Equal(s.Others(), []string{""}) {
		t.Errorf("%q, %q", s.Current(), s.Others())
	}
	if err := s.Open(""); err != nil || !slices.Equal(*started, []string{"/undertone"}) {
		t.Errorf("started %q: %v", *started, err)
	}
	if s, _ := newSet(t, "/elsewhere/p"); s.Current() != "/elsewhere/p" {
		t.Errorf("one elsewhere is called %q", s.Current())
	}
}

// A name becomes a folder, and must not lead out of where profiles are.
func TestNames(t *testing.T) {
	s, started := newSet(t, "undertone")
	for _, name := range []string{"a", "Zoë 2", "at-work", strings.Repeat("ö", 32)} {
		if err := s.Check(name); err != nil {
			t.Errorf("%q: %v", name, err)
		}
	}
	for _, name := range []string{"..", ".", "a/b", "a\\b", " a", "a ", "-rf", "a\nb", "a\x00", strings.Repeat("a", 33)} {
		if err := s.Open(name); !errors.Is(err, ErrName) {
			t.Errorf("%q: %v", name, err)
		}
	}
	if len(*started) != 0 {
		t.Errorf("started %q", *started)
	}
}
