package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"undertone/server/node"
	"undertone/transport/cell"
)

// inviteLife is how long an invite holds unless the operator says otherwise.
const inviteLife = 7 * 24 * time.Hour

type initOptions struct {
	host, listen, mode, interval, label string
	channels                            int
	expires                             time.Duration
}

func (c *cli) initCommand() *cobra.Command {
	d := node.DefaultSettings()
	var o initOptions
	cmd := &cobra.Command{
		Use:   "init",
		Short: "Make a new server: keys, settings, and the first invite",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			e, err := c.initEnvironment(cmd)
			if err != nil {
				return usageError{err}
			}
			return c.init(cmd.Context(), o, e)
		},
	}
	f := cmd.Flags()
	f.StringVar(&o.host, "host", "", "how users reach this machine, `NAME[:PORT]`; default: its own address")
	f.StringVar(&o.listen, "listen", d.Listen, "`address` to listen at, TCP and UDP")
	f.StringVar(&o.mode, "mode", d.Mode.String(), "`mode` of the set, what hides the calls: tmix, bmix or smix")
	f.StringVar(&o.interval, "interval", d.Interval.String(), "time between two cells: 20ms, 40ms or 100ms")
	f.IntVar(&o.channels, "channels", d.Channels, "how `many` channels the users of an smix share")
	f.StringVar(&o.label, "label", "", "`label` of the first invite, to tell users apart")
	f.DurationVar(&o.expires, "expires", inviteLife, "how long the first invite holds")
	return c.jsonFlag(cmd)
}

// initFlags are the flags of init that are settings.
var initFlags = []struct{ flag, setting string }{
	{"mode", "mode"}, {"interval", "interval"}, {"channels", "channels"}, {"listen", "listen"}, {"host", "public_host"},
}

// initEnvironment reads the environment. What it says of a setting that has a flag
// is the default of the flag; with both there would be two answers to one question.
func (c *cli) initEnvironment(cmd *cobra.Command) (node.Environment, error) {
	e, err := node.ParseEnvironment(c.environ)
	if err != nil {
		return nil, err
	}
	for _, f := range initFlags {
		value, ok := e[f.setting]
		switch flag := cmd.Flags().Lookup(f.flag); {
		case !ok || flag.Changed && flag.Value.String() == value:
		case flag.Changed:
			return nil, fmt.Errorf("--%s says %q, and the environment says %q by %s%s; leave out one of them", f.flag, flag.Value, value, node.EnvPrefix, strings.ToUpper(f.setting))
		default:
			if err := cmd.Flags().Set(f.flag, value); err != nil {
				return nil, err
			}
		}
	}
	return e, nil
}

// init writes what the environment says into the settings too, so that they stay
// the same for those who have another environment.
func (c *cli) init(ctx context.Context, o initOptions, e node.Environment) error {
	s, err := o.settings()
	if err != nil {
		return usageError{err}
	}
	if err := s.Check(); err != nil {
		return usageError{err}
	}
	if s, err = s.With(e); err != nil {
		return usageError{err}
	}
	if err := checkInvite(o.label, o.expires); err != nil {
		return err
	}
	if err := node.Init(ctx, c.data, s); err != nil {
		return err
	}
	return c.withFolder(ctx, func(f *node.Folder) error {
		invite, row, err := f.CreateInvite(ctx, o.label, o.expires, "")
		if err != nil {
			return err
		}
		made := newInvite(invite, row)
		return c.report(struct {
			Data    string          `json:"data"`
			Host    string          `json:"host"`
			Mode    string          `json:"mode"`
			Invite  inviteReport    `json:"invite"`
			Traffic []trafficReport `json:"traffic_per_user"`
		}{c.data, invite.Host, s.Mode.String(), made, newTraffic(s)}, c.welcome(f, made))
	})
}

// A trafficReport is what one user costs when so many are online.
type trafficReport struct {
	Online int `json:"users_online"`
	node.Traffic
}

// few is how many users a small set has.
const few = 10

// newTraffic lists what a user costs when all places are taken, and, where that
// makes a difference, when few are.
func newTraffic(s node.Settings) []trafficReport {
	all := []trafficReport{{s.MaxUsers, s.Traffic(s.MaxUsers)}}
	if t := s.Traffic(few); t != all[0].Traffic && s.MaxUsers > few {
		all = append(all, trafficReport{few, t})
	}
	return all
}

