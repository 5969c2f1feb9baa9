package signal

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"undertone/transport/key"
	"undertone/transport/uri"
)

// OnlineTime is how long a client tries before it gives up. It covers slow
// lines, and a server that is busy.
const OnlineTime = 20 * time.Second

// maxHead is the longest head of a response that a client reads, in bytes.
const maxHead = 16 << 10

// A Client is the user's half. It keeps nothing between two requests.
type Client struct {
	// Server is what the invite says of the server.
	Server uri.Server
	// Identity signs.
	Identity *key.Identity
	// Token is the one of the invite the first time, and zero later; to show
	// it again does no harm.
	Token uri.Token
	// Record is what the mode asks of a member besides his offer: nothing in
	// tMIX, the value of his connection in bMIX, and the keys of his connection
	// in sMIX; at most MaxRecord bytes.
	Record []byte
	// Dial makes a connection; nil stands for the system's network.
	Dial func(ctx context.Context, network, addr string) (net.Conn, error)
}

// An Answer is what the server says to a user whom it lets in.
type Answer struct {
	// SDP answers the offer.
	SDP string
	// Address is where the server was reached, host:port.
	Address string
	// Link is the key of the link that is about to open.
	Link key.Secret
	// Time is the server's clock when it answered, to the second: what the
	// low bits of a slot number are completed by.
	Time time.Time
	// Channels is how many shared channels the set has; 0 in modes without.
	Channels int
}

// Online asks the server to let the user online with an SDP offer. Its errors
// are *Error, except that of a context that ends.
func (c *Client) Online(ctx context.Context, offer string) (Answer, error) {
	whole := ctx
	ctx, cancel := context.WithTimeout(ctx, OnlineTime)
	defer cancel()
	answer, err := c.online(ctx, offer)
	switch {
	case err == nil:
		return answer, nil
	case whole.Err() != nil:
		return Answer{}, whole.Err()
	case ctx.Err() != nil:
		return Answer{}, c.unreachable(fmt.Errorf("no answer within %s", OnlineTime))
	}
	return Answer{}, err
}

func (c *Client) online(ctx context.Context, offer string) (Answer, error) {
	body, err := c.body(offer)
	if err != nil {
		return Answer{}, &Error{Code: ErrMalformed.Code, text: "cannot ask the server: " + err.Error(), cause: err}
	}
	conn, secrets, err := c.connect(ctx)
	if err != nil {
		return Answer{}, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })()

	req, err := c.request(ctx, secrets.auth, body)
	if err != nil {
		return Answer{}, &Error{Code: ErrMalformed.Code, text: "cannot ask the server: " + err.Error(), cause: err}
	}
	if err := req.Write(conn); err != nil {
		return Answer{}, c.unreachable(err)
	}
	answer, err := c.readResponse(conn, req)
	if err != nil {
		return Answer{}, err
	}
	answer.Link, answer.Address = secrets.link, conn.RemoteAddr().String()
	return answer, nil
}

// body is what the request carries. It has one length for everybody.
func (c *Client) body(offer string) (string, error) {
	offer, err := withRecord(offer, c.Record)
	if err != nil {
		return "", err
	}
	return pad(offer, OfferSize)
}

// request makes the one request. Its header has the same length for everybody.
func (c *Client) request(ctx context.Context, auth [exporterSize]byte, body string) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+c.Server.Host+Path, bytes.NewReader([]byte(body)))
	if err != nil {
		return nil, err
	}
	account := c.Identity.Account()
	signature := c.Identity.Sign(Transcript(auth, account, []byte(body), c.Token))
	req.Header.Set("User-Agent", "undertone")
	req.Header.Set("Content-Type", typeSDP)
	req.Header.Set(headerVersion, strconv.Itoa(Version))
	req.Header.Set(headerMode, c.Server.Mode.String())
	req.Header.Set(headerInterval, c.Server.Interval.String())
	req.Header.Set(headerAccount, encode(account.Bytes()))
	req.Header.Set(headerInvite, c.Token.String())
	req.Header.Set(headerSignature, encode(signature))
	return req, nil
}

// connect makes a TLS connection to the server of the invite and to no other.
func (c *Client) connect(ctx context.Context) (*tls.Conn, secrets, error) {
	dial := c.Dial
	if dial == nil {
		dial = new(net.Dialer).DialContext
	}
	raw, err := dial(ctx, "tcp", c.Server.Host)
	if err != nil {
		return nil, secrets{}, c.unreachable(err)
	}
	conn := tls.Client(raw, &tls.Config{
		MinVersion:       tls.VersionTLS13,
		CurvePreferences: []tls.CurveID{tls.X25519MLKEM768},
		// The pin replaces the authorities and the names of the web's keys.
		InsecureSkipVerify: true, //nolint:gosec // VerifyConnection does it
		VerifyConnection: func(cs tls.ConnectionState) error {
			return c.verify(cs.PeerCertificates, time.Now())
		},
	})
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, secrets{}, c.handshakeError(err)
	}
	cs := conn.ConnectionState()
	s, err := export(&cs)
	if err != nil {
		_ = conn.Close()
		return nil, secrets{}, c.notUndertone(err)
	}
	return conn, s, nil
}

