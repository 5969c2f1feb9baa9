// Package uri parses and prints the two links that people hand each other: the
// invite of a server, and the contact link of a user.
//
//	undertone://host:port/?pin=PIN&mode=tmix&interval=40ms&v=1#TOKEN
//	undertone://host:port/contact?v=1&name=NAME&id=FINGERPRINT#INTRODUCTION
//
// PIN (32 bytes, see package signal), TOKEN (16), FINGERPRINT (32, see package key)
// and INTRODUCTION (32) are in base64url without padding. Mode is tmix, bmix or smix,
// interval 20ms, 40ms or 100ms. Each parameter is there once, in any order, and there
// are no others.
//
// What must stay secret stands in the fragment, which no program sends over the
// wire when it follows a link. Both links come from strangers: parsing is
// strict, and its errors are for a person. Everybody may import this package.
package uri

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"undertone/transport/cell"
	"undertone/transport/key"
)

const (
	scheme      = "undertone"
	contactPath = "/contact"

	// MaxLength is the length of the longest link that is looked at, in bytes.
	MaxLength = 2048
	// MaxName is the length of the longest name, in bytes of UTF-8.
	MaxName = 32
	// TokenSize is the length of an invite's token, in bytes.
	TokenSize = 16
)

// ErrVersion is wrapped by errors about a link of another version.
var ErrVersion = errors.New("the link is of another version")

// A Pin is the SHA-256 of a server's root public key (Ed25519, as
// SubjectPublicKeyInfo in DER).
type Pin [32]byte

// A Server is what a client must know to go online.
type Server struct {
	// Host is the address of the signalling, host:port.
	Host string
	// Pin names the root key.
	Pin Pin
	// Mode and Interval are the set's; a server that differs is refused.
	Mode     cell.Mode
	Interval cell.Interval
}

// An Invite lets one new user into a set.
type Invite struct {
	Server
	// Token is used up by the first user who goes online with it.
	Token Token
}

// A Token is the secret of an invite.
type Token [TokenSize]byte

// String prints the token as it stands in the link.
func (t Token) String() string { return base64.RawURLEncoding.EncodeToString(t[:]) }

// IsZero reports whether there is no token.
func (t Token) IsZero() bool { return t == Token{} }

// ParseToken reads what String prints.
func ParseToken(s string) (Token, error) {
	var t Token
	return t, decode(t[:], s)
}

// String prints the invite as a link.
func (i Invite) String() string {
	return fmt.Sprintf("%s://%s/?pin=%s&mode=%s&interval=%s&v=%d#%s", scheme, i.Host,
		base64.RawURLEncoding.EncodeToString(i.Pin[:]), i.Mode, i.Interval, cell.Version, i.Token)
}

// ParseInvite reads an invite. Its errors say what is wrong with the link and
// what to do about it.
func ParseInvite(s string) (Invite, error) {
	var i Invite
	u, err := parse(s)
	if err != nil {
		return i, fmt.Errorf("this is not an invite: %w", err)
	}
	if u.Path == contactPath {
		return i, errors.New("this is a contact link, not an invite; use it with: undertone contacts add LINK")
	}
	if u.Path != "" && u.Path != "/" {
		return i, errors.New("this is not an invite: copy the whole link that the server printed")
	}
	q, err := query(u, "pin", "mode", "interval", "v")
	if err != nil {
		return i, fmt.Errorf("this invite is damaged: %w", err)
	}
	i.Host = u.Host
	if err := decode(i.Pin[:], q.Get("pin")); err != nil {
		return i, fmt.Errorf("this invite is damaged: its pin is %w", err)
	}
	if i.Mode, err = cell.ParseMode(q.Get("mode")); err != nil {
		return i, fmt.Errorf("this invite is damaged: %w", err)
	}
	if i.Interval, err = cell.ParseInterval(q.Get("interval")); err != nil {
		return i, fmt.Errorf("this invite is damaged: %w", err)
	}
	if err := decode(i.Token[:], u.Fragment); err != nil || i.Token.IsZero() {
		return i, errors.New("this invite is cut off: the part after # is missing or damaged; in a shell, put the link in quotes")
	}
	return i, nil
}

