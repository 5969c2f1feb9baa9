package node

import (
	"errors"
	"fmt"
	"reflect"
	"strings"

	"github.com/pelletier/go-toml/v2"

	"undertone/transport/cell"
)

// decodeFile reads the text of server.toml into f. Keys that are not in the
// text keep what f says, except for those that must be there or in the environment.
func decodeFile(text []byte, f *file, e Environment) error {
	dec := toml.NewDecoder(strings.NewReader(string(text))).DisallowUnknownFields()
	if err := dec.Decode(f); err != nil {
		return explain(text, err)
	}
	var present map[string]any
	if err := toml.Unmarshal(text, &present); err != nil {
		return explain(text, err)
	}
	return checkRequired(present, e)
}

// modeIn returns the mode that the text of server.toml names, as far as that can
// be told before it is read in earnest: other settings have their default by it.
func modeIn(text []byte) cell.Mode {
	var f struct {
		Mode string `toml:"mode"`
	}
	_ = toml.Unmarshal(text, &f) // What is wrong is said later.
	if m, err := cell.ParseMode(f.Mode); err == nil {
		return m
	}
	return cell.TMIX
}

// checkRequired names the settings that have no default when they are missing.
// A file that lost them was damaged, and the default need not be what the users
// of this server have joined with.
func checkRequired(present map[string]any, e Environment) error {
	var missing, lines []string
	for _, name := range requiredSettings {
		_, inFile := present[name]
		if _, ok := e[name]; !ok && !inFile {
			missing = append(missing, name)
			lines = append(lines, example(name))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("it does not say %s; add what it said before, or restore it from a backup (in a new server: %s)",
		strings.Join(missing, ", "), strings.Join(lines, ", "))
}

// explain rewords an error of the TOML package for a person.
func explain(text []byte, err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		first := strict.Errors[0]
		line, _ := first.Position()
		name := strings.Join(first.Key(), ".")
		if near := nearest(name, settingNames()); near != "" {
			return fmt.Errorf("line %d: there is no setting %q; do you mean %q?", line, name, near)
		}
		return fmt.Errorf("line %d: there is no setting %q; there are %s", line, name, strings.Join(settingNames(), ", "))
	}
	var decode *toml.DecodeError
	if !errors.As(err, &decode) {
		return err
	}
	line, _ := decode.Position()
	if why := strings.TrimPrefix(decode.Error(), "toml: "); strings.HasSuffix(why, "already defined") {
		return fmt.Errorf("line %d: %s; remove one of the two lines", line, why)
	}
	if field, ok := settingOn(text, line, decode.Key()); ok {
		return fmt.Errorf("line %d: %s must be %s, as in: %s", line, field.Tag.Get("toml"), kindInWords(field.Type), example(field.Tag.Get("toml")))
	}
	return fmt.Errorf("line %d: this is not how a setting is written; write a line like: %s", line, example("mode"))
}

// settingOn tells which setting a line is about: the one that the TOML package
// names, or, where it got no further than the text, the one that stands there.
func settingOn(text []byte, line int, key toml.Key) (reflect.StructField, bool) {
	name := strings.Join(key, ".")
	if lines := strings.Split(string(text), "\n"); name == "" && line >= 1 && line <= len(lines) {
		before, _, _ := strings.Cut(lines[line-1], "=")
		name = strings.TrimSpace(before)
	}
	return settingField(name)
}

// kindInWords is the TOML that goes with a type, for a person.
func kindInWords(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Int:
		return "a whole number without quotes"
	case reflect.Slice:
		return "a list of texts in quotes"
	default:
		return "a text in quotes"
	}
}

// example is a line of server.toml.
func example(name string) string {
	field, _ := settingField(name)
	return name + " = " + field.Tag.Get("like")
}

func settingField(name string) (reflect.StructField, bool) {
	for field := range reflect.TypeFor[file]().Fields() {
		if field.Tag.Get("toml") == name {
			return field, true
		}
	}
	return reflect.StructField{}, false
}

// settingNames lists the keys of server.toml.
func settingNames() (names []string) {
	for field := range reflect.TypeFor[file]().Fields() {
		names = append(names, field.Tag.Get("toml"))
	}
	return names
}

// nearest returns the name that takes the fewest edits to get to, or nothing if
// that is so many that it would be a guess: more than two, and more than a third
// of what was written.
func nearest(name string, names []string) string {
	best, least := "", max(2, len(name)/3)+1
	for _, n := range names {
		if d := distance(name, n); d < least {
			best, least = n, d
		}
	}
	return best
}

// distance is that of Levenshtein.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
