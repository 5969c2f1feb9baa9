package install

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// unit reads the lines of the systemd unit, as section.key.
func unit(t *testing.T) map[string][]string {
	t.Helper()
	all, section := map[string][]string{}, ""
	for _, line := range strings.Split(read(t, "undertone-server.service"), "\n") {
		key, value, set := strings.Cut(line, "=")
		switch {
		case line == "" || strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "["):
			section = strings.Trim(line, "[]")
		case set:
			all[section+"."+key] = append(all[section+"."+key], value)
		default:
			t.Errorf("the unit has a line %q", line)
		}
	}
	return all
}

// The unit runs the program of the package, as the user and in the folder that the
// package makes, and only once there is a server in it.
func TestUnitFitsPackage(t *testing.T) {
	u := unit(t)
	post, purge := read(t, "postinst"), read(t, "postrm")
	for key, want := range map[string]string{
		"Service.ExecStart":              "/usr/bin/undertone-server run --data /var/lib/undertone",
		"Service.User":                   "undertone",
		"Service.StateDirectory":         "undertone",
		"Service.Restart":                "on-failure",
		"Service.RestartForceExitStatus": "SIGHUP",
		"Unit.ConditionPathExists":       "/var/lib/undertone/server.toml",
		"Install.WantedBy":               "multi-user.target",
	} {
		if !slices.Equal(u[key], []string{want}) {
			t.Errorf("%s is %q", key, u[key])
		}
	}
	// A panic ends a program of Go with 2, out of memory too: no exit is final.
	for key := range u {
		if strings.HasPrefix(key, "Service.RestartPrevent") || key == "Service.SuccessExitStatus" {
			t.Errorf("%s is %q: who crashed would stay away", key, u[key])
		}
	}
	// Where the samples have sockets, there is a folder for them.
	samples := regexp.MustCompile(`unix:/run/([a-z]+)/`).FindAllStringSubmatch(read(t, root+"/server/node/settings.go")+read(t, root+"/server/internal/local/local.go"), -1)
	if len(samples) < 2 {
		t.Errorf("%d samples are left", len(samples))
	}
	for _, s := range samples {
		if !slices.Equal(u["Service.RuntimeDirectory"], s[1:]) {
			t.Errorf("the sample is %s, and the server can write to /run/%s", s[0], u["Service.RuntimeDirectory"])
		}
	}
	for _, want := range []string{"chown undertone:undertone", `data="${DPKG_ROOT:-}/var/lib/undertone"`} {
		if !strings.Contains(post, want) {
			t.Errorf("postinst has no %q", want)
		}
	}
	if !strings.Contains(purge, `rm -rf "${DPKG_ROOT:-}/var/lib/undertone"`) {
		t.Error("postrm purges another folder")
	}
	// For these commands root and the server's user need no --data: it is the
	// default of the program, once there is such a folder.
	if main := read(t, root+"/server/undertone-server/root.go"); !strings.Contains(main, `installedData = "/var/lib/undertone"`) {
		t.Error("the program knows another folder")
	}
	// The check of a stopped server knows that the folder of its sockets comes back.
	if measure := read(t, root+"/server/undertone-server/measure.go"); !strings.Contains(measure, `serviceRun = "/run/`+u["Service.RuntimeDirectory"][0]+`"`) {
		t.Error("the program knows another folder of sockets")
	}
}

// systemd reads every line of the unit, and finds little that the server still may do.
func TestUnitIsHardened(t *testing.T) {
	// The program must be there for systemd, and it says so if a line makes no sense.
	path := filepath.Join(t.TempDir(), "undertone-server.service")
	text := strings.ReplaceAll(read(t, "undertone-server.service"), "/usr/bin/undertone-server", program)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("systemd-analyze", "verify", "--man=no", path)
	if out, err := cmd.CombinedOutput(); err != nil || strings.Contains(string(out), path) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
	out := output(t, "systemd-analyze", "security", "--no-pager", "--offline=true", "--threshold=15", path)
	if m := regexp.MustCompile(`Overall exposure level for undertone-server.service: ([\d.]+)`).FindStringSubmatch(out); m == nil {
		t.Errorf("systemd-analyze security says\n%s", out)
	}
}
