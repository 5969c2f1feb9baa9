package signal

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/simnet"
	"undertone/transport/uri"
)

// An attempt is one way to come, or not to come, online.
type attempt struct {
	name string
	gate Gate
	// prepare changes what the client believes of the server.
	prepare func(c *Client)
	// tamper changes the request on its way into the connection.
	tamper func(r *http.Request)
	want   *Error // nil for success
	says   string
}

var attempts = []attempt{
	{name: "success", gate: gateFunc(open)},
	{name: "success with a long answer", gate: gateFunc(func(context.Context, Request) (string, error) {
		return answer + strings.Repeat("a=candidate:1\r\n", 200), nil
	})},
	{name: "invite used", gate: refuse(ErrInviteUsed), want: ErrInviteUsed, says: "used before"},
	{name: "invite expired", gate: refuse(ErrInviteExpired), want: ErrInviteExpired, says: "has expired"},
	{name: "invite revoked", gate: refuse(ErrInviteRevoked), want: ErrInviteRevoked, says: "taken back"},
	{name: "invite unknown", gate: refuse(ErrInviteUnknown), want: ErrInviteUnknown, says: "copy the whole link"},
	{name: "user unknown", gate: refuse(fmt.Errorf("wrapped: %w", ErrUserUnknown)), want: ErrUserUnknown, says: "does not know you"},
	{name: "user disabled", gate: refuse(ErrUserDisabled), want: ErrUserDisabled, says: "has disabled your account"},
	{name: "full", gate: refuse(ErrServerFull), want: ErrServerFull, says: "is full"},
	{name: "internal error", gate: refuse(errors.New("the disk is full")), want: ErrInternal, says: "on the server"},
	{name: "an error only clients have", gate: refuse(ErrPin), want: ErrInternal, says: "on the server"},
	{name: "panic", gate: gateFunc(func(context.Context, Request) (string, error) { panic("oh") }), want: ErrInternal, says: "on the server"},
	{name: "answer too long", gate: gateFunc(func(context.Context, Request) (string, error) {
		return strings.Repeat("x", AnswerSize) + "\r\n", nil
	}), want: ErrInternal, says: "on the server"},
	{name: "slow gate", gate: gateFunc(func(context.Context, Request) (string, error) {
		time.Sleep(ResponseTime / 2)
		return answer, nil
	})},
	{
		name: "other mode", prepare: func(c *Client) { c.Server.Mode = cell.BMIX }, want: ErrMode,
		says: "the server runs tmix, and your invite says bmix",
	},
	{
		name: "other interval", prepare: func(c *Client) { c.Server.Interval = cell.Interval20 }, want: ErrInterval,
		says: "the server runs an interval of 40ms, and your invite says 20ms",
	},
	{
		name: "other version", tamper: func(r *http.Request) { r.Header.Set(headerVersion, "2") }, want: ErrVersion,
		says: "this server speaks version 1; update",
	},
	{name: "no version", tamper: func(r *http.Request) { r.Header.Set(headerVersion, "x") }, want: ErrMalformed, says: "could not read"},
	{name: "no such mode", tamper: func(r *http.Request) { r.Header.Set(headerMode, "xmix") }, want: ErrMalformed, says: "could not read"},
	{name: "no such interval", tamper: func(r *http.Request) { r.Header.Set(headerInterval, "7ms") }, want: ErrMalformed, says: "could not read"},
	{name: "bad account", tamper: func(r *http.Request) { r.Header.Set(headerAccount, "AAAA") }, want: ErrMalformed, says: "could not read"},
	{name: "bad token", tamper: func(r *http.Request) { r.Header.Set(headerInvite, "%") }, want: ErrMalformed, says: "could not read"},
	{name: "bad signature text", tamper: func(r *http.Request) { r.Header.Set(headerSignature, "%") }, want: ErrMalformed, says: "could not read"},
	{name: "wrong path", tamper: func(r *http.Request) { r.URL.Path = "/" }, want: ErrMalformed, says: "could not read"},
	{name: "wrong method", tamper: func(r *http.Request) { r.Method = http.MethodPut }, want: ErrMalformed, says: "could not read"},
	{name: "wrong type", tamper: func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, want: ErrMalformed, says: "could not read"},
	{name: "no signature", tamper: func(r *http.Request) { r.Header.Set(headerSignature, "") }, want: ErrSignature, says: "signature"},
	{name: "signature of nothing", tamper: func(r *http.Request) { r.Header.Set(headerSignature, encode(make([]byte, 64))) }, want: ErrSignature, says: "signature"},
	{name: "token swapped", tamper: func(r *http.Request) { r.Header.Set(headerInvite, uri.Token{9}.String()) }, want: ErrSignature, says: "signature"},
	{
		name: "account swapped", tamper: func(r *http.Request) {
			account := key.Account{Ed25519: [32]byte{1}}
			r.Header.Set(headerAccount, encode(account.Bytes()))
		}, want: ErrSignature, says: "signature",
	},
	{name: "offer swapped", tamper: func(r *http.Request) {
		r.Body = io.NopCloser(strings.NewReader(strings.Repeat("x", OfferSize)))
	}, want: ErrSignature, says: "signature"},
	{name: "offer too long", tamper: func(r *http.Request) {
		r.Body, r.ContentLength = io.NopCloser(strings.NewReader(strings.Repeat("x", OfferSize+1))), OfferSize+1
	}, want: ErrMalformed, says: "could not read"},
}

