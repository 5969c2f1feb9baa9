package attack

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"undertone/server/node"
	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/signal"
	"undertone/transport/superpose"
	"undertone/transport/uri"
)

// tries is how often most things are tried.
const tries = 6

// A request is what somebody posts who has written his own client, by the comment
// of package signal.
type request struct {
	account   key.Account
	token     uri.Token
	body      string
	signature []byte
	// head replaces parts of the head, text by text.
	head []string
}

// bytes writes the request.
func (r *request) bytes() []byte {
	b64 := base64.RawURLEncoding.EncodeToString
	head := fmt.Sprintf("POST %s HTTP/1.1\r\nHost: server\r\nContent-Type: application/sdp\r\nContent-Length: %d\r\n"+
		"Undertone-Version: 1\r\nUndertone-Mode: tmix\r\nUndertone-Interval: 40ms\r\n"+
		"Undertone-Account: %s\r\nUndertone-Invite: %s\r\nUndertone-Signature: %s\r\n\r\n",
		signal.Path, len(r.body), b64(r.account.Bytes()), r.token, b64(r.signature))
	return []byte(strings.NewReplacer(r.head...).Replace(head) + r.body)
}

// padded brings an offer to its size.
func padded(offer string) string {
	const start, end = "a=x-padding:", "\r\n"
	return offer + start + strings.Repeat("0", signal.OfferSize-len(offer)-len(start)-len(end)) + end
}

// signed is the request of an honest user.
func (w *world) signed(id *key.Identity, token uri.Token, exporter [32]byte) *request {
	r := &request{account: id.Account(), token: token, body: padded(w.offer())}
	r.signature = id.Sign(signal.Transcript(exporter, r.account, []byte(r.body), token))
	return r
}

// A reply is what the server says.
type reply struct {
	status int
	code   string
}

// cut is the reply to who was cut off.
var cut = reply{code: "cut"}

// post makes a connection and sends what is made for it.
func (w *world) post(write func(exporter [32]byte) []byte) reply {
	w.t.Helper()
	raw, err := w.host().DialContext(w.t.Context(), "tcp", w.node.Server().Host)
	if err != nil {
		w.t.Fatal(err)
	}
	defer raw.Close()
	conn := tls.Client(raw, &tls.Config{
		MinVersion: tls.VersionTLS13, CurvePreferences: []tls.CurveID{tls.X25519MLKEM768}, InsecureSkipVerify: true,
	})
	if err := conn.HandshakeContext(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
	cs := conn.ConnectionState()
	secret, err := cs.ExportKeyingMaterial("EXPORTER-undertone-auth-v1", nil, 32)
	if err != nil {
		w.t.Fatal(err)
	}
	_, _ = conn.Write(write([32]byte(secret))) // If it is cut off in the middle, so be it.
	resp, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: http.MethodPost})
	if err != nil {
		return cut
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return cut
	}
	got := reply{status: resp.StatusCode}
	var notice struct{ Code string }
	if json.Unmarshal(body, &notice) == nil {
		got.code = notice.Code
	}
	return got
}

// refusedAs counts the replies that are a refusal for a reason.
func refusedAs(code string, replies ...reply) (n int) {
	for _, r := range replies {
		if r.code == code && r.status/100 != 2 {
			n++
		}
	}
	return n
}

// The client of these tests comes in when it does what it should: what is refused
// below is not refused for another reason.
func TestOwnClientComesIn(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		anna := w.identity()
		token := w.invite()
		for _, token := range []uri.Token{token, {}, token} {
			got := w.post(func(exporter [32]byte) []byte { return w.signed(anna, token, exporter).bytes() })
			if got.status != http.StatusCreated {
				t.Errorf("%+v", got)
			}
		}
	})
}

// A request that was recorded inside its connection is worth nothing on another.
func TestReplayedRequest(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		anna, token := w.identity(), w.invite()
		var recorded []byte
		if got := w.post(func(exporter [32]byte) []byte {
			recorded = w.signed(anna, token, exporter).bytes()
			return recorded
		}); got.status != http.StatusCreated {
			t.Fatalf("%+v", got)
		}
		var replies []reply
		for range tries {
			replies = append(replies, w.post(func([32]byte) []byte { return recorded }))
		}
		note(t, "request replayed on another connection", tries, refusedAs("signature", replies...))
	})
}

