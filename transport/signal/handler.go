package signal

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"undertone/transport/cell"
	"undertone/transport/key"
	"undertone/transport/uri"
)

// Tuning constants of the server: they may change without anybody noticing.
const (
	// admitTime is how long a gate may take, in all.
	admitTime = 10 * time.Second
	// queueTime is how long a request waits for a place at the gate. When a
	// server comes back, everybody comes online at once.
	queueTime = 3 * time.Second
	// defaultRequests is how many requests may be at the gate at once.
	defaultRequests = 64
)

// A Request is a user who wants to come online. The signature was checked: he
// holds the key of the account, and made this offer on this connection.
type Request struct {
	Account key.Account
	// Token is zero if the user says that he has joined before.
	Token uri.Token
	// Offer is the SDP offer.
	Offer string
	// Record is what the user sent along for the mode, of at most MaxRecord
	// bytes. It was not looked at.
	Record []byte
	// Link is the key of the link to be opened.
	Link key.Secret
	// Reached is the address of this machine that the request came to; not
	// valid if that is unknown.
	Reached netip.Addr
}

// A Gate decides who comes online.
type Gate interface {
	// Admit returns the SDP answer, or one of the refusals of this package;
	// any other error is logged and shown as ErrInternal. It is called from
	// many goroutines, and should return when the context ends.
	Admit(ctx context.Context, r Request) (answer string, err error)
}

// Config is what a handler needs.
type Config struct {
	// Server has the mode and the interval of the set.
	Server uri.Server
	// Channels is how many shared channels the set has; 0 in modes without.
	Channels int
	// Gate decides.
	Gate Gate
	// Refused is told each refusal, to be counted; it must not wait. Nil stands
	// for nobody.
	Refused func(Code)
	// Log gets what went wrong inside the server; nil stands for nowhere.
	Log *slog.Logger
	// Now is the clock that the server counts its slots by, which need not be
	// that of the machine if somebody sets that one; nil stands for time.Now.
	Now func() time.Time
	// MaxRequests is how many requests may be at the gate at once; zero stands
	// for 64. Others wait, and are told that the server is busy if that takes
	// too long.
	MaxRequests int
}

// NewHandler returns the server's half, to be served by Serve.
func NewHandler(c Config) http.Handler {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Refused == nil {
		c.Refused = func(Code) {}
	}
	if c.MaxRequests == 0 {
		c.MaxRequests = defaultRequests
	}
	return &handler{Config: c, places: make(chan struct{}, c.MaxRequests)}
}

type handler struct {
	Config
	places chan struct{} // One for each request at the gate.
}

// A reply is what a request led to: an answer, or the reason for none.
type reply struct {
	answer  string
	refusal *Error
}

// ServeHTTP reads the whole request, then decides, then waits until the time of
// the response has come, and only then writes. The time runs from the last byte
// of the request, because that is what an observer sees.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, OfferSize))
	arrived := time.Now()
	from := guestOf(r.Context())
	from.heard()
	rep := h.decide(r, body, err)
	from.answered(rep.refusal == nil, time.Now())
	if rep.refusal != nil {
		h.Refused(rep.refusal.Code)
	}
	if !wait(r.Context(), arrived) {
		panic(http.ErrAbortHandler) // To return would send an empty response of another shape.
	}
	h.write(w, rep)
}

// decide finds the reply. A panic anywhere in it is one user's misfortune, not
// the server's.
func (h *handler) decide(r *http.Request, body []byte, readErr error) (rep reply) {
	defer func() {
		if p := recover(); p != nil {
			h.Log.Error("a request made the server panic; please report this", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			rep = reply{refusal: ErrInternal}
		}
	}()
	if readErr != nil {
		return reply{refusal: ErrMalformed}
	}
	secrets, err := export(r.TLS)
	if err != nil {
		return reply{refusal: ErrMalformed}
	}
	req, refusal := h.parse(r, body, secrets)
	if refusal != nil {
		return reply{refusal: refusal}
	}
	req.Reached = reached(r.Context())
	return h.admit(r.Context(), req)
}

// reached returns the local address of the connection of a request.
func reached(ctx context.Context) netip.Addr {
	local, ok := ctx.Value(http.LocalAddrContextKey).(net.Addr)
	if !ok {
		return netip.Addr{}
	}
	addr, _ := netip.ParseAddrPort(local.String())
	return addr.Addr()
}

// admit asks the gate when there is place at it.
func (h *handler) admit(ctx context.Context, req Request) reply {
	queue := time.NewTimer(queueTime)
	defer queue.Stop()
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	case <-queue.C:
		return reply{refusal: ErrBusy}
	case <-ctx.Done():
		return reply{refusal: ErrBusy}
	}
	ctx, cancel := context.WithTimeout(ctx, admitTime)
	defer cancel()
	answer, err := h.Gate.Admit(ctx, req)
	if err == nil {
		answer, err = pad(withChannels(answer, h.Channels), AnswerSize)
	}
	if err == nil {
		return reply{answer: answer}
	}
	var refusal *Error
	if errors.As(err, &refusal) {
		if _, known := refusals[refusal.Code]; known {
			return reply{refusal: refusal}
		}
	}
	if ctx.Err() == nil {
		h.Log.Error("a user could not be let online", "error", err)
	}
	return reply{refusal: ErrInternal}
}