// Whatever becomes of an attempt, the packets of the response are the same:
// their number, their sizes, and their times after the request. A refusal is
// counted once, by its code.
func TestRefusalsLookAlike(t *testing.T) {
	var first []simnet.Packet
	for _, a := range attempts {
		t.Run(a.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var counted, want []Code
				w := newWorld(t, gateOf(a), func(c *Config) { c.Refused = func(code Code) { counted = append(counted, code) } })
				defer w.close()
				before := time.Now()
				_, err := w.try(a)
				if a.want == nil && err != nil {
					t.Fatal(err)
				}
				if a.want != nil {
					wantError(t, err, a.want, a.says)
					want = append(want, a.want.Code)
				}
				if !slices.Equal(counted, want) {
					t.Errorf("the refusals counted are %q, want %q", counted, want)
				}
				response := w.responses(before.Add(ResponseTime))
				if len(response) == 0 {
					t.Fatal("no response was seen")
				}
				if first == nil {
					first = response
				}
				if d := simnet.Diff(first, response); d != "" {
					t.Errorf("the response differs from that of %q: %s", attempts[0].name, d)
				}
			})
		})
	}
}

// The comparison above is able to see one byte, and one millisecond.
func TestLookAlikeSeesDifferences(t *testing.T) {
	run := func(more string, late time.Duration) (response []simnet.Packet) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, nil)
			w.stop()
			w.stop = w.serve(w.root, time.Now(), http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				time.Sleep(ResponseTime + late)
				(&handler{Config: Config{Server: w.uri, Now: time.Now}}).write(rw, reply{answer: answer + more})
			}))
			defer w.close()
			before := time.Now()
			if _, err := w.try(attempt{}); err != nil {
				t.Fatal(err)
			}
			response = w.responses(before.Add(ResponseTime))
		})
		return response
	}
	plain := run("", 0)
	if d := simnet.Diff(plain, run("", 0)); d != "" {
		t.Errorf("two equal responses differ: %s", d)
	}
	for name, other := range map[string][]simnet.Packet{"a byte": run("x", 0), "a millisecond": run("", time.Millisecond)} {
		if simnet.Diff(plain, other) == "" {
			t.Errorf("%s more was not seen", name)
		}
	}
}

func gateOf(a attempt) Gate {
	if a.gate == nil {
		return gateFunc(open)
	}
	return a.gate
}

// try makes one attempt with a new connection.
func (w *world) try(a attempt) (string, error) {
	w.t.Helper()
	c := w.client(identity(w.t, "anna"))
	if a.prepare != nil {
		a.prepare(c)
	}
	conn, secrets, err := c.connect(context.Background())
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	body, err := pad(offer, OfferSize)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := c.request(context.Background(), secrets.auth, body)
	if err != nil {
		w.t.Fatal(err)
	}
	if a.tamper != nil {
		a.tamper(r)
	}
	if err := r.Write(conn); err != nil {
		return "", err
	}
	answer, err := c.readResponse(conn, r)
	return answer.SDP, err
}

// responses lists what the server sent from then on.
func (w *world) responses(from time.Time) (list []simnet.Packet) {
	for _, p := range w.star.Since(from) {
		if p.From.Addr() == w.star.Server().Addr() {
			list = append(list, p)
		}
	}
	return list
}

// Two users, one of whom joins and one of whom comes back, send the same.
func TestRequestsLookAlike(t *testing.T) {
	requests := func(name string, token uri.Token, offer string) (list []simnet.Packet) {
		synctest.Test(t, func(t *testing.T) {
			w := newWorld(t, gateFunc(open))
			defer w.close()
			c := w.client(identity(t, name))
			c.Token = token
			if _, err := c.Online(t.Context(), offer); err != nil {
				t.Fatal(err)
			}
			list = w.star.Packets()
		})
		return list
	}
	joins := requests("anna", uri.Token{7}, offer)
	returns := requests("berta", uri.Token{}, offer+"a=candidate:1\r\n")
	if d := simnet.Diff(joins, returns); d != "" || len(joins) < 4 {
		t.Errorf("one who joins and one who returns: %s (%d packets)", d, len(joins))
	}
}

