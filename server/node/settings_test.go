package node

import (
	"log/slog"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"undertone/transport/cell"
)

// What is written is what is read, whatever the values.
func TestSettingsRoundTrip(t *testing.T) {
	for name, s := range map[string]Settings{
		"default":      DefaultSettings(),
		"default bmix": DefaultSettingsFor(cell.BMIX),
		"default smix": DefaultSettingsFor(cell.SMIX),
		"everything": {
			Mode: cell.TMIX, Channels: 8, Interval: cell.Interval20, PublicHost: "calls.example.org:1", Listen: "127.0.0.1:0", ListenUDP: "[::1]:9",
			PublicAddresses: []netip.Addr{netip.MustParseAddr("203.0.113.7"), netip.MustParseAddr("2001:db8::7")},
			MaxUsers:        7, Metrics: "unix:/run/undertone/metrics.sock", LogLevel: slog.LevelDebug,
		},
	} {
		text, err := s.Text()
		if err != nil {
			t.Fatal(err)
		}
		got, err := ParseSettings(text)
		if err != nil || !reflect.DeepEqual(got, s) {
			t.Errorf("%s: %+v came back as %+v, %v", name, s, got, err)
		}
	}
}

// The file that init writes explains every setting there is.
func TestTextHasEverySetting(t *testing.T) {
	text, err := DefaultSettings().Text()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range settingNames() {
		if !strings.Contains(string(text), "\n"+name+" = ") {
			t.Errorf("server.toml does not mention %s", name)
		}
	}
}

// completed adds the settings that must be there and are not.
func completed(text string) string {
	for _, name := range requiredSettings {
		if !strings.Contains(text, name+" = ") {
			text += "\n" + example(name)
		}
	}
	return text
}

func TestSettingsNotThereAreTheDefault(t *testing.T) {
	s, err := ParseSettings([]byte(completed("")))
	if err != nil || !reflect.DeepEqual(s, DefaultSettings()) {
		t.Errorf("a short file is %+v, %v", s, err)
	}
}

// Defaults go by the mode that the file names.
func TestDefaultsOfModes(t *testing.T) {
	for _, m := range []cell.Mode{cell.TMIX, cell.BMIX, cell.SMIX} {
		s, err := ParseSettings([]byte(completed("mode = \"" + m.String() + "\"")))
		if err != nil || !reflect.DeepEqual(s, DefaultSettingsFor(m)) {
			t.Errorf("a short file is %+v, %v", s, err)
		}
	}
	most := map[cell.Mode]int{cell.TMIX: 200, cell.BMIX: 100, cell.SMIX: 50}
	for m, want := range most {
		if got := DefaultSettingsFor(m).MaxUsers; got != want {
			t.Errorf("%v is for %d users, not %d", m, got, want)
		}
	}
}

func TestChannels(t *testing.T) {
	for _, n := range []int{-1, 0, 33} {
		if _, err := checkChannels(cell.SMIX, n); err == nil || !strings.Contains(err.Error(), "not between 1 and 32") {
			t.Errorf("%d channels: %v", n, err)
		}
	}
	for _, n := range []int{1, 8, 9, 32} {
		if got, err := checkChannels(cell.SMIX, n); err != nil || got != n {
			t.Errorf("%d channels: %d, %v", n, got, err)
		}
	}
	for _, m := range []cell.Mode{cell.TMIX, cell.BMIX} {
		if s := DefaultSettingsFor(m); s.shared() != 0 {
			t.Errorf("%v shares %d channels", m, s.shared())
		}
	}
}