// A Contact is how a user can be reached and introduced.
type Contact struct {
	// Name is what the user calls himself, at most MaxName bytes.
	Name string
	// Host is the server that the user is at, host:port.
	Host string
	// Fingerprint names his identity.
	Fingerprint key.Fingerprint
	// Intro is the secret without which a stranger cannot reach him.
	Intro key.Secret
}

// String prints the contact as a link. It holds the introduction secret.
func (c *Contact) String() string {
	return fmt.Sprintf("%s://%s%s?v=%d&name=%s&id=%s#%s", scheme, c.Host, contactPath, cell.Version,
		url.QueryEscape(c.Name), c.Fingerprint, base64.RawURLEncoding.EncodeToString(c.Intro.Bytes()))
}

// ParseContact reads a contact link. Its errors say what is wrong with the link
// and what to do about it.
func ParseContact(s string) (*Contact, error) {
	u, err := parse(s)
	if err != nil {
		return nil, fmt.Errorf("this is not a contact link: %w", err)
	}
	if u.Path != contactPath {
		return nil, errors.New("this is an invite to a server, not a contact link; ask for what «undertone id» prints")
	}
	q, err := query(u, "v", "name", "id")
	if err != nil {
		return nil, fmt.Errorf("this contact link is damaged: %w", err)
	}
	c := &Contact{Name: q.Get("name"), Host: u.Host}
	if err := CheckName(c.Name); err != nil {
		return nil, fmt.Errorf("this contact link is damaged: %w", err)
	}
	if c.Fingerprint, err = key.ParseFingerprint(q.Get("id")); err != nil {
		return nil, fmt.Errorf("this contact link is damaged: %w", err)
	}
	if err := decode(c.Intro.Bytes(), u.Fragment); err != nil || c.Intro.IsZero() {
		return nil, errors.New("this contact link is cut off: the part after # is missing or damaged; in a shell, put the link in quotes")
	}
	return c, nil
}

// CheckName says why a name cannot be a user's or a contact's.
func CheckName(name string) error {
	switch {
	case strings.TrimSpace(name) == "":
		return errors.New("the name is empty")
	case strings.TrimSpace(name) != name:
		return errors.New("the name begins or ends with a space")
	case len(name) > MaxName:
		return fmt.Errorf("the name is longer than %d bytes", MaxName)
	case !utf8.ValidString(name):
		return errors.New("the name is not UTF-8")
	case strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) }):
		return errors.New("the name has characters that cannot be printed")
	}
	return nil
}

// CheckHost says why s is not host:port.
func CheckHost(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil || host == "" {
		return fmt.Errorf("%q is not host:port", s)
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return fmt.Errorf("%q has no port between 1 and 65535", s)
	}
	return nil
}

func parse(s string) (*url.URL, error) {
	if len(s) > MaxLength {
		return nil, fmt.Errorf("it is longer than %d bytes", MaxLength)
	}
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil || u.Scheme != scheme {
		return nil, errors.New("it does not begin with undertone://")
	}
	if u.User != nil || u.Opaque != "" {
		return nil, errors.New("it has parts that no link has")
	}
	if err := CheckHost(u.Host); err != nil {
		return nil, err
	}
	return u, nil
}

// query returns the parameters of u, each of which must be there once.
func query(u *url.URL, names ...string) (url.Values, error) {
	q, err := url.ParseQuery(u.RawQuery)
	if err != nil {
		return nil, errors.New("its parameters cannot be read")
	}
	if v := q.Get("v"); v != "" && v != strconv.Itoa(cell.Version) {
		return nil, fmt.Errorf("%w: %s, and this Undertone knows version %d; update the older of the two", ErrVersion, v, cell.Version)
	}
	for _, n := range names {
		if len(q[n]) != 1 {
			return nil, fmt.Errorf("it must say %q once; in a shell, put the link in quotes", n)
		}
	}
	if len(q) != len(names) {
		return nil, errors.New("it has parameters that no link has")
	}
	return q, nil
}

// decode reads base64url into all of dst.
func decode(dst []byte, s string) error {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	if err != nil || len(b) != len(dst) {
		return errors.New("missing or damaged")
	}
	copy(dst, b)
	return nil
}
