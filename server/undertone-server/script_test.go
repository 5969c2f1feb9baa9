package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"undertone/server/node"
	"undertone/transport/key"
	"undertone/transport/uri"
)

// mainEnv makes the test binary be the program itself.
const mainEnv = "UNDERTONE_TEST_SERVER_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(mainEnv) != "" {
		main()
	}
	if os.Getenv(hangUpEnv) != "" {
		awaitHangUps()
	}
	os.Exit(m.Run())
}

// The scripts in testdata are what an operator types and sees. Each line is
// empty, a # comment, or one of
//
//	$ ARGS             runs undertone-server with these arguments
//	exit N             its exit code; without this line it must be 0
//	out REGEXP         something that it printed
//	err REGEXP         something that it printed on standard error
//	no REGEXP          nothing like this was printed anywhere
//	save NAME REGEXP   keeps what the group in REGEXP found, for {NAME} later
//	redeem LINK        a user joins with an invite
//	write FILE TEXT    writes a line into a file; \n in it begins another one
//	remove FILE        removes a file
//	env NAME VALUE     sets an environment variable; without a value, unsets it
//
// {DATA} is a folder that is not there yet.
func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file) //nolint:gosec // a file of the test
			if err != nil {
				t.Fatal(err)
			}
			s := &script{t: t, vars: map[string]string{"DATA": filepath.Join(t.TempDir(), "data")}}
			for n, line := range strings.Split(string(text), "\n") {
				s.line = fmt.Sprintf("%s:%d: %s", file, n+1, line)
				s.step(s.expand(line))
			}
			s.finish()
		})
	}
}

type script struct {
	t        *testing.T
	vars     map[string]string
	line     string
	out, err bytes.Buffer
	code     int
	checked  bool // The exit code was looked at.
}

func (s *script) expand(line string) string {
	for name, value := range s.vars {
		line = strings.ReplaceAll(line, "{"+name+"}", value)
	}
	return line
}

func (s *script) fail(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("%s\n%s\nexit %d\nout:\n%s\nerr:\n%s", s.line, fmt.Sprintf(format, args...), s.code, &s.out, &s.err)
}

// finish looks at the exit code of the last command, if the script has not.
func (s *script) finish() {
	s.t.Helper()
	if !s.checked && s.code != 0 {
		s.fail("before this line a command failed")
	}
	s.checked = true
}

func (s *script) step(line string) {
	s.t.Helper()
	word, rest, _ := strings.Cut(line, " ")
	switch word {
	case "", "#":
	case "$":
		s.finish()
		s.out.Reset()
		s.err.Reset()
		s.checked = false
		s.code = run(s.t.Context(), strings.Fields(rest), &s.out, &s.err)
	case "exit":
		s.checked = true
		if want, err := strconv.Atoi(rest); err != nil || s.code != want {
			s.fail("the exit code is %d", s.code)
		}
	case "out":
		s.match(s.out.String(), rest)
	case "err":
		s.match(s.err.String(), rest)
	case "no":
		if regexp.MustCompile(rest).MatchString(s.out.String() + s.err.String()) {
			s.fail("this was printed")
		}
	case "save":
		name, pattern, _ := strings.Cut(rest, " ")
		s.vars[name] = s.match(s.out.String(), pattern)[1]
	case "redeem":
		redeem(s.t, s.vars["DATA"], rest)
	case "write":
		file, text, _ := strings.Cut(rest, " ")
		if err := os.WriteFile(file, []byte(strings.ReplaceAll(text, `\n`, "\n")+"\n"), 0o600); err != nil {
			s.fail("%v", err)
		}
	case "remove":
		if err := os.Remove(rest); err != nil {
			s.fail("%v", err)
		}
	case "env":
		name, value, ok := strings.Cut(rest, " ")
		s.t.Setenv(name, value)
		if !ok {
			_ = os.Unsetenv(name) // Setenv sees to it that it becomes what it was.
		}
	default:
		s.fail("no such step")
	}
}

func (s *script) match(text, pattern string) []string {
	s.t.Helper()
	found := regexp.MustCompile("(?m)" + pattern).FindStringSubmatch(text)
	if found == nil {
		s.fail("this was not printed")
	}
	return found
}

// redeem adds a user as the server does when one joins.
func redeem(t *testing.T, data, link string) {
	t.Helper()
	i, err := uri.ParseInvite(link)
	if err != nil {
		t.Fatal(err)
	}
	f, err := node.OpenFolder(t.Context(), data)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var a key.Account
	_, _ = rand.Read(a.Ed25519[:])
	if _, err := f.Registry.Redeem(context.Background(), i.Token, a, time.Now()); err != nil {
		t.Fatal(err)
	}
}