func TestRequiredSettings(t *testing.T) {
	for text, says := range map[string]string{
		"":                        "it does not say mode, interval, listen; ",
		"mode = \"tmix\"":         "it does not say interval, listen; ",
		"max_users = 3":           "mode = \"tmix\", interval = \"40ms\", listen = \":7443\"",
		"# mode = \"tmix\"\n\n\n": "it does not say mode, ",
	} {
		if _, err := ParseSettings([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: error is %v, want the words %q", text, err, says)
		}
	}
}

func TestBadSettings(t *testing.T) {
	for text, says := range map[string]string{
		"intervall = \"40ms\"":                    `line 1: there is no setting "intervall"; do you mean "interval"?`,
		"mode = \"tmix\"\n\npublichost = \"x:1\"": `line 3: there is no setting "publichost"; do you mean "public_host"?`,
		"password = \"x\"":                        `line 1: there is no setting "password"; there are mode, interval, channels, public_host,`,
		"[limits]\nusers = 3":                     "line 1: there is no setting",
		"mode = \"smix\"\nchannels = 33":          "channels: 33 is not between 1 and 32",
		"mode = \"smix\"\nchannels = 0":           "channels: 0 is not between 1 and 32",
		"channels = 16":                           "channels: mode tmix has one for each user, and none to share; remove the setting",
		"channels = \"8\"":                        "line 1: channels must be a whole number without quotes, as in: channels = 8",
		"mode = \"bmix\"\nmax_users = 321":        "max_users: 321 is not between 1 and 320, the most that an interval of 40ms has room for in mode bmix",
		"mode = \"xmix\"":                         "use tmix, bmix or smix",
		"mode = tmix":                             `line 1: mode must be a text in quotes, as in: mode = "tmix"`,
		"mode = \"tmix":                           `line 1: mode must be a text in quotes`,
		"[mode]\nx = 1":                           `line 1: mode must be a text in quotes`,
		"interval = \"50ms\"":                     "use 20ms, 40ms or 100ms",
		"interval = 40":                           `line 1: interval must be a text in quotes, as in: interval = "40ms"`,
		"interval = 40ms":                         `line 1: interval must be a text in quotes`,
		"interval = ":                             "line 1: interval must be",
		"public_host = \"example.org\"":           "public_host",
		"public_host = \"a/b:7443\"":              "public_host",
		"public_host = \"user@x:7443\"":           "public_host",
		"listen = \"7443\"":                       "listen:",
		"listen = \":70000\"":                     "listen:",
		"listen_udp = \"x\"":                      "listen_udp",
		"public_addresses = [\"example.org\"]":    "is not an IP address",
		"public_addresses = [\"0.0.0.0\"]":        "is not an IP address",
		"public_addresses = \"203.0.113.7\"":      `line 1: public_addresses must be a list of texts in quotes, as in: public_addresses = ["203.0.113.7"]`,
		"max_users = 0":                           "max_users",
		"max_users = 1000000":                     "max_users",
		"\nmax_users = \"many\"":                  "line 2: max_users must be a whole number without quotes, as in: max_users = 200",
		"max_users = many":                        "line 1: max_users must be a whole number",
		"max_users = 3.5":                         "line 1: max_users must be a whole number",
		"max_users = 3\nmax_users = 4":            "line 2: key max_users is already defined; remove one",
		"metrics = \"0.0.0.0:9464\"":              `metrics: "0.0.0.0:9464" can be reached from other machines`,
		"metrics = \":9464\"":                     `metrics: ":9464" is no address of this machine with a port; write something like "127.0.0.1:9464"`,
		"metrics = \"unix:metrics.sock\"":         `metrics: "unix:metrics.sock" does not name a socket by its whole path`,
		"metrics = 9464":                          `line 1: metrics must be a text in quotes, as in: metrics = "127.0.0.1:9464"`,
		"log_level = \"loud\"":                    "use debug, info, warn or error",
		"= 3":                                     "line 1: this is not how a setting is written",
		"the settings":                            "write a line like: mode = ",
	} {
		_, err := ParseSettings([]byte(completed(text)))
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: error is %v, want the words %q", text, err, says)
		} else if strings.Contains(err.Error(), "struct") || strings.Contains(err.Error(), "U+") {
			t.Errorf("%q: not for a person: %v", text, err)
		}
	}
}

func TestNearest(t *testing.T) {
	for name, want := range map[string]string{
		"Mode": "mode", "log-level": "log_level", "loglevel": "log_level", "maxusers": "max_users",
		"public_adresses": "public_addresses", "listen_tcp": "listen_udp",
		"password": "", "users": "", "x": "",
	} {
		if got := nearest(name, settingNames()); got != want {
			t.Errorf("nearest(%q) is %q, want %q", name, got, want)
		}
	}
	if d := distance("kitten", "sitting"); d != 3 {
		t.Errorf("the distance of kitten and sitting is %d, want 3", d)
	}
}

// The figures of the design: about 22 kbit/s each way at 100 ms, about 54 at
// 40 ms, which is 35 GB a month both ways.
func TestTraffic(t *testing.T) {
	for online, want := range map[int]Traffic{10: {63, 510, 186}, 100: {162, 3267, 1111}} {
		if got := traffic(cell.BMIX, cell.Interval40, online); got != want {
			t.Errorf("%d in a bmix: %+v, want %+v", online, got, want)
		}
	}
	for online, want := range map[int]Traffic{1: {519, 519, 336}, 50: {519, 519, 336}} {
		if got := traffic(cell.SMIX, cell.Interval40, online); got != want {
			t.Errorf("%d in an smix: %+v, want %+v", online, got, want)
		}
	}
	for i, want := range map[cell.Interval]Traffic{
		cell.Interval100: {22, 22, 14},
		cell.Interval40:  {54, 54, 35},
		cell.Interval20:  {108, 108, 70},
	} {
		if got := traffic(cell.TMIX, i, 200); got != want {
			t.Errorf("%s: %+v, want %+v", i, got, want)
		}
	}
}

func traffic(m cell.Mode, i cell.Interval, online int) Traffic {
	s := DefaultSettingsFor(m)
	s.Interval = i
	return s.Traffic(online)
}

func FuzzSettings(f *testing.F) {
	text, err := DefaultSettings().Text()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(text))
	f.Add("mode = \"tmix\"\n[x]\ny = 1")
	f.Fuzz(func(t *testing.T, text string) {
		s, err := ParseSettings([]byte(text))
		if err != nil {
			return
		}
		again, err := s.Text()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := ParseSettings(again); err != nil || !reflect.DeepEqual(got, s) {
			t.Fatalf("%+v came back as %+v, %v", s, got, err)
		}
	})
}
