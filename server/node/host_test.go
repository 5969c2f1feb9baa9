package node

import (
	"strings"
	"testing"

	"undertone/transport/cell"
	"undertone/transport/uri"
)

// What passes comes out of the client's parser, and what a client could not read
// or look up does not pass.
func TestCheckPublicHost(t *testing.T) {
	for _, host := range []string{"calls.example.org:7443", "x:1", "my_box.lan:9", "xn--bcher-kva.example:7443", "203.0.113.7:1", "[2001:db8::7]:65535", "calls.example.org.:7443"} {
		if err := CheckPublicHost(host); err != nil {
			t.Errorf("%q: %v", host, err)
		}
		in := uri.Invite{Server: uri.Server{Host: host, Mode: cell.TMIX, Interval: cell.Interval40}, Token: uri.Token{1}}
		if out, err := uri.ParseInvite(in.String()); err != nil || out != in {
			t.Errorf("%q makes an invite that comes back as %+v, %v", host, out, err)
		}
	}
	for _, host := range []string{
		"", "x", ":1", "x:0", "x:99999", "x:+5", "bad host:1", "a/b:1", "user@x:1", "ex#ample:1", "a?b:1", "-:1", "-a:1", "a-:1",
		"a..b:1", ".:1", "1.2.3:1", "999.1.1.1:1", "0.0.0.0:1", "[::]:1", "[fe80::1%eth0]:1", "bücher.example:1", "%41:1",
		strings.Repeat("a", 64) + ":1", strings.Repeat("a.", 127) + "a:1", "a\x00b:1",
	} {
		if err := CheckPublicHost(host); err == nil {
			t.Errorf("%q passed", host)
		}
	}
}