// verify checks a chain against the pin of the invite.
func (c *Client) verify(chain []*x509.Certificate, now time.Time) error {
	if len(chain) == 0 || PinOf(chain[len(chain)-1]) != c.Server.Pin {
		return c.wrongPin()
	}
	if len(chain) != 2 || signedBy(chain[0], chain[1]) != nil {
		return c.wrongPin()
	}
	const date = "2 January 2006"
	leaf := chain[0]
	switch {
	case now.Before(leaf.NotBefore):
		return &Error{Code: ErrClock.Code, text: fmt.Sprintf(
			"the clock of this computer says %s, which is before the key of the server at %s was made; set the clock",
			now.Format(date), c.Server.Host)}
	case now.After(leaf.NotAfter):
		return &Error{Code: ErrClock.Code, text: fmt.Sprintf(
			"the key of the server at %s ran out on %s; if the clock of this computer is right (it says %s), ask the operator to renew it",
			c.Server.Host, leaf.NotAfter.Format(date), now.Format(date))}
	}
	return nil
}

func (c *Client) wrongPin() error {
	return &Error{Code: ErrPin.Code, text: fmt.Sprintf(
		"the server at %s is not the one of your invite; somebody may be in between, or the server was set up anew: ask its operator", c.Server.Host)}
}

func (c *Client) unreachable(cause error) error {
	return &Error{Code: ErrUnreachable.Code, cause: cause, text: fmt.Sprintf(
		"cannot reach the server at %s (%v); check the network, or ask its operator whether it runs", c.Server.Host, cause)}
}

func (c *Client) notUndertone(cause error) error {
	return &Error{Code: ErrNotUndertone.Code, cause: cause, text: fmt.Sprintf(
		"what answers at %s does not speak as an Undertone server (%v); check the address, or ask its operator", c.Server.Host, cause)}
}

// handshakeError tells a wrong server from a broken line.
func (c *Client) handshakeError(err error) error {
	if e, ok := asError(err); ok {
		return e
	}
	// TLS reports alerts, sent or received, as this kind of network error.
	var op *net.OpError
	alert := errors.As(err, &op) && (op.Op == "remote error" || op.Op == "local error")
	if isNetwork(err) && !alert {
		return c.unreachable(err)
	}
	return c.notUndertone(err)
}

// readResponse reads the server's response: the answer, or its refusal.
func (c *Client) readResponse(r io.Reader, req *http.Request) (Answer, error) {
	limited := bufio.NewReader(io.LimitReader(r, maxHead+AnswerSize))
	resp, err := http.ReadResponse(limited, req)
	if err != nil {
		if isNetwork(err) {
			return Answer{}, c.unreachable(err)
		}
		return Answer{}, c.notUndertone(errors.New("its response is not HTTP"))
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(resp.Body, AnswerSize+1))
	switch {
	case err != nil:
		return Answer{}, c.unreachable(err)
	case len(body) > AnswerSize:
		return Answer{}, c.notUndertone(errors.New("its response is too long"))
	case resp.StatusCode == http.StatusCreated && resp.Header.Get("Content-Type") == typeSDP:
		return c.readAnswer(string(body), resp.Header.Get("Date"))
	case resp.StatusCode == http.StatusCreated || resp.Header.Get("Content-Type") != typeJSON:
		return Answer{}, c.notUndertone(fmt.Errorf("status %d", resp.StatusCode))
	}
	refusal, err := parseNotice(body, c.Server)
	if err != nil {
		return Answer{}, c.notUndertone(err)
	}
	return Answer{}, refusal
}

// readAnswer reads what the server says to a user whom it lets in.
func (c *Client) readAnswer(body, date string) (a Answer, err error) {
	if a.Time, err = http.ParseTime(date); err != nil {
		return Answer{}, c.notUndertone(errors.New("its response has no date"))
	}
	if a.SDP, a.Channels, err = cutChannels(unpad(body)); err != nil {
		return Answer{}, c.notUndertone(errors.New("what it says of the set cannot be read"))
	}
	return a, nil
}

// isNetwork reports whether the connection broke, in contrast to bytes that
// came and make no sense.
func isNetwork(err error) bool {
	var n net.Error
	return errors.As(err, &n) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, io.ErrClosedPipe)
}

func asError(err error) (*Error, bool) {
	var e *Error
	ok := errors.As(err, &e)
	return e, ok
}
