package signal

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"

	"undertone/transport/cell"
	"undertone/transport/uri"
)

// A Code names a reason for not coming online. Codes are part of the protocol.
type Code string

// An Error says why a user is not online. Errors are told apart with errors.Is
// and the Err variables; their text is for a person and says what to do next.
type Error struct {
	Code  Code
	text  string
	cause error
}

// Error returns the text.
func (e *Error) Error() string { return e.text }

// Unwrap returns what is behind it, such as the error of a system call.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether target is an Error with the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// Refusals by the server. A Gate returns them as they are.
var (
	ErrInviteUsed = &Error{Code: "invite-used",
		text: "this invite was used before; ask the operator of the server for a new one"}
	ErrInviteExpired = &Error{Code: "invite-expired",
		text: "this invite has expired; ask the operator of the server for a new one"}
	ErrInviteRevoked = &Error{Code: "invite-revoked",
		text: "this invite was taken back by the operator of the server; ask for a new one"}
	ErrInviteUnknown = &Error{Code: "invite-unknown",
		text: "the server does not know this invite; copy the whole link, or ask the operator for a new one"}
	ErrUserUnknown = &Error{Code: "user-unknown",
		text: "the server does not know you; ask its operator for an invite and use it with: undertone join LINK"}
	ErrUserDisabled = &Error{Code: "user-disabled",
		text: "the operator of the server has disabled your account; ask him about it"}
	ErrSignature = &Error{Code: "signature",
		text: "the server did not accept your signature; somebody may be in between, or the profile is damaged"}
	ErrVersion = &Error{Code: "version",
		text: "the server speaks another version of the protocol; update Undertone"}
	ErrMode = &Error{Code: "mode",
		text: "the server runs another mode than your invite says; ask its operator for a new invite"}
	ErrInterval = &Error{Code: "interval",
		text: "the server runs another interval than your invite says; ask its operator for a new invite"}
	ErrServerFull = &Error{Code: "full",
		text: "the server is full; try again later, or ask its operator for more places"}
	ErrBusy = &Error{Code: "busy",
		text: "the server is busy; try again in a moment"}
	ErrMalformed = &Error{Code: "malformed",
		text: "the server could not read the request; update Undertone"}
	ErrInternal = &Error{Code: "internal",
		text: "something went wrong on the server; try again later, and tell its operator"}
)

// Reasons that the client finds by itself.
var (
	// ErrUnreachable means that there is no connection.
	ErrUnreachable = &Error{Code: "unreachable"}
	// ErrPin means that somebody else answers at the address of the server.
	ErrPin = &Error{Code: "pin"}
	// ErrClock means that the certificate is not valid at this time by the
	// clock of this machine.
	ErrClock = &Error{Code: "clock"}
	// ErrNotUndertone means that who answers does not speak the protocol.
	ErrNotUndertone = &Error{Code: "not-undertone"}
)

// refusals lists what a server may answer: the status, and whether it is any
// use to try again without a person doing something.
var refusals = map[Code]struct {
	err    *Error
	status int
	again  bool
}{
	ErrInviteUsed.Code:    {ErrInviteUsed, http.StatusForbidden, false},
	ErrInviteExpired.Code: {ErrInviteExpired, http.StatusForbidden, false},
	ErrInviteRevoked.Code: {ErrInviteRevoked, http.StatusForbidden, false},
	ErrInviteUnknown.Code: {ErrInviteUnknown, http.StatusForbidden, false},
	ErrUserUnknown.Code:   {ErrUserUnknown, http.StatusForbidden, false},
	ErrUserDisabled.Code:  {ErrUserDisabled, http.StatusForbidden, false},
	ErrSignature.Code:     {ErrSignature, http.StatusUnauthorized, false},
	ErrVersion.Code:       {ErrVersion, http.StatusConflict, false},
	ErrMode.Code:          {ErrMode, http.StatusConflict, false},
	ErrInterval.Code:      {ErrInterval, http.StatusConflict, false},
	ErrMalformed.Code:     {ErrMalformed, http.StatusBadRequest, false},
	ErrServerFull.Code:    {ErrServerFull, http.StatusServiceUnavailable, true},
	ErrBusy.Code:          {ErrBusy, http.StatusServiceUnavailable, true},
	ErrInternal.Code:      {ErrInternal, http.StatusInternalServerError, true},
}

// Codes lists those of all refusals, sorted.
func Codes() []Code { return slices.Sorted(maps.Keys(refusals)) }

// Permanent reports whether err stays the same until a person does something,
// so that trying again by itself is of no use.
func Permanent(err error) bool {
	e, ok := asError(err)
	if !ok {
		return false
	}
	if e.Code == ErrPin.Code || e.Code == ErrNotUndertone.Code {
		return true
	}
	r, known := refusals[e.Code]
	return known && !r.again
}

// A notice is the body of a refusal.
type notice struct {
	Code     Code   `json:"code"`
	Message  string `json:"message"`
	Version  int    `json:"version"`
	Mode     string `json:"mode"`
	Interval string `json:"interval"`
}

// newNotice words a refusal by the server s.
func newNotice(e *Error, s uri.Server) notice {
	n := notice{Code: e.Code, Message: e.text, Version: Version, Mode: s.Mode.String(), Interval: s.Interval.String()}
	switch e.Code {
	case ErrVersion.Code:
		n.Message = fmt.Sprintf("this server speaks version %d; update the older of Undertone and the server", Version)
	case ErrMode.Code:
		n.Message = fmt.Sprintf("this server runs %s; ask its operator for a new invite", n.Mode)
	case ErrInterval.Code:
		n.Message = fmt.Sprintf("this server runs an interval of %s; ask its operator for a new invite", n.Interval)
	}
	return n
}

// maxMessage is how much of a message of the server is shown, in bytes.
const maxMessage = 300

// parseNotice reads the body of a refusal into an Error. Where the client knows
// better words than the server, it uses them: the server may be hostile, and a
// person reads them.
func parseNotice(body []byte, s uri.Server) (*Error, error) {
	var n notice
	if err := json.Unmarshal(body, &n); err != nil {
		return nil, fmt.Errorf("read the refusal of the server: %w", err)
	}
	r, known := refusals[n.Code]
	if !known {
		return &Error{Code: "other", text: "the server at " + s.Host + " refused: " + printable(n.Message)}, nil
	}
	e := *r.err
	switch e.Code {
	case ErrVersion.Code:
		e.text = versionText(n.Version)
	case ErrMode.Code:
		if m, err := cell.ParseMode(n.Mode); err == nil {
			e.text = fmt.Sprintf("the server runs %s, and your invite says %s; ask its operator for a new invite", m, s.Mode)
		}
	case ErrInterval.Code:
		if i, err := cell.ParseInterval(n.Interval); err == nil {
			e.text = fmt.Sprintf("the server runs an interval of %s, and your invite says %s; ask its operator for a new invite", i, s.Interval)
		}
	}
	return &e, nil
}

func versionText(server int) string {
	if server < Version {
		return fmt.Sprintf("this server speaks version %d and you speak version %d; ask its operator to update it", server, Version)
	}
	return fmt.Sprintf("this server speaks version %d; update Undertone", server)
}

// printable makes a stranger's text safe for a terminal.
func printable(s string) string {
	if len(s) > maxMessage {
		s = s[:maxMessage]
	}
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, s)
}
