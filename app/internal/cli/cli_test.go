package cli

import (
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

// What makes no sense on the command line is said once, with where to look, and
// touches nothing.
func TestMisuse(t *testing.T) {
	dir := t.TempDir() + "/none"
	for _, c := range []struct {
		args  string
		words string
	}{
		{"frob", `unknown command "frob"`},
		{"--frob", "unknown flag: --frob"},
		{"call", "what is missing is the name of the contact"},
		{"contacts frob", `unknown command "frob"`},
		{"contacts add", "what is missing is the contact link"},
		{"contacts block", "what is missing is the name"},
		{"idle bert", "unknown command"},
		{"idle --answer maybe", "use ask, auto or never"},
		{"idle --in micro", "use mic, none, or a file whose name ends in .wav"},
		{"idle --out mic", "use speaker, none, or a file whose name ends in .wav"},
		{"call bert --out x.mp3", "use speaker, none, or a file whose name ends in .wav"},
		{"idle --for -3s", "cannot be negative"},
		{"idle --for 3", "invalid argument"},
		{"join", "what is missing is the invite"},
		{"join a b", "put the invite in quotes"},
		{"demo --interval 30ms", "use 20ms, 40ms or 100ms"},
		{"demo --mode x", "tmix"},
		{"demo --for 1s", "use between 3s and 10m"},
		{"demo --out x.mp3", "ends in .wav"},
	} {
		t.Run(c.args, func(t *testing.T) {
			p := newConsole(t)
			p.run(exitUsage, append(strings.Fields(c.args), "--profile", dir)...)
			says(t, p.err.String(), "undertone: ", c.words, "--help")
			if p.out.Len() > 0 || strings.Count(p.err.String(), "undertone: ") != 1 {
				t.Errorf("it says\n%s and\n%s", &p.out, &p.err)
			}
		})
	}
}

// Each command tells a newcomer what it is for, and takes the common flags.
func TestHelp(t *testing.T) {
	root := newConsole(t).app.root()
	var walk func(*cobra.Command)
	walk = func(cmd *cobra.Command) {
		path := cmd.CommandPath()
		if cmd.Short == "" || strings.HasSuffix(cmd.Short, ".") || strings.ToUpper(cmd.Short[:1]) != cmd.Short[:1] {
			t.Errorf("%s: %q is no headline", path, cmd.Short)
		}
		if cmd.RunE == nil {
			t.Errorf("%s does nothing", path)
		}
		for i, line := range strings.Split(cmd.Long, "\n") {
			if n := len([]rune(line)); n > 81 {
				t.Errorf("%s: line %d of its help has %d columns", path, i+1, n)
			}
		}
		for _, flag := range []string{"profile", "passphrase-file", "takeover"} {
			if cmd.InheritedFlags().Lookup(flag) == nil && cmd.PersistentFlags().Lookup(flag) == nil {
				t.Errorf("%s has no --%s", path, flag)
			}
		}
		for _, sub := range cmd.Commands() {
			walk(sub)
		}
	}
	walk(root)
	for _, name := range []string{"idle", "call", "echo"} {
		cmd, _, err := root.Find([]string{name})
		if err != nil {
			t.Fatal(err)
		}
		for _, flag := range []string{"in", "out", "for", "json"} {
			if cmd.Flags().Lookup(flag) == nil {
				t.Errorf("%s has no --%s", name, flag)
			}
		}
	}
	p := newConsole(t)
	p.run(exitDone)
	says(t, p.out.String(), "undertone join", "Exit codes")
	p.run(exitDone, "completion", "bash")
	says(t, p.out.String(), "bash completion")
}

func TestVersion(t *testing.T) {
	p := newConsole(t)
	p.run(exitDone, "version")
	says(t, p.out.String(), "undertone v1.2.3", "protocol 1")
	p.run(exitDone, "version", "--json")
	says(t, p.out.String(), `"version":"v1.2.3"`, `"protocol":1`)
}

// Without a profile, every command that needs one says how to make it.
func TestNoProfile(t *testing.T) {
	for _, args := range []string{
		"id", "id --new-link", "contacts list", "contacts block bert", "contacts verify bert", "history", "history clear",
		"idle --in none --out none", "echo", "call bert --in none --out none", "passphrase remove",
	} {
		p := newConsole(t)
		p.run(exitFailed, append(strings.Fields(args), "--profile", t.TempDir())...)
		says(t, p.err.String(), "there is no profile", "undertone join LINK")
	}
}

func TestAnswersOfPeople(t *testing.T) {
	for s, want := range map[string]bool{"y": true, "yes\r\n": true, "Y": true, "": false, "\n": false, "n": false, "yesterday": false} {
		if isYes(s) != want {
			t.Errorf("%q counts as %t", s, !want)
		}
	}
}

func TestQuoted(t *testing.T) {
	for name, want := range map[string]string{
		"Bert": "Bert", "Zoë": "Zoë", "Anna B": "'Anna B'", "it's": `'it'\''s'`, "$x": "'$x'", "-n": "'-n'", "a;b": "'a;b'",
	} {
		if got := quoted(name); got != want {
			t.Errorf("%q becomes %s, want %s", name, got, want)
		}
	}
}
