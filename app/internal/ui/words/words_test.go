package words

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/fstest"
)

var gaps = regexp.MustCompile(`\{[a-z]+\}`)

func gapsOf(text string) []string {
	all := gaps.FindAllString(text, -1)
	slices.Sort(all)
	return slices.Compact(all)
}

// Whoever speaks another language gets to know as much.
func TestAllLanguagesSayTheSame(t *testing.T) {
	english := catalogues[first].texts
	if len(catalogues) < 2 || len(english) < 100 {
		t.Fatalf("%d languages, %d texts", len(catalogues), len(english))
	}
	for language, c := range catalogues {
		for key, text := range c.texts {
			original, ok := english[key]
			if !ok {
				t.Errorf("%s: %q is not there in English", language, key)
			}
			if strings.TrimSpace(text) == "" {
				t.Errorf("%s: %q says nothing", language, key)
			}
			if got, want := gapsOf(text), gapsOf(original); !slices.Equal(got, want) {
				t.Errorf("%s: %q has the gaps %v, not %v", language, key, got, want)
			}
		}
		for key := range english {
			if _, ok := c.texts[key]; !ok {
				t.Errorf("%s: %q is missing", language, key)
			}
		}
	}
}

// A use is a call of M in the code.
type use struct {
	at   string
	gaps []string
}

// used returns the keys that the code below a folder uses, and where it calls M
// without saying the key.
func used(t *testing.T, root string) (keys map[string]use, unclear []string) {
	t.Helper()
	keys = make(map[string]use)
	fset := token.NewFileSet()
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(p) != ".go" || strings.HasSuffix(p, "_test.go") || strings.HasSuffix(p, "words/words.go") {
			return err
		}
		tree, err := parser.ParseFile(fset, p, nil, parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		ast.Inspect(tree, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			f, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || f.Sel.Name != "M" {
				return true
			}
			if x, ok := f.X.(*ast.Ident); !ok || x.Name != "words" {
				return true
			}
			at := fset.Position(call.Pos()).String()
			key, ok := literal(call.Args[0])
			if !ok {
				unclear = append(unclear, at)
				return true
			}
			u := use{at: at}
			for i := 1; i < len(call.Args); i += 2 {
				name, _ := literal(call.Args[i])
				u.gaps = append(u.gaps, "{"+name+"}")
			}
			slices.Sort(u.gaps)
			keys[key] = u
			return true
		})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return keys, unclear
}

func literal(e ast.Expr) (string, bool) {
	lit, ok := e.(*ast.BasicLit)
	if !ok || lit.Kind != token.STRING {
		return "", false
	}
	s, err := strconv.Unquote(lit.Value)
	return s, err == nil
}

func TestCodeAndCatalogueHaveTheSameKeys(t *testing.T) {
	keys, unclear := used(t, "..")
	for _, at := range unclear {
		t.Errorf("%s: the key is no literal, so nobody knows whether it is there", at)
	}
	texts := maps.Clone(catalogues[first].texts)
	delete(texts, "language.name") // This package's own.
	for key, u := range keys {
		text, ok := texts[key]
		if !ok {
			t.Errorf("%s: %q is in no catalogue", u.at, key)
			continue
		}
		if got := gapsOf(text); !slices.Equal(got, u.gaps) || len(got) > maxGaps {
			t.Errorf("%s: %q is given %v, and has the gaps %v", u.at, key, u.gaps, got)
		}
	}
	for key := range texts {
		if _, ok := keys[key]; !ok {
			t.Errorf("nobody says %q", key)
		}
	}
}

// The control of the test above: it sees what is wrong.
func TestUsedSeesKeys(t *testing.T) {
	dir := t.TempDir()
	source := "package p\n\nimport \"x/words\"\n\nvar k = \"a.b\"\nvar _, _ = words.M(\"call.with\", \"name\", 1), words.M(k)\n"
	if err := os.WriteFile(filepath.Join(dir, "p.go"), []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	keys, unclear := used(t, dir)
	if len(keys) != 1 || !slices.Equal(keys["call.with"].gaps, []string{"{name}"}) || len(unclear) != 1 {
		t.Errorf("%v, %v", keys, unclear)
	}
}

func TestSay(t *testing.T) {
	all, err := read(fstest.MapFS{"xx.json": {Data: []byte(`{"language.name": "X", "a": "for {who}: {what}", "b": "bread"}`)}})
	if err != nil {
		t.Fatal(err)
	}
	c := all["xx"]
	if got := c.Say(M("a", "who", "Ann", "what", M("b"))); got != "for Ann: bread" {
		t.Errorf("said %q", got)
	}
	if got := c.Say(M("c")) + c.Say(Message{}); got != "c" {
		t.Errorf("said %q of what there is not", got)
	}
	if c.Title != "X" {
		t.Errorf("it is called %q", c.Title)
	}
	if _, err := read(fstest.MapFS{"xx.json": {Data: []byte(`{"a": 1}`)}}); err == nil {
		t.Error("a damaged file is read")
	}
}

func TestLanguages(t *testing.T) {
	for _, c := range []struct{ languages, want string }{
		{"de", "de"}, {"de_AT.UTF-8", "de"}, {"de-CH", "de"}, {"DE", "de"}, {"fr_FR", "en"}, {"", "en"}, {"fr:de", "de"},
	} {
		if got := In(strings.Split(c.languages, ":")...).Language; got != c.want {
			t.Errorf("%q: %s", c.languages, got)
		}
	}
	environment := map[string]string{"LANG": "de_DE.UTF-8", "LANGUAGE": "fr:de"}
	getenv := func(name string) string { return environment[name] }
	if got := OfSystem(getenv); !slices.Equal(got, []string{"fr", "de", "de_DE.UTF-8"}) {
		t.Errorf("the system speaks %v", got)
	}
	environment["LC_ALL"] = "C.UTF-8"
	if got := OfSystem(getenv); !slices.Equal(got, []string{"en"}) {
		t.Errorf("in C it speaks %v", got)
	}
	if !Known("de") || Known("fr") || !slices.Equal(Languages(), []string{"de", "en"}) {
		t.Errorf("there are %v", Languages())
	}
}