// Nothing in a request can be changed after it was signed.
func TestChangedRequest(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		anna := w.member()
		eve, token := w.member(), w.invite()
		changes := map[string]func(r *request){
			"offer":     func(r *request) { r.body = padded(w.offer()) },
			"token":     func(r *request) { r.token = token },
			"account":   func(r *request) { r.account = eve.Account() },
			"half":      func(r *request) { r.account.Inner = eve.Account().Inner },
			"signature": func(r *request) { r.signature[63] ^= 1 },
			"nothing":   func(r *request) { r.signature = make([]byte, 64) },
			"too short": func(r *request) { r.signature = r.signature[:63] },
		}
		var replies []reply
		for _, change := range changes {
			replies = append(replies, w.post(func(exporter [32]byte) []byte {
				r := w.signed(anna, uri.Token{}, exporter)
				change(r)
				return r.bytes()
			}))
		}
		note(t, "request changed after it was signed", len(changes), refusedAs("signature", replies...))
	})
}

// Nobody comes online as somebody else, though he knows all of him that is public.
func TestImpersonation(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		c := w.call()
		victim := c.anna.id
		var replies []reply
		for n := range tries {
			eve := w.identity()
			replies = append(replies, w.post(func(exporter [32]byte) []byte {
				r := w.signed(victim, uri.Token{}, exporter)
				account := r.account
				if n%2 == 1 {
					account = eve.Account() // Signed as himself, and said to be the victim.
				}
				r.signature = eve.Sign(signal.Transcript(exporter, account, []byte(r.body), r.token))
				return r.bytes()
			}))
		}
		note(t, "another's account with an own key", tries, refusedAs("signature", replies...))
		c.end(0)
	})
}

// Who has no invite has to guess one, and cannot.
func TestGuessedInvites(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		w.invite() // There is one to be guessed.
		var errs, none []error
		for range tries {
			var token uri.Token
			_, _ = rand.Read(token[:])
			_, err := w.client(w.identity(), token).Online(t.Context(), w.offer())
			errs = append(errs, err)
			_, err = w.client(w.identity(), uri.Token{}).Online(t.Context(), w.offer())
			none = append(none, err)
		}
		note(t, "invite guessed", tries, refused(signal.ErrInviteUnknown, errs...))
		note(t, "no invite", tries, refused(signal.ErrUserUnknown, none...))
	})
}

// An invite lets one in, however many have it.
func TestStolenInvite(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		token := w.invite()
		if _, err := w.client(w.identity(), token).Online(t.Context(), w.offer()); err != nil {
			t.Fatal(err)
		}
		var errs []error
		for range tries {
			_, err := w.client(w.identity(), token).Online(t.Context(), w.offer())
			errs = append(errs, err)
		}
		note(t, "invite used again", tries, refused(signal.ErrInviteUsed, errs...))

		// All at once: one of them is the first.
		const thieves = 8
		errs = make([]error, thieves)
		token = w.invite()
		var wg sync.WaitGroup
		for n := range thieves {
			client, offer := w.client(w.identity(), token), w.offer()
			wg.Go(func() { _, errs[n] = client.Online(t.Context(), offer) })
		}
		wg.Wait()
		note(t, "invite used by many at once, but for one", thieves-1, refused(signal.ErrInviteUsed, errs...))
	})
}

// A user who was disabled is out at once, and stays out.
func TestDisabledUser(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		c := w.call()
		eve := w.join(ring(c.anna.handle()))
		time.Sleep(time.Second)
		folder, err := node.OpenFolder(t.Context(), w.dir)
		if err != nil {
			t.Fatal(err)
		}
		if err := folder.Registry.SetDisabled(t.Context(), eve.handle(), true); err != nil {
			t.Fatal(err)
		}
		if err := folder.Close(); err != nil {
			t.Fatal(err)
		}
		if err := w.node.CheckUser(t.Context(), eve.handle()); err != nil {
			t.Fatal(err)
		}
		ended := 0
		select {
		case <-eve.Done():
			ended = 1
		case <-time.After(time.Second):
		}
		note(t, "link of a disabled user", 1, ended)
		eve.leave()
		var errs []error
		for n := range tries {
			token := uri.Token{}
			if n == 0 {
				token = w.invite() // A fresh one does not help either.
			}
			_, err := w.client(eve.id, token).Online(t.Context(), w.offer())
			errs = append(errs, err)
		}
		note(t, "request of a disabled user", tries, refused(signal.ErrUserDisabled, errs...))
		c.from = interval.At(time.Now()) // Until then, eve had her share of ringing.
		time.Sleep(time.Second)
		c.end(0)
	})
}

