package archtest

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// rule is one thing that holds for the whole module.
type rule struct {
	name string
	// check returns every place where the rule is broken.
	check func(m *module) []finding
	// broken holds modules that break the rule, each in its own way: the
	// controls. Each value is the files of a module.
	broken []map[string]string
}

// finding is a place where a rule is broken.
type finding struct {
	// at is what an exception names: a file, a package, or "package: import".
	at string
	// why is for a person.
	why string
}

func found(at, format string, args ...any) finding {
	return finding{at, fmt.Sprintf(format, args...)}
}

// rules lists all of them, in the order of the report.
func rules() []rule {
	return slices.Concat(importRules(), sourceRules())
}

func TestArchitecture(t *testing.T) {
	root := moduleRoot(t)
	m := load(t, os.DirFS(root))
	if len(m.packages) < 10 {
		t.Fatalf("only %d packages found under %s", len(m.packages), root)
	}
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			allowed := exceptions[r.name]
			used := map[string]bool{}
			for _, f := range r.check(m) {
				if allowed[f.at] != "" {
					used[f.at] = true
					continue
				}
				t.Errorf("%s: %s", f.at, f.why)
			}
			for at := range allowed {
				if !used[at] {
					t.Errorf("the exception for %s is no longer needed", at)
				}
			}
		})
	}
}

// Nothing of the module is named by its place on the machine that made it.
func TestNoPathOfThisFolder(t *testing.T) {
	root := moduleRoot(t)
	if strings.Count(root, "/") < 2 {
		return // Such as /src, which may stand anywhere by chance.
	}
	for p, text := range load(t, os.DirFS(root)).texts {
		if strings.Contains(text, root+"/") {
			t.Errorf("%s names a file of this machine: %s/…", p, root)
		}
	}
}

// Each rule must catch each module made to break it, and find nothing in one
// that keeps all of them.
func TestControls(t *testing.T) {
	for _, r := range rules() {
		t.Run(r.name, func(t *testing.T) {
			if len(r.broken) == 0 {
				t.Fatal("the rule has no control")
			}
			for i, files := range r.broken {
				if got := r.check(invented(t, files)); len(got) == 0 {
					t.Errorf("control %d was not caught: %v", i, files)
				}
			}
			for _, f := range r.check(invented(t, keepsAllRules)) {
				t.Errorf("found in a module that keeps all rules: %s: %s", f.at, f.why)
			}
		})
	}
}

func TestExceptionsNameRules(t *testing.T) {
	for name := range exceptions {
		if !slices.ContainsFunc(rules(), func(r rule) bool { return r.name == name }) {
			t.Errorf("exceptions for %q, which is no rule", name)
		}
	}
}

// keepsAllRules is a small module with nothing to find in it. It comes close to
// several rules.
var keepsAllRules = map[string]string{
	"app/undertone/main.go": "// Command undertone is the softphone.\npackage main\n\nimport \"os\"\n\nfunc main() { os.Exit(0) }\n",
	"app/internal/demo/demo.go": "// Package demo runs a set.\npackage demo\n\nimport (\n\t_ \"undertone/mixclient\"\n\t_ \"undertone/server/node\"\n)\n" +
		"\n// Modes can be shown.\nconst (\n\tA = 1\n\tB = 2 // B is the other.\n)\n",
	"app/internal/audio/port/port.go": "// Package port speaks to C.\npackage port\n\nimport \"C\"\n",
	"mixclient/mixclient.go":          "// Package mixclient is the engine.\npackage mixclient\n\nimport (\n\t_ \"time\"\n\t_ \"undertone/transport/rtc\"\n)\n",
	"mixclient/tmix/tmix.go":          "// Package tmix is pure.\npackage tmix\n\nimport (\n\t_ \"undertone/transport/cell\"\n\t_ \"undertone/transport/key\"\n)\n",
	"mixclient/tmix/tmix_test.go":     "package tmix\n\nimport (\n\t\"testing\"\n\t\"testing/synctest\"\n\t\"time\"\n)\n\nfunc TestX(t *testing.T) { synctest.Test(t, func(*testing.T) { time.Sleep(1) }) }\n",
	"server/node/node.go":             "// Package node composes.\npackage node\n\nimport _ \"undertone/transport/rtc\"\n",
	"server/e2e/e2e_test.go":          "// Package e2e calls.\npackage e2e\n\nimport (\n\t_ \"undertone/mixclient\"\n\t_ \"undertone/transport/simnet\"\n)\n",
	"transport/cell/cell.go":          "// Package cell has no clock.\npackage cell\n\n// A Cell is a cell.\ntype Cell [1]byte\n\n// String names it.\nfunc (c Cell) String() string { return \"\" }\n",
	"transport/key/key.go":            "// Package key has secrets.\npackage key\n\n// A Secret is secret.\ntype Secret struct{ b [1]byte }\n\n// Wipe wipes.\nfunc (s *Secret) Wipe() {}\n",
	"transport/rtc/rtc.go":            "// Package rtc is a link.\npackage rtc\n\nimport _ \"github.com/pion/webrtc/v4\"\n",
	"transport/simnet/simnet.go":      "// Package simnet is a network.\npackage simnet\n\nimport _ \"github.com/pion/transport/v5\"\n",
	"README.md":                       "See /var/lib/undertone and https://example.org/home/page.\n",
	".ci/run":                         "exec make test\n",
}