// A request that was recorded inside its connection says nothing on another.
func TestReplay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		admitted := 0
		w := newWorld(t, gateFunc(func(context.Context, Request) (string, error) {
			admitted++
			return answer, nil
		}))
		defer w.close()
		var recorded bytes.Buffer
		_, err := w.try(attempt{tamper: func(r *http.Request) {
			if err := r.Clone(context.Background()).Write(&recorded); err != nil {
				t.Error(err)
			}
			r.Body, _ = r.GetBody()
		}})
		if err != nil {
			t.Fatal(err)
		}
		c := w.client(identity(t, "eve"))
		conn, _, err := c.connect(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if _, err := conn.Write(recorded.Bytes()); err != nil {
			t.Fatal(err)
		}
		_, err = c.readResponse(conn, &http.Request{Method: http.MethodPost})
		wantError(t, err, ErrSignature, "signature")
		if admitted != 1 {
			t.Errorf("%d requests reached the gate, want 1", admitted)
		}
	})
}

// A newer server's refusal is in words that tell whom to update.
func TestNewerServer(t *testing.T) {
	for version, says := range map[int]string{
		2: "this server speaks version 2; update Undertone",
		0: "ask its operator to update it",
	} {
		body := fmt.Appendf(nil, `{"code":"version","message":"x","version":%d,"later":true}`, version)
		e, err := parseNotice(body, uri.Server{})
		if err != nil {
			t.Fatal(err)
		}
		wantError(t, e, ErrVersion, says)
	}
}

// A code that this client does not know comes through, safe for a terminal.
func TestUnknownCode(t *testing.T) {
	body := []byte(`{"code":"later","message":"\u001b[2Jpay \u202eus` + strings.Repeat("x", 4000) + `"}`)
	e, err := parseNotice(body, uri.Server{Host: host})
	if err != nil {
		t.Fatal(err)
	}
	text := e.Error()
	if !strings.Contains(text, host) || !strings.Contains(text, "[2Jpay us") || strings.ContainsAny(text, "\x1b\u202e") || len(text) > 400 {
		t.Errorf("the text is %q", text)
	}
	if Permanent(e) {
		t.Error("a client would give up for a reason that it does not know")
	}
}

func TestCodes(t *testing.T) {
	codes := Codes()
	if !slices.IsSorted(codes) || len(codes) != len(refusals) || !slices.Contains(codes, ErrBusy.Code) || slices.Contains(codes, ErrPin.Code) {
		t.Errorf("the codes are %q", codes)
	}
}

func TestPermanent(t *testing.T) {
	for err, want := range map[error]bool{
		ErrUserDisabled: true, ErrInviteUsed: true, ErrPin: true, ErrVersion: true, ErrNotUndertone: true,
		ErrUnreachable: false, ErrBusy: false, ErrServerFull: false, ErrInternal: false, ErrClock: false,
		context.Canceled: false,
	} {
		if Permanent(err) != want {
			t.Errorf("Permanent(%v) is %v", err, !want)
		}
		if Permanent(fmt.Errorf("wrapped: %w", err)) != want {
			t.Errorf("Permanent(wrapped %v) is %v", err, !want)
		}
	}
}

// The head of a response has room for the padding of each status.
func TestHeadPaddingFits(t *testing.T) {
	for code, r := range refusals {
		head := http.Header{"Content-Type": {typeJSON}, "Content-Length": {"4096"}}
		if len(headPadding(r.status, head)) < 64 {
			t.Errorf("%s: almost no padding is left", code)
		}
		if r.err.Code != code || r.err.text == "" {
			t.Errorf("%s: the table is wrong: %+v", code, r.err)
		}
	}
}

// The server speaks nothing but TLS 1.3 with the hybrid key exchange.
func TestServerRefusesWeakerTLS(t *testing.T) {
	for name, c := range map[string]*tls.Config{
		"TLS 1.2":     {MaxVersion: tls.VersionTLS12},
		"X25519 only": {CurvePreferences: []tls.CurveID{tls.X25519}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t, gateFunc(open))
				defer w.close()
				raw, err := w.user.DialContext(t.Context(), "tcp", host)
				if err != nil {
					t.Fatal(err)
				}
				c.InsecureSkipVerify = true //nolint:gosec // the point is the handshake
				conn := tls.Client(raw, c)
				if err := conn.HandshakeContext(t.Context()); err == nil {
					t.Error("the handshake succeeded")
				}
				_ = raw.Close()
			})
		})
	}
}
