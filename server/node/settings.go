package node

import (
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"text/template"

	"undertone/server/internal/local"
	"undertone/server/internal/mix"
	"undertone/transport/cell"
	"undertone/transport/signal"
)

// DefaultPort is where a server listens unless it is told otherwise: TCP for
// coming online, and for the cells of who has no UDP, UDP for those of all others.
const DefaultPort = 7443

// Settings are what the operator decides, in server.toml.
type Settings struct {
	// Mode and Interval are the set's. They stand in every invite, so they
	// cannot change once somebody has joined.
	Mode     cell.Mode
	Interval cell.Interval
	// Channels is how many channels the users of an sMIX share; other modes
	// have the default here.
	Channels int
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
	// Metrics is where Prometheus asks how the server does, as package local
	// has it; empty stands for nowhere.
	Metrics string
	// LogLevel is the least level that is logged.
	LogLevel slog.Level
}

// DefaultSettings returns what init writes unless it is told otherwise.
func DefaultSettings() Settings { return DefaultSettingsFor(cell.TMIX) }

// DefaultSettingsFor returns the default of a mode. They differ in how many
// users may be online: in bMIX every user's traffic grows with them, and in sMIX
// they share a few channels.
func DefaultSettingsFor(m cell.Mode) Settings {
	s := Settings{
		Mode:     m,
		Interval: cell.Interval40,
		Channels: 8,
		Listen:   ":" + strconv.Itoa(DefaultPort),
		MaxUsers: 200,
		LogLevel: slog.LevelInfo,
	}
	switch m {
	case cell.BMIX:
		s.MaxUsers = 100
	case cell.SMIX:
		s.MaxUsers = 50
	case cell.TMIX:
	}
	return s
}

// shared is how many channels the users share: none but in sMIX.
func (s Settings) shared() int {
	if s.Mode != cell.SMIX {
		return 0
	}
	return s.Channels
}

// CellsAddress is where the cells arrive.
func (s Settings) CellsAddress() string {
	if s.ListenUDP == "" {
		return s.Listen
	}
	return s.ListenUDP
}

// file is server.toml. Each key appears in settingsTemplate too; like is what a
// value looks like.
type file struct {
	Mode            string   `toml:"mode"             like:"\"tmix\""`
	Interval        string   `toml:"interval"         like:"\"40ms\""`
	Channels        int      `toml:"channels"         like:"8"`
	PublicHost      string   `toml:"public_host"      like:"\"calls.example.org:7443\""`
	Listen          string   `toml:"listen"           like:"\":7443\""`
	ListenUDP       string   `toml:"listen_udp"       like:"\":7443\""`
	PublicAddresses []string `toml:"public_addresses" like:"[\"203.0.113.7\"]"`
	MaxUsers        int      `toml:"max_users"        like:"200"`
	Metrics         string   `toml:"metrics"          like:"\"127.0.0.1:9464\""`
	LogLevel        string   `toml:"log_level"        like:"\"info\""`
}

// requiredSettings have no default in the file: what they say must not change
// by itself, neither because a line was lost nor because a newer program has
// another default.
var requiredSettings = []string{"mode", "interval", "listen"}

// newFile is the way back from ParseSettings.
func newFile(s Settings) file {
	f := file{
		Mode:       s.Mode.String(),
		Interval:   s.Interval.String(),
		Channels:   s.Channels,
		PublicHost: s.PublicHost,
		Listen:     s.Listen,
		ListenUDP:  s.ListenUDP,
		MaxUsers:   s.MaxUsers,
		Metrics:    s.Metrics,
		LogLevel:   strings.ToLower(s.LogLevel.String()),
	}
	for _, a := range s.PublicAddresses {
		f.PublicAddresses = append(f.PublicAddresses, a.String())
	}
	return f
}

// ParseSettings reads server.toml. Keys that are not there have their default,
// except for those that must be there; keys that nobody knows, and values that
// make no sense, are errors that say what to write instead. Variables as those of
// os.Environ, if any are given, override what the file says.
func ParseSettings(text []byte, environ ...string) (Settings, error) {
	e, err := ParseEnvironment(environ)
	if err != nil {
		return Settings{}, err
	}
	f := newFile(DefaultSettingsFor(e.mode(modeIn(text))))
	if err := decodeFile(text, &f, e); err != nil {
		return Settings{}, err
	}
	if err := e.override(&f); err != nil {
		return Settings{}, err
	}
	s, err := f.settings()
	return s, e.explain(err)
}

// Check says why these settings make no sense.
func (s Settings) Check() error {
	_, err := newFile(s).settings()
	return err
}

