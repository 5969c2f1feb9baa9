// Package install holds what brings the softphone onto a Debian machine: what a package
// is made of.
//
//	control     what dpkg shows of the package
//	contents    what is in it besides the program: the menu entry and the icons of assets
//
// The script .ci/deb makes the package, for make deb-softphone. There is no code here but
// the tests that keep all of it true.
package install

import (
	"fmt"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the folder of go.mod.
const root = "../.."

func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return string(out)
}

// pack makes a package of a small program that is linked with Opus and PortAudio, as the
// softphone is. It is not compressed, which takes time.
func pack(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte(`package main

// #cgo pkg-config: opus portaudio-2.0
// #include <opus.h>
// #include <portaudio.h>
import "C"

func main() { println(C.opus_get_version_string(), C.Pa_GetVersion()) }
`), 0o600); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "undertone")
	output(t, "go", "build", "-o", program, source)
	output(t, filepath.Join(root, ".ci", "deb"), "app/install", program, "v1.2.3", dir, "-Znone")
	return filepath.Join(dir, only(t, filepath.Join(dir, "*.deb")))
}

// only returns the base name of the one file of a pattern.
func only(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(pattern)
	if err != nil || len(found) != 1 {
		t.Fatalf("%s: %v, %v", pattern, found, err)
	}
	return filepath.Base(found[0])
}

// What the desktop needs for a menu entry is in the package, and it asks for the
// libraries that the program is linked with.
func TestPackage(t *testing.T) {
	deb := pack(t)
	dir := t.TempDir()
	output(t, "dpkg-deb", "--raw-extract", deb, dir)

	fields := output(t, "dpkg-deb", "--field", deb)
	for _, want := range []string{`Package: undertone`, `Version: 1\.2\.3`, `Depends: .*\blibc6 \(>= .*`,
		`Depends: .*\blibopus0 \(>= .*`, `Depends: .*\blibportaudio2 \(>= .*`, `Depends: .*, libasound2-plugins`} {
		if !regexp.MustCompile(`(?m)^` + want + `$`).MatchString(fields) {
			t.Errorf("there is no %s in\n%s", want, fields)
		}
	}
	if strings.Contains(fields, "@libraries@") {
		t.Errorf("a field is not filled in:\n%s", fields)
	}

	entry := filepath.Join(dir, "usr", "share", "applications", "undertone.desktop")
	if out := output(t, "desktop-file-validate", "--no-hints", entry); out != "" {
		t.Errorf("the menu entry: %s", out)
	}
	text, err := os.ReadFile(entry)
	if err != nil {
		t.Fatal(err)
	}
	run := regexp.MustCompile(`(?m)^Exec=(\S+)`).FindSubmatch(text)
	icon := regexp.MustCompile(`(?m)^Icon=(\S+)`).FindSubmatch(text)
	if run == nil || icon == nil {
		t.Fatalf("the menu entry is\n%s", text)
	}
	if _, err := os.Stat(filepath.Join(dir, "usr", "bin", string(run[1]))); err != nil {
		t.Error(err)
	}
	var sizes []string
	icons, _ := filepath.Glob(filepath.Join(dir, "usr", "share", "icons", "hicolor", "*", "apps", string(icon[1])+".png"))
	for _, path := range icons {
		size := filepath.Base(filepath.Dir(filepath.Dir(path)))
		sizes = append(sizes, size)
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := png.DecodeConfig(f)
		_ = f.Close()
		if got := fmt.Sprintf("%dx%d", picture.Width, picture.Height); err != nil || got != size {
			t.Errorf("the icon of %s is of %s: %v", size, got, err)
		}
	}
	slices.Sort(sizes)
	if want := []string{"128x128", "16x16", "24x24", "256x256", "32x32", "48x48", "64x64"}; !slices.Equal(sizes, want) {
		t.Errorf("there are icons of %v", sizes)
	}
}
