package node

import (
	"bytes"
	"log/slog"
	"maps"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"undertone/transport/cell"
)

// Every setting can be overridden by a variable, and each way of writing one is
// understood.
func TestEnvironmentOverridesEverySetting(t *testing.T) {
	values := map[string]string{
		"mode": "smix", "interval": "20ms", "channels": "12", "public_host": "calls.example.org:1", "listen": "127.0.0.1:9",
		"listen_udp": "[::1]:9", "public_addresses": "203.0.113.7, 2001:db8::7", "max_users": "7", "metrics": "127.0.0.1:9464", "log_level": "warn",
	}
	want := Settings{
		Mode: cell.SMIX, Interval: cell.Interval20, Channels: 12, PublicHost: "calls.example.org:1", Listen: "127.0.0.1:9", ListenUDP: "[::1]:9",
		PublicAddresses: []netip.Addr{netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("2001:db8::7")},
		MaxUsers:        7, Metrics: "127.0.0.1:9464", LogLevel: slog.LevelWarn,
	}
	text, err := DefaultSettings().Text()
	if err != nil {
		t.Fatal(err)
	}
	environ := []string{"PATH=/bin", "UNDERTONE_SERVER=x", "UNDERTONE_SERVER_DATA=/srv/x", "MY_UNDERTONE_SERVER_X=1", "broken"}
	for _, name := range settingNames() {
		value, ok := values[name]
		if !ok {
			t.Fatalf("the test does not override %s", name)
		}
		environ = append(environ, variable(name)+"="+value)
	}
	if got, err := ParseSettings(text, environ...); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the settings are %+v, %v", got, err)
	}
	e, err := ParseEnvironment(environ)
	if err != nil || !maps.Equal(e, Environment(values)) {
		t.Errorf("the environment is %v, %v", e, err)
	}
	if got, err := DefaultSettings().With(e); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("the defaults with it are %+v, %v", got, err)
	}
	if got, err := ParseSettings(text, "UNDERTONE_SERVER_PUBLIC_ADDRESSES=", "PATH=/bin"); err != nil || !reflect.DeepEqual(got, DefaultSettings()) {
		t.Errorf("an empty list: %+v, %v", got, err)
	}
}

// Variables may give what the file must otherwise, and defaults go by their mode.
func TestEnvironmentAlone(t *testing.T) {
	got, err := ParseSettings(nil, "UNDERTONE_SERVER_MODE=bmix", "UNDERTONE_SERVER_INTERVAL=40ms", "UNDERTONE_SERVER_LISTEN=:7443")
	if err != nil || !reflect.DeepEqual(got, DefaultSettingsFor(cell.BMIX)) {
		t.Errorf("the settings are %+v, %v", got, err)
	}
	if _, err := ParseSettings(nil, "UNDERTONE_SERVER_MODE=bmix"); err == nil || !strings.Contains(err.Error(), "it does not say interval, listen;") {
		t.Errorf("error is %v", err)
	}
}

// A container that runs beside a service called undertone-server is told of it.
func TestServiceVariables(t *testing.T) {
	e, err := ParseEnvironment([]string{
		"UNDERTONE_SERVER_SERVICE_HOST=10.0.0.1", "UNDERTONE_SERVER_SERVICE_PORT=7443", "UNDERTONE_SERVER_SERVICE_PORT_CALLS=7443",
		"UNDERTONE_SERVER_PORT=tcp://10.0.0.1:7443", "UNDERTONE_SERVER_PORT_7443_TCP=tcp://10.0.0.1:7443", "UNDERTONE_SERVER_PORT_7443_TCP_PROTO=tcp",
		"UNDERTONE_SERVER_PORT_7443_UDP_PORT=7443", "UNDERTONE_SERVER_PORT_7443_TCP_ADDR=10.0.0.1", "UNDERTONE_SERVER_NAME=/a/undertone-server",
		"UNDERTONE_SERVER_ENV_PATH=/bin", "UNDERTONE_SERVER_MAX_USERS=5",
	})
	if err != nil || len(e) != 1 || e["max_users"] != "5" {
		t.Errorf("%v, %v", e, err)
	}
	for _, v := range []string{"UNDERTONE_SERVER_PORTS=1", "UNDERTONE_SERVER_SERVICE=x", "UNDERTONE_SERVER_ENV=x"} {
		if _, err := ParseEnvironment([]string{v}); err == nil {
			t.Errorf("%s is taken", v)
		}
	}
}

