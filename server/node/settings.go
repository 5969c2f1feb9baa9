package node

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"text/template"

	"github.com/pelletier/go-toml/v2"

	"undertone/server/internal/mix"
	"undertone/transport/cell"
	"undertone/transport/uri"
)

// DefaultPort is where a server listens unless it is told otherwise: TCP for
// coming online, UDP for the cells.
const DefaultPort = 7443

// Settings are what the operator decides, in server.toml.
type Settings struct {
	// Mode and Interval are the set's. They stand in every invite, so they
	// cannot change once somebody has joined.
	Mode     cell.Mode
	Interval cell.Interval
	// PublicHost is host:port as invites say it; empty stands for the address
	// that the server listens at.
	PublicHost string
	// Listen is where users come online (TCP), ListenUDP where their cells
	// arrive; empty stands for the same address as Listen.
	Listen    string
	ListenUDP string
	// PublicAddresses are the addresses at which clients reach ListenUDP, if
	// they are not the machine's own.
	PublicAddresses []netip.Addr
	// MaxUsers is how many users may be online at once.
	MaxUsers int
	// LogLevel is the least level that is logged.
	LogLevel slog.Level
}

// DefaultSettings returns what init writes unless it is told otherwise.
func DefaultSettings() Settings {
	return Settings{
		Mode:     cell.TMIX,
		Interval: cell.Interval40,
		Listen:   ":" + strconv.Itoa(DefaultPort),
		MaxUsers: 200,
		LogLevel: slog.LevelInfo,
	}
}

// CellsAddress is where the cells arrive.
func (s Settings) CellsAddress() string {
	if s.ListenUDP == "" {
		return s.Listen
	}
	return s.ListenUDP
}

// file is server.toml. Each key appears in settingsTemplate too.
type file struct {
	Mode            string   `toml:"mode"`
	Interval        string   `toml:"interval"`
	PublicHost      string   `toml:"public_host"`
	Listen          string   `toml:"listen"`
	ListenUDP       string   `toml:"listen_udp"`
	PublicAddresses []string `toml:"public_addresses"`
	MaxUsers        int      `toml:"max_users"`
	LogLevel        string   `toml:"log_level"`
}

// newFile is the way back from ParseSettings.
func newFile(s Settings) file {
	f := file{
		Mode:       s.Mode.String(),
		Interval:   s.Interval.String(),
		PublicHost: s.PublicHost,
		Listen:     s.Listen,
		ListenUDP:  s.ListenUDP,
		MaxUsers:   s.MaxUsers,
		LogLevel:   strings.ToLower(s.LogLevel.String()),
	}
	for _, a := range s.PublicAddresses {
		f.PublicAddresses = append(f.PublicAddresses, a.String())
	}
	return f
}

// ParseSettings reads server.toml. Keys that are not there have their default;
// keys that nobody knows, and values that make no sense, are errors that say
// what to write instead.
func ParseSettings(text []byte) (Settings, error) {
	f := newFile(DefaultSettings())
	dec := toml.NewDecoder(strings.NewReader(string(text))).DisallowUnknownFields()
	if err := dec.Decode(&f); err != nil {
		return Settings{}, explain(err)
	}
	return f.settings()
}

// explain rewords an error of the TOML package for a person.
func explain(err error) error {
	var strict *toml.StrictMissingError
	if errors.As(err, &strict) && len(strict.Errors) > 0 {
		first := strict.Errors[0]
		line, _ := first.Position()
		name := strings.Join(first.Key(), ".")
		return fmt.Errorf("line %d: there is no setting %q; do you mean %q?", line, name, nearest(name, settingNames()))
	}
	var decode *toml.DecodeError
	if errors.As(err, &decode) {
		line, column := decode.Position()
		return fmt.Errorf("line %d, column %d: %s", line, column, strings.TrimPrefix(decode.Error(), "toml: "))
	}
	return err
}

