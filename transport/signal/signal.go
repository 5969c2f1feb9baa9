package signal

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"undertone/transport/key"
	"undertone/transport/uri"
)

// Specification constants: a change of any is a change of the protocol.
const (
	// Version is the version of the signalling, and of all that follows it.
	Version = 1

	// Path is where the server listens.
	Path = "/v1/online"

	// OfferSize is the length of the body of every request, in bytes, and
	// AnswerSize that of every response.
	OfferSize  = 8192
	AnswerSize = 4096

	// ResponseTime is how long after the request every response leaves. It is
	// ample for opening a peer connection and for a commit on a slow disk.
	ResponseTime = 300 * time.Millisecond

	headerVersion   = "Undertone-Version"
	headerMode      = "Undertone-Mode"
	headerInterval  = "Undertone-Interval"
	headerAccount   = "Undertone-Account"
	headerInvite    = "Undertone-Invite"
	headerSignature = "Undertone-Signature"
	headerPadding   = "Undertone-Padding"

	typeSDP  = "application/sdp"
	typeJSON = "application/json"

	// variableHead is the length of the parts of a response's head that differ
	// between responses, padding included, in bytes.
	variableHead = 256

	exporterAuth = "EXPORTER-undertone-auth-v1"
	exporterLink = "EXPORTER-undertone-link-v1"

	labelOnline = "undertone online v1"
	labelToken  = "undertone token v1"

	paddingStart = "a=x-padding:"
	paddingEnd   = "\r\n"
)

// exporterSize is the length of each exported secret, in bytes.
const exporterSize = key.SecretSize

// Transcript is what a user signs to come online: it binds the account, the
// offer and the token to one TLS connection by what that connection exports.
func Transcript(exporter [exporterSize]byte, account key.Account, offer []byte, token uri.Token) []byte {
	body := sha256.Sum256(offer)
	hash := sha256.Sum256(append([]byte(labelToken), token[:]...))
	b := []byte(labelOnline)
	b = append(b, exporter[:]...)
	b = append(b, account.Bytes()...)
	b = append(b, body[:]...)
	return append(b, hash[:]...)
}

// secrets are what both ends export from their TLS connection.
type secrets struct {
	auth [exporterSize]byte
	link key.Secret
}

// export takes the secrets out of a connection that has the key exchange that
// the protocol asks for.
func export(cs *tls.ConnectionState) (secrets, error) {
	var s secrets
	if cs == nil || cs.Version != tls.VersionTLS13 || cs.CurveID != tls.X25519MLKEM768 || cs.DidResume {
		return s, errors.New("the connection is not a fresh TLS 1.3 connection with X25519MLKEM768")
	}
	auth, err := cs.ExportKeyingMaterial(exporterAuth, nil, exporterSize)
	if err != nil {
		return s, err
	}
	copy(s.auth[:], auth)
	link, err := cs.ExportKeyingMaterial(exporterLink, nil, exporterSize)
	if err != nil {
		return s, err
	}
	defer clear(link)
	s.link, err = key.NewSecret(link)
	return s, err
}

// pad brings a session description to size bytes with a line that every reader
// of SDP ignores.
func pad(sdp string, size int) (string, error) {
	fill := size - len(sdp) - len(paddingStart) - len(paddingEnd)
	if fill < 0 {
		return "", fmt.Errorf("the session description is too long: %d bytes of at most %d",
			len(sdp), size-len(paddingStart)-len(paddingEnd))
	}
	if !strings.HasSuffix(sdp, "\n") {
		return "", errors.New("the session description does not end with a line break")
	}
	return sdp + paddingStart + strings.Repeat("0", fill) + paddingEnd, nil
}

// unpad takes the padding off. A description without any is left as it is.
func unpad(sdp string) string {
	i := strings.LastIndex(sdp, "\n"+paddingStart)
	if i < 0 {
		return sdp
	}
	return sdp[:i+1]
}

// encode and decode are base64url as all headers have it.
func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func decode(s string) ([]byte, error) { return base64.RawURLEncoding.Strict().DecodeString(s) }
