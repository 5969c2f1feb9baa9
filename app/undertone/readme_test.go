package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	quoted  = regexp.MustCompile("`([^`\n]+)`|'[^']*'")
	comment = regexp.MustCompile(`\s+#.*$`)
	link    = regexp.MustCompile(`'[^']*'|"[^"]*"`)
	picture = regexp.MustCompile(`!\[[^\]]*\]\(([^)]+)\)`)
)

// readmeCommands returns what the README tells people to type: the lines of its
// shell blocks, and what it quotes in its text.
func readmeCommands(t *testing.T) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for i, part := range strings.Split(string(b), "```") {
		switch {
		case i%2 == 0:
			for _, m := range quoted.FindAllStringSubmatch(strings.ReplaceAll(part, "\n", " "), -1) {
				all = append(all, m[1])
			}
		case strings.HasPrefix(part, "sh\n"):
			all = append(all, strings.Split(strings.TrimPrefix(part, "sh\n"), "\n")...)
		}
	}
	return all
}

// Every command of the README exists, with every flag that it names there.
func TestReadmeCommands(t *testing.T) {
	makefile, err := os.ReadFile(filepath.Join("..", "..", "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, line := range readmeCommands(t) {
		words := strings.Fields(link.ReplaceAllString(comment.ReplaceAllString(line, ""), "LINK"))
		if len(words) > 0 && words[0] == "sudo" {
			words = words[1:]
		}
		if len(words) < 2 {
			continue
		}
		switch words[0] {
		case "make":
			checked++
			if !strings.Contains(string(makefile), "\n"+words[1]+":") {
				t.Errorf("README: %s: there is no such target", line)
			}
		case "undertone", "undertone-server":
			checked++
			checkCommand(t, line, words)
		}
	}
	if checked < 15 {
		t.Errorf("only %d commands were found in the README", checked)
	}
}

func checkCommand(t *testing.T, line string, words []string) {
	t.Helper()
	args := []string{}
	for _, w := range words[1:] {
		if strings.HasPrefix(w, "-") || strings.ToLower(w) != w || strings.Contains(w, ".") {
			break
		}
		args = append(args, w)
	}
	out, err := exec.Command(filepath.Join(programs, words[0]), append(args, "--help")...).CombinedOutput()
	usage := words[0]
	if len(args) > 0 {
		usage += " " + args[0]
	}
	if err != nil || !strings.Contains(string(out), usage) {
		t.Errorf("README: %s: %v\n%s", line, err, out)
	}
	for _, w := range words[1:] {
		if strings.HasPrefix(w, "--") && !strings.Contains(string(out), w) {
			t.Errorf("README: %s: there is no %s", line, w)
		}
	}
}

// Every picture of the README is there.
func TestReadmePictures(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	pictures := picture.FindAllSubmatch(text, -1)
	if len(pictures) == 0 {
		t.Error("there are none")
	}
	for _, m := range pictures {
		if _, err := os.Stat(filepath.Join("..", "..", filepath.FromSlash(string(m[1])))); err != nil {
			t.Error(err)
		}
	}
}
