// Package words has what the window says, in every language that it speaks. What
// is to be said is a Message, a key with what goes into its gaps; a Catalogue says
// it. So the view-model has no language, and tests need none.
//
//	M("call.with", "name", "Ann") ──▶ Catalogue "de" ──▶ «Im Gespräch mit Ann»
//	                          │
//	      en.json, de.json: {"call.with": "In a call with {name}"}
//
// All catalogues have the same keys with the same gaps, and the code uses every key:
// tests hold them to it. For that, a key stands in the code as a literal, in a call
// of M. Who may call: everybody in app.
package words

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// A Message is something to be said. The zero Message says nothing.
// Messages that say the same are ==.
type Message struct {
	key  string
	gaps [maxGaps]gap
}

// maxGaps is how many gaps a message has at most.
const maxGaps = 5

// A gap is what goes into one: text, or another message.
type gap struct {
	name  string
	value any
}

// M returns the message of a key. Name and value alternate; a value is a Message, or
// printed as fmt.Sprint does; it must be one that == can compare.
func M(key string, nameAndValue ...any) Message {
	m := Message{key: key}
	for i := 0; i+1 < len(nameAndValue) && i/2 < maxGaps; i += 2 {
		m.gaps[i/2] = gap{fmt.Sprint(nameAndValue[i]), nameAndValue[i+1]}
	}
	return m
}

// IsZero reports whether it says nothing.
func (m Message) IsZero() bool { return m.key == "" }

// Key returns the key, for tests.
func (m Message) Key() string { return m.key }

// A Catalogue speaks one language.
type Catalogue struct {
	// Language is its name as in "de"; Title is what its speakers call it.
	Language, Title string

	texts map[string]string
}

// first is the language of who speaks none of the others.
const first = "en"

//go:embed *.json
var files embed.FS

// catalogues are read once: they are part of the program, and a test reads them.
var catalogues = mustRead(files)

func mustRead(files fs.FS) map[string]*Catalogue {
	all, err := read(files)
	if err != nil {
		panic(err) // A test would have found it.
	}
	return all
}

func read(files fs.FS) (map[string]*Catalogue, error) {
	found, err := fs.Glob(files, "*.json")
	if err != nil {
		return nil, err
	}
	all := make(map[string]*Catalogue)
	for _, name := range found {
		b, err := fs.ReadFile(files, name)
		if err != nil {
			return nil, err
		}
		c := &Catalogue{Language: strings.TrimSuffix(path.Base(name), ".json")}
		if err := json.Unmarshal(b, &c.texts); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		c.Title = c.Say(M("language.name"))
		all[c.Language] = c
	}
	return all, nil
}

// Languages returns the names of all, sorted.
func Languages() []string {
	var all []string
	for name := range catalogues {
		all = append(all, name)
	}
	slices.Sort(all)
	return all
}

// Known reports whether there is a catalogue of a language.
func Known(language string) bool { return catalogues[language] != nil }

// In returns the catalogue of a language, such as "de" or "de_AT.UTF-8": of the
// first that is known, else English.
func In(languages ...string) *Catalogue {
	for _, language := range languages {
		short, _, _ := strings.Cut(strings.ToLower(language), "_")
		short, _, _ = strings.Cut(short, "-")
		short, _, _ = strings.Cut(short, ".")
		if c := catalogues[short]; c != nil {
			return c
		}
	}
	return catalogues[first]
}

// OfSystem returns the languages that the environment asks for, the best first;
// getenv is os.Getenv.
func OfSystem(getenv func(string) string) []string {
	// The first that is set counts, says POSIX; LANGUAGE lists several, says GNU.
	for _, name := range []string{"LC_ALL", "LC_MESSAGES", "LANG"} {
		if l := getenv(name); l != "" {
			if short, _, _ := strings.Cut(l, "."); short == "C" || short == "POSIX" {
				return []string{first}
			}
			return append(strings.Split(getenv("LANGUAGE"), ":"), l)
		}
	}
	return nil
}

// Say says a message. A key that is not there is said as it is: a test finds it
// before anybody sees it.
func (c *Catalogue) Say(m Message) string {
	if m.IsZero() {
		return ""
	}
	text, ok := c.texts[m.key]
	if !ok {
		return m.key
	}
	var filled []string
	for _, g := range m.gaps {
		if g.name == "" {
			break
		}
		value := fmt.Sprint(g.value)
		if nested, ok := g.value.(Message); ok {
			value = c.Say(nested)
		}
		filled = append(filled, "{"+g.name+"}", value)
	}
	return strings.NewReplacer(filled...).Replace(text) // In one go: a name may look like a gap.
}
