package node

import (
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"undertone/transport/cell"
)

const (
	// EnvPrefix begins the name of each environment variable that overrides a
	// setting; the name of the setting follows, in capitals. Lists are separated
	// by commas.
	EnvPrefix = "UNDERTONE_SERVER_"
	// EnvData names the data folder. It is no setting, and this package does not
	// read it.
	EnvData = EnvPrefix + dataVariable

	dataVariable = "DATA"
)

// An Environment is what environment variables say of settings, by the name of the
// setting.
type Environment map[string]string

// ParseEnvironment finds the variables that begin with EnvPrefix among those of
// os.Environ, but for those that say where a service of this name is. One that is no setting is an error that names the nearest which is:
// a setting that was misspelt would be silently something else.
func ParseEnvironment(environ []string) (Environment, error) {
	e := Environment{}
	for _, v := range environ {
		name, value, _ := strings.Cut(v, "=")
		rest, ours := strings.CutPrefix(name, EnvPrefix)
		if !ours || rest == dataVariable || isService(rest) {
			continue
		}
		setting := strings.ToLower(rest)
		if _, known := settingField(setting); !known || rest != strings.ToUpper(setting) {
			return nil, unknownVariable(name, setting)
		}
		e[setting] = value
	}
	return e, nil
}

// serviceVariable matches what Kubernetes and Docker tell every container of a service
// or a container with the name undertone-server, without being asked.
var serviceVariable = regexp.MustCompile(`^(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT|PORT_[0-9]+_(TCP|UDP)(_(PROTO|PORT|ADDR))?|NAME|ENV_.+)$`)

func isService(rest string) bool { return serviceVariable.MatchString(rest) }

// variable is the name of the variable that overrides a setting.
func variable(setting string) string { return EnvPrefix + strings.ToUpper(setting) }

func unknownVariable(name, setting string) error {
	all := append(settingNames(), strings.ToLower(dataVariable))
	if near := nearest(setting, all); near != "" {
		return fmt.Errorf("the environment has %s, which is no setting; do you mean %s?", name, variable(near))
	}
	for i, s := range all {
		all[i] = variable(s)
	}
	return fmt.Errorf("the environment has %s, which is no setting; there are %s", name, strings.Join(all, ", "))
}

// Variables lists the names of the variables, sorted.
func (e Environment) Variables() []string {
	names := slices.Sorted(maps.Keys(e))
	for i, n := range names {
		names[i] = variable(n)
	}
	return names
}

// mode returns the mode that the variables name, or otherwise the one given.
func (e Environment) mode(otherwise cell.Mode) cell.Mode {
	if m, err := cell.ParseMode(e["mode"]); err == nil {
		return m
	}
	return otherwise // What is wrong is said later.
}

// override changes what the variables name.
func (e Environment) override(f *file) error {
	for _, name := range slices.Sorted(maps.Keys(e)) {
		field, _ := settingField(name)
		if err := assign(reflect.ValueOf(f).Elem().FieldByIndex(field.Index), e[name]); err != nil {
			return fmt.Errorf("%s=%s must be a whole number, as in: %s=%s", variable(name), e[name], variable(name), strings.Trim(field.Tag.Get("like"), `[]"`))
		}
	}
	return nil
}

// assign reads text into a field of file.
func assign(v reflect.Value, text string) error {
	switch v.Kind() {
	case reflect.Int:
		n, err := strconv.Atoi(text)
		if err != nil {
			return err
		}
		v.SetInt(int64(n))
	case reflect.Slice:
		list := []string{}
		for item := range strings.SplitSeq(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				list = append(list, item)
			}
		}
		v.Set(reflect.ValueOf(list))
	default:
		v.SetString(text)
	}
	return nil
}

// explain adds to an error of the settings that they are not those of the file
// alone.
func (e Environment) explain(err error) error {
	if err == nil || len(e) == 0 {
		return err
	}
	return fmt.Errorf("%w (the environment sets %s)", err, strings.Join(e.Variables(), ", "))
}

// With returns the settings with what the variables say instead.
func (s Settings) With(e Environment) (Settings, error) {
	f := newFile(s)
	if err := e.override(&f); err != nil {
		return s, err
	}
	changed, err := f.settings()
	return changed, e.explain(err)
}
