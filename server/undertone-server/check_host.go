package main

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"

	"undertone/server/node"
)

// A site is where users look for the server, as seen from this machine.
type site struct {
	host, port string       // public_host
	addrs      []netip.Addr // of the host
	own        []netip.Addr // of this machine
}

// checkHost looks at what invites say of the address: whether users find it, and
// whether what they find is this machine. The site has no addresses if that cannot
// be said.
func checkHost(ctx context.Context, s node.Settings) (site, finding) {
	const what = "public_host"
	if s.PublicHost == "" {
		return site{}, finding{warning, what, "it is empty, so invites can be made only while the server runs, and say where it listens"}
	}
	host, port, err := net.SplitHostPort(s.PublicHost)
	if err != nil {
		return site{}, finding{problem, what, err.Error()}
	}
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return site{}, finding{problem, what, fmt.Sprintf("%s cannot be found (%v); enter the name in the DNS, or change it in server.toml", host, err)}
	}
	own, err := ownAddresses()
	if err != nil {
		return site{}, finding{warning, what, fmt.Sprintf("whether %s is this machine cannot be said: %v", s.PublicHost, err)}
	}
	at := site{host: host, port: port, own: own}
	for _, a := range addrs {
		at.addrs = append(at.addrs, a.Unmap())
	}
	return at, at.judge(s)
}

// ownAddresses lists the addresses of this machine.
func ownAddresses() (own []netip.Addr, err error) {
	all, err := net.InterfaceAddrs()
	for _, a := range all {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil {
			own = append(own, prefix.Addr().Unmap())
		}
	}
	return own, err
}

// owns tells whether an address is one of this machine.
func (at site) owns(a netip.Addr) bool { return a.IsLoopback() || slices.Contains(at.own, a) }

// judge says whether users who go to the site come to a server with these settings.
func (at site) judge(s node.Settings) finding {
	const what = "public_host"
	say := func(l level, format string, args ...any) finding {
		return finding{l, what, s.PublicHost + " is " + join(at.addrs) + fmt.Sprintf(format, args...)}
	}
	foreign := slices.DeleteFunc(slices.Clone(at.addrs), at.owns)
	unsaid := slices.DeleteFunc(slices.Clone(foreign), func(a netip.Addr) bool { return slices.Contains(s.PublicAddresses, a) })
	deaf := slices.DeleteFunc(slices.Clone(at.addrs), func(a netip.Addr) bool { return !at.owns(a) || hears(s.Listen, a) })
	switch {
	case len(foreign) > 0 && len(s.PublicAddresses) == 0:
		return say(problem, ", but this machine is %s: if that is right, a router or a cloud translates the address, and only Undertone's own program finds its way by itself. "+
			"Write into server.toml: public_addresses = [%s], and have TCP port %s and UDP port %s of it forwarded to this machine; if it is wrong, correct the DNS or public_host",
			join(at.outward()), quoted(at.addrs), at.port, portOf(s.CellsAddress()))
	case len(unsaid) > 0:
		return say(warning, ", but public_addresses sends the cells of users to %s; if that is another machine, they find nobody there", join(s.PublicAddresses))
	case len(deaf) > 0:
		return say(problem, ", but listen = %q does not take what comes to %s; write listen = \":%s\"", s.Listen, join(deaf), portOf(s.Listen))
	case !at.literal() && all(at.addrs, netip.Addr.IsLoopback):
		return say(warning, " on this machine (see /etc/hosts), so what users find is not to be seen from here; it must be an address at which they reach this machine")
	case all(at.addrs, local):
		return say(warning, ": users outside this network cannot reach it")
	}
	return say(fine, "")
}

// literal tells whether users need no DNS to find the site.
func (at site) literal() bool {
	_, err := netip.ParseAddr(at.host)
	return err == nil
}

// outward lists the addresses of this machine that others might use.
func (at site) outward() []netip.Addr {
	return slices.DeleteFunc(slices.Clone(at.own), func(a netip.Addr) bool { return a.IsLoopback() || a.IsLinkLocalUnicast() })
}

// local tells whether an address means nothing on the Internet.
func local(a netip.Addr) bool { return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast() }

func all(addrs []netip.Addr, is func(netip.Addr) bool) bool {
	return !slices.ContainsFunc(addrs, func(a netip.Addr) bool { return !is(a) })
}

// hears tells whether a server that listens there takes what comes to one of the
// machine's addresses.
func hears(listen string, a netip.Addr) bool {
	host, _, _ := net.SplitHostPort(listen) // The settings were checked.
	at, err := netip.ParseAddr(host)
	switch {
	case err != nil || at.IsUnspecified() && at.Is6():
		return true // all addresses, or a name
	case at.IsUnspecified():
		return a.Is4()
	}
	return at.Unmap().WithZone("") == a
}

// portOf is the port of an address in the settings.
func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr) // The settings were checked.
	return port
}

// join lists addresses for a person.
func join(addrs []netip.Addr) string {
	texts := make([]string, 0, len(addrs))
	for _, a := range addrs {
		texts = append(texts, a.String())
	}
	return strings.Join(texts, ", ")
}

// quoted lists addresses as server.toml has them.
func quoted(addrs []netip.Addr) string {
	texts := make([]string, 0, len(addrs))
	for _, a := range addrs {
		texts = append(texts, `"`+a.String()+`"`)
	}
	return strings.Join(texts, ", ")
}
