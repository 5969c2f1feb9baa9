// Package install holds what brings the server onto a machine: what a Debian package
// is made of, and how a container is built.
//
//	undertone-server.service   the unit; what the server may and may not do
//	sysctl.conf                how much the system may keep for its socket
//	control, contents          what dpkg shows of the package, and what is in it
//	postinst, prerm, postrm    what is done when it comes and goes
//	lintian-overrides          what Debian's checker need not complain of
//	Containerfile              the image
//
// The script .ci/deb makes the package, for make deb-server. There is no code here but the
// tests that keep all of it true.
package install

import (
	"bytes"
	"debug/elf"
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

// program is the server's program, built once as the package has it.
var program string

func TestMain(m *testing.M) {
	os.Exit(withProgram(m.Run))
}

func withProgram(run func() int) int {
	dir, err := os.MkdirTemp("", "undertone-install-")
	if err == nil {
		defer func() { _ = os.RemoveAll(dir) }()
		program = filepath.Join(dir, "undertone-server")
		build := exec.Command("go", "build", "-o", program, "./server/undertone-server")
		build.Dir = root
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		build.Stdout, build.Stderr = os.Stderr, os.Stderr
		err = build.Run()
	}
	if err != nil {
		_, _ = os.Stderr.WriteString("cannot build the server: " + err.Error() + "\n")
		return 1
	}
	return run()
}

// output runs a command and returns what it printed.
func output(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", cmd, err, out)
	}
	return string(out)
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// pack makes a package of a program and returns its path. It is not compressed, which
// takes time.
func pack(t *testing.T, program, stamp string) string {
	t.Helper()
	dir := t.TempDir()
	output(t, filepath.Join(root, ".ci", "deb"), "server/install", program, stamp, dir, "-Znone")
	found, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err != nil || len(found) != 1 {
		t.Fatalf("packages made: %v, %v", found, err)
	}
	return found[0]
}

// The package holds these files and no others, all root's, and nothing that dpkg would
// ask the operator about: his settings are in the data folder.
func TestPackage(t *testing.T) {
	deb := pack(t, program, "v1.2.3")
	var got []string
	line := regexp.MustCompile(`^(\S+) root/root +\d+ \S+ \S+ \./(.*)$`)
	for _, l := range strings.Split(strings.TrimSpace(output(t, "dpkg-deb", "--contents", deb)), "\n") {
		m := line.FindStringSubmatch(l)
		if m == nil {
			t.Fatalf("in the package is %q", l)
		}
		if strings.HasPrefix(m[1], "d") && m[1] != "drwxr-xr-x" {
			t.Errorf("the folder %q is %s", m[2], m[1])
		}
		if !strings.HasPrefix(m[1], "d") {
			got = append(got, m[1]+" "+m[2])
		}
	}
	want := []string{
		"-rwxr-xr-x usr/bin/undertone-server",
		"-rw-r--r-- usr/lib/systemd/system/undertone-server.service",
		"-rw-r--r-- usr/lib/sysctl.d/05-undertone-server.conf",
		"-rw-r--r-- usr/share/doc/undertone-server/README.md",
		"-rw-r--r-- usr/share/doc/undertone-server/changelog.gz",
		"-rw-r--r-- usr/share/doc/undertone-server/copyright",
		"-rw-r--r-- usr/share/lintian/overrides/undertone-server",
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("in the package are\n%s", strings.Join(got, "\n"))
	}

	// What was unpacked is what was packed, and the sums are those of the files.
	dir := t.TempDir()
	output(t, "dpkg-deb", "--raw-extract", deb, dir)
	for path, original := range map[string]string{
		"usr/bin/undertone-server":                        program,
		"usr/lib/systemd/system/undertone-server.service": "undertone-server.service",
		"usr/lib/sysctl.d/05-undertone-server.conf":       "sysctl.conf",
		"usr/share/doc/undertone-server/README.md":        filepath.Join(root, "README.md"),
		"DEBIAN/postinst":                                 "postinst",
		"DEBIAN/prerm":                                    "prerm",
		"DEBIAN/postrm":                                   "postrm",
	} {
		if read(t, filepath.Join(dir, path)) != read(t, original) {
			t.Errorf("%s is not %s", path, original)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "DEBIAN", "conffiles")); err == nil {
		t.Error("the package has files about which dpkg asks")
	}
	sums := read(t, filepath.Join(dir, "DEBIAN", "md5sums"))
	check := exec.Command("md5sum", "--check", "--strict", "--quiet")
	check.Dir, check.Stdin = dir, strings.NewReader(sums)
	if out, err := check.CombinedOutput(); err != nil || strings.Count(sums, "\n") != len(want) {
		t.Errorf("the sums are wrong: %v\n%s%s", err, out, sums)
	}
	if text := read(t, dir+"/usr/share/doc/undertone-server/copyright"); !strings.Contains(text, "License: Expat\n Permission is hereby granted") ||
		strings.Contains(text, "\n\n ") || !strings.HasSuffix(text, " SOFTWARE.\n") {
		t.Errorf("the copyright is\n%s", text)
	}
}

// The program needs no library of the system, and what might is not packed.
func TestProgramIsStatic(t *testing.T) {
	f, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the program has a segment %v", p.Type)
		}
	}
	other := filepath.Join(t.TempDir(), "undertone-server")
	if err := os.WriteFile(other, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(filepath.Join(root, ".ci", "deb"), "server/install", other, "v1", t.TempDir()).CombinedOutput(); err == nil || !bytes.Contains(out, []byte("was not built with CGO_ENABLED=0")) {
		t.Errorf("a program of another kind is packed: %v\n%s", err, out)
	}
}

