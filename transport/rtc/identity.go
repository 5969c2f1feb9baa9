package rtc

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"math/big"
	"strings"
	"time"

	"github.com/pion/dtls/v3"
	"github.com/pion/dtls/v3/pkg/crypto/fingerprint"
)

// An identity is the certificate of one side of one link. It is made for the link and
// says nothing about anybody: the description that signalling carries names it.
type identity struct {
	certificate tls.Certificate
	fingerprint string
}

// identityTime is for how long a certificate says that it holds; nobody looks.
const identityTime = 30 * 24 * time.Hour

func newIdentity() (id identity, err error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return id, err
	}
	// The top bit but one is set, so that all have the same length.
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 126))
	if err != nil {
		return id, err
	}
	name := pkix.Name{CommonName: "WebRTC"} // as that of browsers
	begins := time.Now().Add(-24 * time.Hour)
	template := &x509.Certificate{
		SerialNumber: serial.SetBit(serial, 126, 1), Subject: name, Issuer: name,
		NotBefore: begins, NotAfter: begins.Add(identityTime),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return id, err
	}
	id.certificate = tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key}
	id.fingerprint, err = fingerprintOf(raw)
	return id, err
}

// fingerprintOf returns the SHA-256 of a certificate as SDP has it (RFC 8122).
func fingerprintOf(raw []byte) (string, error) {
	c, err := x509.ParseCertificate(raw)
	if err != nil {
		return "", err
	}
	text, err := fingerprint.Fingerprint(c, crypto.SHA256)
	return strings.ToUpper(text), err
}

// shared are the options of DTLS for both sides, with a peer of that fingerprint.
func (id *identity) shared(theirs string) []dtls.Option {
	return []dtls.Option{
		dtls.WithCertificates(id.certificate),
		// There is no media. All of WebRTC asks for this, and so do we.
		dtls.WithSRTPProtectionProfiles(dtls.SRTP_AEAD_AES_256_GCM, dtls.SRTP_AEAD_AES_128_GCM, dtls.SRTP_AES128_CM_HMAC_SHA1_80),
		dtls.WithInsecureSkipVerify(true), // There is no authority, but a fingerprint.
		dtls.WithVerifyPeerCertificate(func(raw [][]byte, _ [][]*x509.Certificate) error {
			if len(raw) == 0 {
				return errStranger
			}
			if text, err := fingerprintOf(raw[0]); err != nil || !strings.EqualFold(text, theirs) {
				return errStranger
			}
			return nil
		}),
		dtls.WithLoggerFactory(silence),
	}
}

// errStranger ends a handshake.
var errStranger = errors.New("rtc: the certificate is not that of the description")

// calling are the options of who begins the handshake.
func (id *identity) calling(theirs string) (all []dtls.ClientOption) {
	for _, o := range id.shared(theirs) {
		all = append(all, o)
	}
	return all
}

// answering are those of the other side.
func (id *identity) answering(theirs string) (all []dtls.ServerOption) {
	for _, o := range id.shared(theirs) {
		all = append(all, o)
	}
	return append(all,
		dtls.WithClientAuth(dtls.RequireAnyClientCert),
		dtls.WithInsecureSkipVerifyHello(true), // ICE has shown the address already.
	)
}