// Whatever is posted instead of a request, nobody comes in by it, and it is read
// no further than it must.
func TestOddRequests(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		anna := w.member()
		long := strings.Repeat("x", 20<<10)
		odd := map[string]func(r *request){
			"long body":          func(r *request) { r.body += "0" },
			"very long body":     func(r *request) { r.body += long },
			"endless body":       func(r *request) { r.head = []string{"Content-Length: ", "Transfer-Encoding: chunked\r\nX: "} },
			"short body":         func(r *request) { r.body = r.body[:100] },
			"two lengths":        func(r *request) { r.head = []string{"Host: ", "Content-Length: 3\r\nHost: "} },
			"negative length":    func(r *request) { r.head = []string{"Content-Length: ", "Content-Length: -"} },
			"long header":        func(r *request) { r.head = []string{"Host: ", "X: " + long + "\r\nHost: "} },
			"long path":          func(r *request) { r.head = []string{signal.Path, "/" + long} },
			"many headers":       func(r *request) { r.head = []string{"Host: ", strings.Repeat("X: y\r\n", 4000) + "Host: "} },
			"another path":       func(r *request) { r.head = []string{signal.Path, "/v1/../admin"} },
			"another method":     func(r *request) { r.head = []string{"POST", "DELETE"} },
			"another version":    func(r *request) { r.head = []string{"Version: 1", "Version: 2"} },
			"another mode":       func(r *request) { r.head = []string{"tmix", "bmix"} },
			"a proxy's request":  func(r *request) { r.head = []string{signal.Path, "http://elsewhere.example/"} },
			"a tunnel":           func(r *request) { r.head = []string{"POST " + signal.Path, "CONNECT elsewhere.example:22"} },
			"another protocol":   func(r *request) { r.head = []string{"HTTP/1.1", "HTTP/2.0"} },
			"line breaks":        func(r *request) { r.head = []string{"tmix", "tmix\r\n\r\n"} },
			"nothing but header": func(r *request) { r.body = "" },
		}
		n := 0
		for name, change := range odd {
			got := w.post(func(exporter [32]byte) []byte {
				r := w.signed(anna, uri.Token{}, exporter)
				change(r)
				return r.bytes()
			})
			if got == cut || got.status >= 400 {
				n++
			} else {
				t.Errorf("%s: %+v", name, got)
			}
		}
		note(t, "odd request", len(odd), n)
		if s := w.status(); s.Online > 1 {
			t.Errorf("%+v", s)
		}
	})
}

// In an sMIX, nobody enters with keys that another made.
func TestStolenRecord(t *testing.T) {
	inWorld(t, cell.SMIX, 0, func(t *testing.T, w *world) {
		pin := w.node.Server().Pin
		record := func(id *key.Identity, pin uri.Pin) []byte {
			b, _, err := superpose.NewRecord(id, pin, key.Connection{1})
			if err != nil {
				t.Fatal(err)
			}
			return b
		}
		anna, eve := w.identity(), w.identity()
		good := record(eve, pin)
		online := func(id *key.Identity, token uri.Token, record []byte) error {
			client := w.client(id, token)
			client.Record = record
			_, err := client.Online(t.Context(), w.offer())
			return err
		}
		if err := online(eve, w.invite(), good); err != nil {
			t.Fatal(err)
		}
		swapped := bytes.Clone(good)
		copy(swapped[len(swapped)-1200:], record(anna, pin)[len(good)-1200:])
		bad := [][]byte{record(anna, pin), record(eve, uri.Pin{1}), swapped, good[1:], nil}
		var errs []error
		for _, b := range bad {
			errs = append(errs, online(eve, uri.Token{}, b))
		}
		note(t, "another's keys in an sMIX", len(bad), refused(signal.ErrMalformed, errs...))
	})
}

// A full server refuses newcomers, and serves those who are there.
func TestFullServer(t *testing.T) {
	inWorld(t, cell.TMIX, 2, func(t *testing.T, w *world) {
		c := w.call()
		var errs []error
		for range tries {
			_, err := w.client(w.identity(), w.invite()).Online(t.Context(), w.offer())
			errs = append(errs, err)
		}
		note(t, "newcomer at a full server", tries, refused(signal.ErrServerFull, errs...))
		c.end(0)
	})
}

// A member who comes online again and again is told to wait, whatever address he
// comes from.
func TestRestlessMember(t *testing.T) {
	inWorld(t, cell.TMIX, 0, func(t *testing.T, w *world) {
		c := w.call()
		eve := w.member()
		const most, asks = 10, 24
		errs := make([]error, asks)
		var wg sync.WaitGroup
		for n := range asks {
			client, offer := w.client(eve, uri.Token{}), w.offer()
			wg.Go(func() { _, errs[n] = client.Online(context.Background(), offer) })
		}
		wg.Wait()
		// She was there once before.
		note(t, "member who asks too often", asks-(most-1), refused(signal.ErrBusy, errs...))
		c.end(0)
	})
}