// trafficText says it for a person.
func trafficText(s node.Settings) string {
	all := newTraffic(s)
	if len(all) == 1 {
		return fmt.Sprintf("Each user costs about %s, day and night, in a call or\nnot: about %d GB a month both ways together.\n",
			rates(all[0].Traffic), all[0].GigabytesPerMonth)
	}
	var b strings.Builder
	_, _ = fmt.Fprintln(&b, "Each user costs, day and night, in a call or not:")
	for _, t := range all {
		_, _ = fmt.Fprintf(&b, "  with %3d users online  about %s, %d GB a month both ways\n", t.Online, rates(t.Traffic), t.GigabytesPerMonth)
	}
	return b.String()
}

func rates(t node.Traffic) string {
	if t.Up == t.Down {
		return fmt.Sprintf("%d kbit/s in each direction", t.Up)
	}
	return fmt.Sprintf("%d kbit/s up and %d down", t.Up, t.Down)
}

// settings turns the options into settings.
func (o initOptions) settings() (node.Settings, error) {
	mode, err := cell.ParseMode(o.mode)
	if err != nil {
		return node.Settings{}, err
	}
	s := node.DefaultSettingsFor(mode)
	s.Channels = o.channels
	if s.Interval, err = cell.ParseInterval(o.interval); err != nil {
		return s, err
	}
	s.Listen = o.listen
	listenHost, port, err := net.SplitHostPort(o.listen)
	if err != nil {
		return s, fmt.Errorf("--listen %q is not an address to listen at; use something like :%d", o.listen, node.DefaultPort)
	}
	s.PublicHost, err = publicHost(o.host, listenHost, port)
	return s, err
}

// publicHost works out what invites say of the address.
func publicHost(host, listenHost, port string) (string, error) {
	if host == "" {
		if port == "0" {
			return "", fmt.Errorf("with port 0 the address is known only once the server runs; say it with --host NAME:PORT")
		}
		host = listenHost
		if ip := net.ParseIP(listenHost); listenHost == "" || ip.IsUnspecified() {
			host = ownAddress()
		}
	}
	if _, _, err := net.SplitHostPort(host); err != nil {
		host = net.JoinHostPort(strings.Trim(host, "[]"), port)
	}
	if err := node.CheckPublicHost(host); err != nil {
		return "", fmt.Errorf("--host: %w", err)
	}
	return host, nil
}

// ownAddress is the address from which this machine would reach the world. To
// find out, nothing is sent.
func ownAddress() string {
	for _, to := range []string{"192.0.2.1", "2001:db8::1"} {
		conn, err := net.Dial("udp", net.JoinHostPort(to, strconv.Itoa(node.DefaultPort))) //nolint:noctx // no packet is sent
		if err != nil {
			continue
		}
		host, _, err := net.SplitHostPort(conn.LocalAddr().String())
		_ = conn.Close()
		if err == nil {
			return host
		}
	}
	return "127.0.0.1"
}

// welcome is what the operator of a new server reads.
func (c *cli) welcome(f *node.Folder, i inviteReport) string {
	s := f.Settings
	return fmt.Sprintf(`The server is in %s.
Its settings, with comments, are in server.toml there; friends reach it at %s.
%s
%s
Start it:       %s
Invite others:  %s

The first invite, for one user, until %s:

%s`, c.data, s.PublicHost, nearbyText(s.PublicHost), trafficText(s), c.startCommand(), c.command("invite create"),
		i.Expires.Local().Format("2 January 2006 15:04"), i.text(c.stdout))
}

// nearbyText warns of an address that is one of this network only.
func nearbyText(host string) string {
	name, _, _ := net.SplitHostPort(host) // The settings were checked.
	if a, err := netip.ParseAddr(name); err != nil || !local(a.Unmap()) {
		return ""
	}
	return `From elsewhere nobody reaches that. Behind a router, write a name or an address that
leads to it from outside into server.toml (public_host), and make another invite.
`
}

// command is how the operator runs a command on this data folder.
func (c *cli) command(words string) string {
	if c.data == installedData {
		return "sudo undertone-server " + words
	}
	return "undertone-server " + words + c.dataFlag()
}

// startCommand is how the operator starts the server.
func (c *cli) startCommand() string {
	if c.data == installedData {
		return "sudo systemctl start undertone-server"
	}
	return c.command("run")
}

// dataFlag is what to add to a command so that it finds this data folder.
func (c *cli) dataFlag() string {
	if c.data == defaultData() {
		return ""
	}
	if strings.ContainsAny(c.data, " \t'\"\\$&;()<>|*?`") {
		return " --data '" + strings.ReplaceAll(c.data, "'", `'\''`) + "'"
	}
	return " --data " + c.data
}
