package attack

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"undertone/server/node"
	"undertone/transport/cell"
	"undertone/transport/rtc"
	"undertone/transport/signal"
	"undertone/transport/uri"
)

// impostorPort is where somebody else listens in the server's place.
const impostorPort = node.DefaultPort + 1

// impostor serves with a certificate of somebody's choice, in front of who lets
// everybody in and notes that he was asked.
func (w *world) impostor(cert *tls.Certificate) (host string, asked *int, stop func()) {
	w.t.Helper()
	l, err := w.star.Server().ListenStream(impostorPort)
	if err != nil {
		w.t.Fatal(err)
	}
	asked = new(int)
	h := http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		*asked++
		rw.WriteHeader(http.StatusCreated)
	})
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- signal.Serve(ctx, l, signal.TLSConfig(func() *tls.Certificate { return cert }), h, nil, nil)
	}()
	return strings.Replace(w.node.Server().Host, "7443", "7444", 1), asked, func() {
		cancel()
		if err := <-done; err != nil {
			w.t.Error(err)
		}
	}
}

// certificate makes an online certificate at a time.
func certificate(t *testing.T, root *signal.Root, made time.Time) *tls.Certificate {
	t.Helper()
	text, err := root.NewOnline(made)
	if err != nil {
		t.Fatal(err)
	}
	own, err := signal.ParseRootCertificate(root.Certificate())
	if err != nil {
		t.Fatal(err)
	}
	cert, err := signal.ParseOnline(text, own)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// Whoever answers with another key than the invite's hears nothing of the user:
// neither who he is nor his invite.
func TestWrongPin(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		mine, err := signal.NewRoot()
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(w.dir, "root.crt"))
		if err != nil {
			t.Fatal(err)
		}
		theirs, err := signal.ParseRootCertificate(text)
		if err != nil {
			t.Fatal(err)
		}
		own := certificate(t, mine, time.Now())
		// The server's root certificate is public; the key for it is not.
		chain := func(certs ...*x509.Certificate) *tls.Certificate {
			c := &tls.Certificate{PrivateKey: own.PrivateKey}
			for _, x := range certs {
				c.Certificate = append(c.Certificate, x.Raw)
			}
			return c
		}
		forged := map[string]*tls.Certificate{
			"an own root":                  own,
			"the server's root, not its":   chain(own.Leaf, theirs),
			"no root":                      chain(own.Leaf),
			"two roots":                    {PrivateKey: own.PrivateKey, Certificate: [][]byte{own.Leaf.Raw, own.Certificate[1], theirs.Raw}},
			"an own root that has run out": certificate(t, mine, time.Now().AddDate(-3, 0, 0)),
		}
		pinned, heard := 0, 0
		for name, cert := range forged {
			host, asked, stop := w.impostor(cert)
			client := w.client(w.identity(), w.invite())
			client.Server.Host = host
			_, err := client.Online(t.Context(), w.offer())
			if errors.Is(err, signal.ErrPin) {
				pinned++
			} else {
				t.Errorf("%s: %v", name, err)
			}
			stop()
			heard += *asked
		}
		if heard != 0 {
			t.Errorf("%d requests were heard by impostors", heard)
		}
		note(t, "server with another key", len(forged), pinned)

		// The invite was changed on its way: its pin is not the server's.
		var errs []error
		for n := range tries {
			client := w.client(w.identity(), w.invite())
			client.Server.Pin[n] ^= 1
			_, err := client.Online(t.Context(), w.offer())
			errs = append(errs, err)
		}
		note(t, "invite with another pin", tries, refused(signal.ErrPin, errs...))
		if s := w.status(); s.Online != 0 || s.Refused != 0 {
			t.Errorf("requests came to the server all the same: %+v", s)
		}
	})
}

var fingerprint = regexp.MustCompile(`a=fingerprint:sha-256 [0-9A-F:]+`)

// A link does not open to who has another key than the one in the answer, and
// nobody opens a link whose offer named another key than he has.
func TestSwappedLinkKey(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		other := fingerprint.FindString(w.offer())
		if other == "" {
			t.Fatal("no fingerprint in an offer")
		}
		swap := func(sdp string) string {
			swapped := fingerprint.ReplaceAllString(sdp, other)
			if swapped == sdp {
				t.Error("nothing was swapped")
			}
			return swapped
		}
		same := func(sdp string) string { return sdp }
		dial := func(offered, answered func(string) string) error {
			host := w.host()
			client := w.client(w.identity(), w.invite())
			client.Dial = host.DialContext
			link, err := rtc.Dial(t.Context(), rtc.DialConfig{Conn: w.socket(host)}, func(ctx context.Context, offer string) (string, error) {
				a, err := client.Online(ctx, offered(offer))
				return answered(a.SDP), err
			})
			if err == nil {
				link.Close()
			}
			return err
		}
		if err := dial(same, same); err != nil {
			t.Fatalf("nothing was swapped: %v", err)
		}
		count := func(errs ...error) (n int) {
			for _, err := range errs {
				if errors.Is(err, rtc.ErrTimeout) || errors.Is(err, rtc.ErrLost) {
					n++
				} else {
					t.Errorf("error is %v", err)
				}
			}
			return n
		}
		note(t, "link of a server whose key was swapped", 1, count(dial(same, swap)))
		note(t, "link of a user whose key was swapped", 1, count(dial(swap, same)))
	})
}

// A server that says another mode or interval than the invite, in which a user
// might be hidden less, is refused.
func TestSwappedTerms(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		var modes, intervals []error
		for n := range 2 {
			token := w.invite()
			client := w.client(w.identity(), token)
			client.Server.Mode = []cell.Mode{cell.BMIX, cell.SMIX}[n]
			_, err := client.Online(t.Context(), w.offer())
			modes = append(modes, err)
			client.Server = uri.Server{Host: client.Server.Host, Pin: client.Server.Pin, Mode: cell.TMIX,
				Interval: []cell.Interval{cell.Interval20, cell.Interval100}[n]}
			_, err = client.Online(t.Context(), w.offer())
			intervals = append(intervals, err)
		}
		note(t, "server of another mode than the invite's", 2, refused(signal.ErrMode, modes...))
		note(t, "server of another interval than the invite's", 2, refused(signal.ErrInterval, intervals...))
	})
}