// settings checks the values.
func (f file) settings() (s Settings, err error) {
	if s.Mode, err = cell.ParseMode(f.Mode); err != nil {
		return s, err
	}
	if err := CheckMode(s.Mode); err != nil {
		return s, err
	}
	if s.Interval, err = cell.ParseInterval(f.Interval); err != nil {
		return s, err
	}
	if f.PublicHost != "" {
		if err := uri.CheckHost(f.PublicHost); err != nil {
			return s, fmt.Errorf("public_host: %w; write something like \"calls.example.org:%d\"", err, DefaultPort)
		}
	}
	if err := checkListen(f.Listen); err != nil {
		return s, fmt.Errorf("listen: %w", err)
	}
	if f.ListenUDP != "" {
		if err := checkListen(f.ListenUDP); err != nil {
			return s, fmt.Errorf("listen_udp: %w", err)
		}
	}
	for _, a := range f.PublicAddresses {
		addr, err := netip.ParseAddr(a)
		if err != nil || addr.IsUnspecified() {
			return s, fmt.Errorf("public_addresses: %q is not an IP address; write something like \"203.0.113.7\"", a)
		}
		s.PublicAddresses = append(s.PublicAddresses, addr)
	}
	if most := mix.MaxSeats(s.Interval); f.MaxUsers < 1 || f.MaxUsers > most {
		return s, fmt.Errorf("max_users: %d is not between 1 and %d, the most that an interval of %s has room for", f.MaxUsers, most, s.Interval)
	}
	if err := s.LogLevel.UnmarshalText([]byte(f.LogLevel)); err != nil {
		return s, fmt.Errorf("log_level: %q; use debug, info, warn or error", f.LogLevel)
	}
	s.PublicHost, s.Listen, s.ListenUDP, s.MaxUsers = f.PublicHost, f.Listen, f.ListenUDP, f.MaxUsers
	return s, nil
}

// CheckMode refuses the modes that this version does not serve.
func CheckMode(m cell.Mode) error {
	if m != cell.TMIX {
		return fmt.Errorf("mode %s is not in this version of undertone-server, which serves tmix only; use mode tmix, or a newer version", m)
	}
	return nil
}

// checkListen says why s is no address to listen at: the host may be empty, and
// the port 0, which lets the system choose one.
func checkListen(s string) error {
	_, port, err := net.SplitHostPort(s)
	if err != nil {
		return fmt.Errorf("%q is not an address to listen at; write something like \":%d\"", s, DefaultPort)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		return fmt.Errorf("%q has no port between 0 and 65535", s)
	}
	return nil
}

// settingNames lists the keys of server.toml.
func settingNames() (names []string) {
	t := reflect.TypeFor[file]()
	for i := range t.NumField() {
		names = append(names, t.Field(i).Tag.Get("toml"))
	}
	return names
}

// nearest returns the name that takes the fewest edits to get to.
func nearest(name string, names []string) string {
	best, least := "", -1
	for _, n := range names {
		if d := distance(name, n); least < 0 || d < least {
			best, least = n, d
		}
	}
	return best
}

// distance is that of Levenshtein.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(diagonal+cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}

// settingsTemplate is server.toml as init writes it.
var settingsTemplate = template.Must(template.New("server.toml").Parse(`# Settings of an Undertone server. Restart the server after a change, and try
# a change with: undertone-server check

# What hides the calls. This version serves "tmix": this server sees who talks
# to whom but cannot listen; everybody else sees who is online and nothing more.
# Mode and interval stand in every invite: keep them once somebody has joined.
mode = {{printf "%q" .Mode}}

# How often every user exchanges a cell with the server, day and night: "20ms"
# (lowest delay), "40ms" or "100ms" (least traffic). Per user and month, both
# ways together: about {{.GB20}} GB, {{.GB40}} GB or {{.GB100}} GB.
interval = {{printf "%q" .Interval}}

# How users reach this server, host:port, as invites say it. Empty: the address
# that it listens at.
public_host = {{printf "%q" .PublicHost}}

# Where to listen. Open this port in the firewall for TCP (coming online) and
# for UDP (the cells). An empty listen_udp is the same address as listen.
listen = {{printf "%q" .Listen}}
listen_udp = {{printf "%q" .ListenUDP}}

# Addresses at which users reach the UDP port, if they are not this machine's
# own, for instance behind a router: ["203.0.113.7"].
public_addresses = [{{range $i, $a := .PublicAddresses}}{{if $i}}, {{end}}{{printf "%q" $a}}{{end}}]

# How many users may be online at once.
max_users = {{.MaxUsers}}

# What to log: "debug", "info", "warn" or "error". Nothing about calls is logged
# at any level.
log_level = {{printf "%q" .LogLevel}}
`))

// Text returns the settings as server.toml, with comments.
func (s Settings) Text() ([]byte, error) {
	var b strings.Builder
	err := settingsTemplate.Execute(&b, struct {
		file
		GB20, GB40, GB100 int
	}{
		newFile(s),
		TrafficOf(cell.Interval20).GigabytesPerMonth,
		TrafficOf(cell.Interval40).GigabytesPerMonth,
		TrafficOf(cell.Interval100).GigabytesPerMonth,
	})
	return []byte(b.String()), err
}