// smallProgram is quicker to pack than the server.
func smallProgram(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	source := filepath.Join(dir, "main.go")
	if err := os.WriteFile(source, []byte("package main\n\nfunc main() {}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("go", "build", "-o", filepath.Join(dir, "small"), source)
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return filepath.Join(dir, "small")
}

// Later versions are upgrades of earlier ones, for dpkg. The fields are what dpkg needs.
func TestVersions(t *testing.T) {
	small := smallProgram(t)
	last := "0~0"
	for _, c := range []struct{ stamp, version string }{
		{"c6e7459-dirty", `^0~[0-9]{14}\.c6e7459\+dirty$`},
		{"v0.1.0", `^0\.1\.0$`},
		{"v1.2.3-rc1", `^1\.2\.3~rc1$`},
		{"v1.2.3-rc1-4-gabcdef0", `^1\.2\.3~rc1\+4\.gabcdef0$`},
		{"v1.2.3", `^1\.2\.3$`},
		{"v1.2.3-2-g0123456", `^1\.2\.3\+2\.g0123456$`},
		{"v1.2.3-12-gabcdef0-dirty", `^1\.2\.3\+12\.gabcdef0\+dirty$`},
		{"v1.10.0", `^1\.10\.0$`},
	} {
		fields := output(t, "dpkg-deb", "--field", pack(t, small, c.stamp))
		version := regexp.MustCompile(`(?m)^Version: (.*)$`).FindStringSubmatch(fields)[1]
		if !regexp.MustCompile(c.version).MatchString(version) {
			t.Errorf("%s is version %s", c.stamp, version)
		}
		output(t, "dpkg", "--compare-versions", version, "gt", last)
		last = version
		for _, want := range []string{`Package: undertone-server`, `Architecture: [a-z0-9]+`, `Depends: adduser`,
			`Maintainer: .+ <.+@.+>`, `Installed-Size: [0-9]{3,5}`, `Description: server for unobservable voice calls`} {
			if !regexp.MustCompile(`(?m)^` + want + `$`).MatchString(fields) {
				t.Errorf("%s: there is no %s in\n%s", c.stamp, want, fields)
			}
		}
	}
	// The same source is the same package.
	if first, second := pack(t, small, "v1.10.0"), pack(t, small, "v1.10.0"); read(t, first) != read(t, second) {
		t.Error("the same twice makes two different packages")
	}
}