func TestBadEnvironment(t *testing.T) {
	text, err := DefaultSettings().Text()
	if err != nil {
		t.Fatal(err)
	}
	for v, says := range map[string]string{
		"UNDERTONE_SERVER_MAXUSERS=3":           "UNDERTONE_SERVER_MAXUSERS, which is no setting; do you mean UNDERTONE_SERVER_MAX_USERS?",
		"UNDERTONE_SERVER_max_users=3":          "UNDERTONE_SERVER_max_users, which is no setting; do you mean UNDERTONE_SERVER_MAX_USERS?",
		"UNDERTONE_SERVER_DATE=/srv":            "do you mean UNDERTONE_SERVER_DATA?",
		"UNDERTONE_SERVER_PASSWORD=x":           "which is no setting; there are UNDERTONE_SERVER_MODE, UNDERTONE_SERVER_INTERVAL,",
		"UNDERTONE_SERVER_=x":                   "which is no setting; there are",
		"UNDERTONE_SERVER_MAX_USERS=many":       "UNDERTONE_SERVER_MAX_USERS=many must be a whole number, as in: UNDERTONE_SERVER_MAX_USERS=200",
		"UNDERTONE_SERVER_MAX_USERS=":           "must be a whole number",
		"UNDERTONE_SERVER_MAX_USERS=0":          "max_users: 0 is not between 1 and 3200, the most that an interval of 40ms has room for in mode tmix (the environment sets UNDERTONE_SERVER_MAX_USERS)",
		"UNDERTONE_SERVER_MODE=xmix":            "use tmix, bmix or smix (the environment sets UNDERTONE_SERVER_MODE)",
		"UNDERTONE_SERVER_MODE=":                "use tmix, bmix or smix",
		"UNDERTONE_SERVER_METRICS=0.0.0.0:9":    "can be reached from other machines",
		"UNDERTONE_SERVER_PUBLIC_ADDRESSES=a,b": `"a" is not an IP address`,
	} {
		if _, err := ParseSettings(text, v); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: error is %v, want the words %q", v, err, says)
		}
	}
	// What is wrong in the file is not put down to the environment.
	if _, err := ParseSettings([]byte(completed("intervall = 3")), "UNDERTONE_SERVER_MODE=tmix"); err == nil || strings.Contains(err.Error(), "environment") {
		t.Errorf("error is %v", err)
	}
}

// A server takes its variables from whoever starts it, and from nowhere else: the
// demo of the app is not that of this machine's server.
func TestEnvironmentIsGiven(t *testing.T) {
	t.Setenv("UNDERTONE_SERVER_NONSENSE", "1")
	s := DefaultSettings()
	s.Listen = "127.0.0.1:0"
	dir := initialised(t, s)
	if _, err := New(t.Context(), Config{Data: dir, Embedded: true, Environ: os.Environ()}); err == nil || !strings.Contains(err.Error(), "UNDERTONE_SERVER_NONSENSE") {
		t.Errorf("error is %v", err)
	}
	n, err := New(t.Context(), Config{Data: dir, Embedded: true})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = n.Close() }()
	m, err := New(t.Context(), Config{Data: initialised(t, s), Embedded: true, Environ: []string{"UNDERTONE_SERVER_MAX_USERS=3"}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = m.Close() }()
	if n.Status().Places != s.MaxUsers || m.Status().Places != 3 {
		t.Errorf("%d and %d places", n.Status().Places, m.Status().Places)
	}
}

func initialised(t *testing.T, s Settings) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	if err := Init(t.Context(), dir, s); err != nil {
		t.Fatal(err)
	}
	return dir
}

// A server that has settings from the environment which server.toml must have otherwise
// is backed up with them, and is the same server where there are none.
func TestBackupOfSettingsFromTheEnvironment(t *testing.T) {
	f := newFolder(t)
	text := read(t, f.Dir, SettingsFile)
	if err := writeFile(filepath.Join(f.Dir, SettingsFile), []byte("# Ask Carol.\nmax_users = 20\n")); err != nil {
		t.Fatal(err)
	}
	environ := []string{EnvPrefix + "MODE=tmix", EnvPrefix + "INTERVAL=40ms", EnvPrefix + "LISTEN=:7000",
		EnvPrefix + "MAX_USERS=30", EnvPrefix + "PUBLIC_HOST=calls.example.org:7000"}
	g, err := OpenFolder(t.Context(), f.Dir, environ...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = g.Close() }()
	file, to := filepath.Join(t.TempDir(), "backup.tar"), filepath.Join(t.TempDir(), "data")
	if _, err := backUp(t, g, file, ""); err != nil {
		t.Fatal(err)
	}
	if _, err := restore(t, file, to); err != nil {
		t.Fatal(err)
	}
	if s, err := ReadSettings(to); err != nil || !reflect.DeepEqual(s, g.Settings) || s.MaxUsers != 30 {
		t.Errorf("the settings are %+v, %v, and were %+v", s, err, g.Settings)
	}
	if again, err := ReadSettings(to, environ...); err != nil || !reflect.DeepEqual(again, g.Settings) {
		t.Errorf("with the variables the settings are %+v, %v", again, err)
	}

	// A file that is whole without the variables stays as its operator wrote it.
	if err := writeFile(filepath.Join(f.Dir, SettingsFile), text); err != nil {
		t.Fatal(err)
	}
	h, err := OpenFolder(t.Context(), f.Dir, EnvPrefix+"MAX_USERS=30")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close() }()
	if got, err := h.settingsText(text); err != nil || !bytes.Equal(got, text) {
		t.Errorf("the file is another one: %v", err)
	}
}
