package node

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"regexp"

	"undertone/transport/cell"
	"undertone/transport/uri"
)

// hostName is a name as resolvers take it.
var hostName = regexp.MustCompile(`^([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.?$`)

// allDigits is what looks like a broken IP address, and is no name either.
var allDigits = regexp.MustCompile(`^[0-9.]+$`)

// maxHostName is the length of the longest name in the DNS, in bytes.
const maxHostName = 253

// CheckPublicHost says why s cannot be the address in an invite: the link must
// come out of the client's own parser as it was put in, and the host must be one
// that a client can look up. Otherwise the invite is dead, and the operator
// hears of it only from the friend to whom he gave it.
func CheckPublicHost(s string) error {
	if err := checkPublicHost(s); err != nil {
		return fmt.Errorf("%w; write something like calls.example.org:%d", err, DefaultPort)
	}
	return nil
}

func checkPublicHost(s string) error {
	if err := uri.CheckHost(s); err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(s)
	if err != nil {
		return err
	}
	if addr, err := netip.ParseAddr(host); err == nil {
		if addr.IsUnspecified() {
			return fmt.Errorf("%q stands for all addresses of a machine, not for one that users can reach", host)
		}
	} else if len(host) > maxHostName || !hostName.MatchString(host) || allDigits.MatchString(host) {
		return fmt.Errorf("%q is neither an IP address nor a name of letters, digits, hyphens and dots", host)
	}
	sample := uri.Invite{Server: uri.Server{Host: s, Mode: cell.TMIX, Interval: cell.Interval40}, Token: uri.Token{1}}
	parsed, err := uri.ParseInvite(sample.String())
	if err == nil && parsed != sample {
		err = errors.New("it would read something else")
	}
	if err != nil {
		return fmt.Errorf("%q makes invites that no client can read (%w)", s, err)
	}
	return nil
}