// settings checks the values.
func (f file) settings() (s Settings, err error) {
	if s.Mode, err = cell.ParseMode(f.Mode); err != nil {
		return s, err
	}
	if s.Interval, err = cell.ParseInterval(f.Interval); err != nil {
		return s, err
	}
	if s.Channels, err = checkChannels(s.Mode, f.Channels); err != nil {
		return s, fmt.Errorf("channels: %w", err)
	}
	if f.PublicHost != "" {
		if err := CheckPublicHost(f.PublicHost); err != nil {
			return s, fmt.Errorf("public_host: %w", err)
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
	if most := mix.MaxSeats(s.Mode, s.Interval, s.shared()); f.MaxUsers < 1 || f.MaxUsers > most {
		return s, fmt.Errorf("max_users: %d is not between 1 and %d, the most that an interval of %s has room for in mode %s", f.MaxUsers, most, s.Interval, s.Mode)
	}
	if f.Metrics != "" {
		if err := local.Check(f.Metrics); err != nil {
			return s, fmt.Errorf("metrics: %w", err)
		}
	}
	if err := s.LogLevel.UnmarshalText([]byte(f.LogLevel)); err != nil {
		return s, fmt.Errorf("log_level: %q; use debug, info, warn or error", f.LogLevel)
	}
	s.PublicHost, s.Listen, s.ListenUDP, s.MaxUsers, s.Metrics = f.PublicHost, f.Listen, f.ListenUDP, f.MaxUsers, f.Metrics
	return s, nil
}

// checkChannels says why a set cannot have so many shared channels.
func checkChannels(m cell.Mode, n int) (int, error) {
	usual := DefaultSettingsFor(m).Channels
	switch {
	case m != cell.SMIX && n != usual:
		return 0, fmt.Errorf("mode %s has one for each user, and none to share; remove the setting, or use mode smix", m)
	case n < 1 || n > signal.MaxChannels:
		return 0, fmt.Errorf("%d is not between 1 and %d; a user takes one while he talks, so that %d serve %d calls at once", n, signal.MaxChannels, usual, usual/2)
	}
	return n, nil
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

// settingsTemplate is server.toml as init writes it.
var settingsTemplate = template.Must(template.New("server.toml").Parse(`# Settings of an Undertone server. Try a change with: undertone-server check
# Then restart the server. If only max_users (to no more than at its start),
# public_host (but not its port), metrics or log_level was changed, reloading it is
# enough, with nobody noticing: systemctl reload undertone-server
#
# Environment variables override them, for the server and for every command alike:
# UNDERTONE_SERVER_MAX_USERS=50, UNDERTONE_SERVER_PUBLIC_ADDRESSES=203.0.113.7,...

# What hides the calls. "tmix": this server sees who talks to whom but cannot
# listen; everybody else sees who is online and nothing more. "bmix": this server,
# too, sees who is online and nothing more; every user downloads the cells of all.
# "smix": the same with less traffic, by a few channels that all users share; how
# busy those are can be seen. Mode and interval stand in every invite: keep them
# once somebody has joined.
mode = {{printf "%q" .Mode}}

# How often every user exchanges cells with the server, day and night: "20ms"
# (lowest delay), "40ms" or "100ms" (least traffic). Per user and month, both
# ways together: about {{.GB20}} GB, {{.GB40}} GB or {{.GB100}} GB in this mode{{if .Grows}}, with
# as many users online as may be, and less with fewer, by the highest place that is taken{{end}}.
interval = {{printf "%q" .Interval}}

# How many channels the users of an smix share, 1 to 32: two for each call, and
# some that are taken for show. Each eight cost every user the same again. The
# other modes have none to share: leave it as it is.
channels = {{.Channels}}

# How users reach this server, host:port, as invites say it. Empty: the address
# that it listens at.
public_host = {{printf "%q" .PublicHost}}

# Where to listen. Open this port in the firewall for TCP (coming online, and the
# cells of who has no UDP) and for UDP (the cells). An empty listen_udp is the same address as listen.
listen = {{printf "%q" .Listen}}
listen_udp = {{printf "%q" .ListenUDP}}

# Addresses at which users reach the UDP port, if they are not this machine's
# own, for instance behind a router. Undertone's program also tries the one at which
# it found public_host: ["203.0.113.7"].
public_addresses = [{{range $i, $a := .PublicAddresses}}{{if $i}}, {{end}}{{printf "%q" $a}}{{end}}]

# How many users may be online at once.
max_users = {{.MaxUsers}}

# Where Prometheus can ask how the server does, and a supervisor whether it serves
# (/metrics and /health): an address of this machine only, "127.0.0.1:9464", or a
# socket, "unix:/run/undertone/metrics.sock". Empty: nowhere. It says nothing about
# single users or calls. A dashboard for Grafana: undertone-server dashboard
metrics = {{printf "%q" .Metrics}}

# What to log: "debug", "info", "warn" or "error". Nothing about calls is logged
# at any level.
log_level = {{printf "%q" .LogLevel}}
`))

// perMonth is the traffic of a user at another interval, in gigabytes.
func (s Settings) perMonth(i cell.Interval) int {
	s.Interval = i
	return s.Traffic(s.MaxUsers).GigabytesPerMonth
}

// Text returns the settings as server.toml, with comments.
func (s Settings) Text() ([]byte, error) {
	var b strings.Builder
	err := settingsTemplate.Execute(&b, struct {
		file
		Grows             bool
		GB20, GB40, GB100 int
	}{
		newFile(s), s.Mode == cell.BMIX,
		s.perMonth(cell.Interval20), s.perMonth(cell.Interval40), s.perMonth(cell.Interval100),
	})
	return []byte(b.String()), err
}
