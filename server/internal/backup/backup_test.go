package backup

import (
	"archive/tar"
	"bytes"
	"errors"
	"flag"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "rewrite the vectors in testdata")

func sample() *Archive {
	return &Archive{
		Version: "1.2", Made: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), Folder: 1,
		Files: map[string][]byte{"server.toml": []byte("mode = \"tmix\"\n"), "registry.db": bytes.Repeat([]byte{1, 2, 3}, 5000), "empty": {}},
	}
}

func written(t testing.TB, a *Archive) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := a.Write(&b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func equal(a, b *Archive) bool {
	return a.Version == b.Version && a.Made.Equal(b.Made) && a.Folder == b.Folder && maps.EqualFunc(a.Files, b.Files, bytes.Equal)
}

func TestRoundTrip(t *testing.T) {
	got, err := Read(bytes.NewReader(written(t, sample())))
	if err != nil || !equal(got, sample()) {
		t.Errorf("it came back as %+v, %v", got, err)
	}
}

// Files can be had out of it with tar, and only the owner can read them.
func TestIsTar(t *testing.T) {
	r := tar.NewReader(bytes.NewReader(written(t, sample())))
	var names []string
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil || h.Mode != 0o600 {
			t.Fatalf("%+v, %v", h, err)
		}
		names = append(names, h.Name)
	}
	if got := strings.Join(names, " "); got != "undertone-backup.json empty registry.db server.toml" {
		t.Errorf("the files are %s", got)
	}
}

// No byte can be another one, and none can be missing from the end, but for what
// tar fills its blocks with and for words in the manifest that nothing depends on.
func TestDamage(t *testing.T) {
	whole := written(t, sample())
	for _, at := range []int{bytes.Index(whole, []byte("mode = ")), bytes.Index(whole, []byte{1, 2, 3, 1, 2, 3}) + 7000, bytes.Index(whole, []byte(`"registry.db": "`)) + 20} {
		hurt := bytes.Clone(whole)
		hurt[at] ^= 1
		if a, err := Read(bytes.NewReader(hurt)); !errors.Is(err, ErrDamaged) {
			t.Errorf("byte %d was changed: %+v, %v", at, a, err)
		}
	}
	for n := 0; n < len(whole)-3*512; n += 97 {
		if a, err := Read(bytes.NewReader(whole[:n])); !errors.Is(err, ErrDamaged) && !errors.Is(err, ErrNone) {
			t.Errorf("the first %d of %d bytes: %+v, %v", n, len(whole), a, err)
		}
	}
}

// archive makes a tar file of pairs of a name and a text.
func archive(t testing.TB, pairs ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	for i := 0; i < len(pairs); i += 2 {
		if err := add(w, pairs[i], []byte(pairs[i+1]), time.Unix(0, 0)); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

const hashOfX = "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"

func TestRefused(t *testing.T) {
	var link bytes.Buffer
	w := tar.NewWriter(&link)
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeSymlink, Name: manifestName, Linkname: "/etc/passwd"}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		text []byte
		want error
		says string
	}{
		"nothing":          {nil, ErrNone, ""},
		"text":             {[]byte(strings.Repeat("this is a letter ", 99)), ErrNone, ""},
		"another archive":  {archive(t, "a", "x"), ErrNone, ""},
		"a link":           {link.Bytes(), ErrNone, ""},
		"no JSON":          {archive(t, manifestName, "x"), ErrDamaged, ""},
		"no format":        {archive(t, manifestName, `{}`), ErrDamaged, "there is no format 0"},
		"a newer one":      {archive(t, manifestName, `{"format": 2, "sha256": [], "made": 7}`), ErrNewer, "its format is 2 and this program knows 1; update"},
		"a missing file":   {archive(t, manifestName, `{"format": 1, "sha256": {"x": "`+hashOfX+`"}}`), ErrDamaged, `"x" is missing`},
		"a file too many":  {archive(t, manifestName, `{"format": 1}`, "x", "x"), ErrDamaged, `"x" in it is not`},
		"a file twice":     {archive(t, manifestName, `{"format": 1, "sha256": {"x": "`+hashOfX+`"}}`, "x", "x", "x", "x"), ErrDamaged, `"x" in it is not`},
		"an empty surplus": {archive(t, manifestName, `{"format": 1}`, "x", ""), ErrDamaged, `"x" in it is not`},
	} {
		if a, err := Read(bytes.NewReader(c.text)); !errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %+v, %v", name, a, err)
		}
	}
	if _, err := Read(bytes.NewReader(archive(t, manifestName, `{"format": 1, "sha256": {"x": "`+hashOfX+`"}}`, "x", "x"))); err != nil {
		t.Errorf("the cases above fail for another reason: %v", err)
	}
}

// The format must not change by itself: backups are old when they are needed.
func TestVector(t *testing.T) {
	path := filepath.Join("testdata", "v1.tar")
	if *update {
		if err := os.WriteFile(path, written(t, sample()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if a, err := Read(bytes.NewReader(text)); err != nil || !equal(a, sample()) {
		t.Errorf("the backup of before is %+v, %v", a, err)
	}
}

func FuzzRead(f *testing.F) {
	f.Add(written(f, sample()))
	f.Add(archive(f, manifestName, `{"format": 1}`))
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		again, err := Read(bytes.NewReader(written(t, a)))
		if err != nil || !equal(a, again) {
			t.Fatalf("%+v came back as %+v, %v", a, again, err)
		}
	})
}