// parse reads a request and checks everything that needs no registry. The
// version comes first, because other versions may differ in all the rest.
func (h *handler) parse(r *http.Request, body []byte, s secrets) (Request, *Error) {
	if v := r.Header.Get(headerVersion); v != strconv.Itoa(Version) {
		if n, err := strconv.Atoi(v); err != nil || n < 1 {
			return Request{}, ErrMalformed
		}
		return Request{}, ErrVersion
	}
	if r.Method != http.MethodPost || r.URL.Path != Path || r.Header.Get("Content-Type") != typeSDP {
		return Request{}, ErrMalformed
	}
	if mode, err := cell.ParseMode(r.Header.Get(headerMode)); err != nil {
		return Request{}, ErrMalformed
	} else if mode != h.Server.Mode {
		return Request{}, ErrMode
	}
	if interval, err := cell.ParseInterval(r.Header.Get(headerInterval)); err != nil {
		return Request{}, ErrMalformed
	} else if interval != h.Server.Interval {
		return Request{}, ErrInterval
	}
	return authenticate(r.Header, body, s)
}

// authenticate checks the signature.
func authenticate(header http.Header, body []byte, s secrets) (Request, *Error) {
	accountBytes, err := decode(header.Get(headerAccount))
	if err != nil {
		return Request{}, ErrMalformed
	}
	account, err := key.ParseAccount(accountBytes)
	if err != nil {
		return Request{}, ErrMalformed
	}
	token, err := uri.ParseToken(header.Get(headerInvite))
	if err != nil {
		return Request{}, ErrMalformed
	}
	signature, err := decode(header.Get(headerSignature))
	if err != nil {
		return Request{}, ErrMalformed
	}
	if !account.Verify(Transcript(s.auth, account, body, token), signature) {
		return Request{}, ErrSignature
	}
	offer, record, err := cutRecord(unpad(string(body)))
	if err != nil {
		return Request{}, ErrMalformed
	}
	return Request{Account: account, Token: token, Offer: offer, Record: record, Link: s.link}, nil
}

// wait blocks until the next multiple of ResponseTime after arrived, and
// reports whether the client is still there.
func wait(ctx context.Context, arrived time.Time) bool {
	took := time.Since(arrived)
	timer := time.NewTimer(ResponseTime - took%ResponseTime)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// write sends the reply in its fixed shape.
func (h *handler) write(w http.ResponseWriter, rep reply) {
	status, body := http.StatusCreated, []byte(rep.answer)
	head := w.Header()
	head.Set("Connection", "close")
	head.Set("Date", h.Now().UTC().Format(http.TimeFormat))
	if rep.refusal == nil {
		head.Set("Content-Type", typeSDP)
		head.Set("Location", Path)
	} else {
		status = refusals[rep.refusal.Code].status
		head.Set("Content-Type", typeJSON)
		body = noticeBody(newNotice(rep.refusal, h.Server))
	}
	head.Set("Content-Length", strconv.Itoa(len(body)))
	head.Set(headerPadding, headPadding(status, head))
	w.WriteHeader(status)
	_, _ = w.Write(body) // If the client is gone, there is nobody to tell.
}

// headPadding makes up for the reason phrase and the header fields that differ.
func headPadding(status int, head http.Header) string {
	n := len(http.StatusText(status))
	for name, values := range head {
		n += len(name) + len(values[0])
		n += len(": \r\n")
	}
	return strings.Repeat("0", max(variableHead-n, 0))
}

// noticeBody writes a refusal as JSON, filled with spaces to AnswerSize.
func noticeBody(n notice) []byte {
	b, err := json.Marshal(n)
	if err != nil || len(b) > AnswerSize {
		b = []byte(`{"code":"internal"}`) // A notice is made of short strings: this cannot be.
	}
	return append(b, strings.Repeat(" ", AnswerSize-len(b))...)
}
