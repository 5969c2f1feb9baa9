package signal

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"time"

	"undertone/transport/uri"
)

const (
	// OnlineLife is how long an online certificate is valid, unless it is made for
	// less.
	OnlineLife = 365 * 24 * time.Hour
	// MinOnlineLife is the least that leaves time to replace it.
	MinOnlineLife = 7 * 24 * time.Hour
	// onlineSlack is how far the clock of a client may be behind when the
	// certificate is new.
	onlineSlack = 48 * time.Hour

	// RenewBefore is how long before its end an online certificate of a year should
	// be replaced (see RenewAt).
	RenewBefore = 30 * 24 * time.Hour

	day = 24 * time.Hour

	blockKey  = "PRIVATE KEY"
	blockCert = "CERTIFICATE"
)

// The life of a root certificate means nothing, because clients pin its key;
// but the format asks for one.
var (
	rootFrom = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	rootTo   = time.Date(2200, 1, 1, 0, 0, 0, 0, time.UTC)
)

// A Root is the long-term key of a server: invites name it, and it signs the
// certificates that the server uses online.
type Root struct {
	key  ed25519.PrivateKey
	cert *x509.Certificate
}

// NewRoot makes a root from the system's randomness.
func NewRoot() (*Root, error) {
	_, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	return rootOf(priv)
}

// RecoverRoot reads what Key returns when the certificate is lost. What counts
// of a root is its key, so the new certificate is as good as the old.
func RecoverRoot(keyText []byte) (*Root, error) {
	k, _, err := decodeKey(keyText)
	if err != nil {
		return nil, err
	}
	priv, ok := k.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("the root key is not of the kind Ed25519")
	}
	return rootOf(priv)
}

// rootOf makes the certificate of a root key.
func rootOf(priv ed25519.PrivateKey) (*Root, error) {
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(1),
		Subject:               pkix.Name{CommonName: "undertone root"},
		NotBefore:             rootFrom,
		NotAfter:              rootTo,
		IsCA:                  true,
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, priv.Public(), priv)
	if err != nil {
		return nil, fmt.Errorf("make the root certificate: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	return &Root{key: priv, cert: cert}, err
}

// Certificate returns the root certificate as PEM. It is public, and must stay
// with the server when the key is moved away.
func (r *Root) Certificate() []byte { return encodePEM(blockCert, r.cert.Raw) }

// Key returns the root key as PEM.
func (r *Root) Key() ([]byte, error) { return encodeKey(r.key) }

// ParseRootCertificate reads what Certificate returns.
func ParseRootCertificate(text []byte) (*x509.Certificate, error) {
	der, _, err := decodePEM(text, blockCert)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if _, ok := cert.PublicKey.(ed25519.PublicKey); !ok {
		return nil, errors.New("the root key is not of the kind Ed25519")
	}
	return cert, nil
}

// ParseRoot reads what Certificate and Key return.
func ParseRoot(certificate, keyText []byte) (*Root, error) {
	cert, err := ParseRootCertificate(certificate)
	if err != nil {
		return nil, err
	}
	k, _, err := decodeKey(keyText)
	if err != nil {
		return nil, err
	}
	priv, ok := k.(ed25519.PrivateKey)
	if !ok || !priv.Public().(ed25519.PublicKey).Equal(cert.PublicKey) {
		return nil, errors.New("the root key is not the one of the root certificate")
	}
	return &Root{key: priv, cert: cert}, nil
}

// PinOf returns what invites call the root key. It names an online key as well.
func PinOf(root *x509.Certificate) uri.Pin { return sha256.Sum256(root.RawSubjectPublicKeyInfo) }

// Pin returns what invites call the root key.
func (r *Root) Pin() uri.Pin { return PinOf(r.cert) }

// NewOnline makes a key and a certificate to be used online from now on for a
// year, signed by the root. It returns them as one PEM text.
func (r *Root) NewOnline(now time.Time) ([]byte, error) { return r.NewOnlineFor(now, OnlineLife) }

// NewOnlineFor is NewOnline for another time. Nothing takes a certificate back: who
// steals its key can pretend to be the server until it ends.
func (r *Root) NewOnlineFor(now time.Time, life time.Duration) ([]byte, error) {
	if life < MinOnlineLife || life > OnlineLife {
		return nil, fmt.Errorf("an online certificate is valid for %d to %d days", MinOnlineLife/day, OnlineLife/day)
	}
	// Ed25519, because its signatures have one length, and so each handshake
	// looks like any other.
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		SerialNumber: newSerial(),
		Subject:      pkix.Name{CommonName: "undertone online"},
		NotBefore:    now.Add(-onlineSlack),
		NotAfter:     now.Add(life),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, r.cert, pub, r.key)
	if err != nil {
		return nil, fmt.Errorf("make the online certificate: %w", err)
	}
	text, err := encodeKey(priv)
	if err != nil {
		return nil, err
	}
	return append(text, encodePEM(blockCert, der)...), nil
}

// LifeOf is for how long an online certificate was made.
func LifeOf(leaf *x509.Certificate) time.Duration {
	return leaf.NotAfter.Sub(leaf.NotBefore) - onlineSlack
}

// RenewAt is when an online certificate should be replaced: when 30 days of its life
// are left, or a third, if that is less.
func RenewAt(leaf *x509.Certificate) time.Time {
	return leaf.NotAfter.Add(-min(RenewBefore, LifeOf(leaf)/3))
}

// newSerial returns a random serial number whose encoding has a fixed length.
func newSerial() *big.Int {
	var b [16]byte
	_, _ = rand.Read(b[:]) // Never fails.
	b[0] = b[0]&0x3f | 0x40
	return new(big.Int).SetBytes(b[:])
}

// ParseOnline reads what NewOnline returns, and checks that the root signed it.
// The Leaf of the result is set; its NotAfter says when to renew.
func ParseOnline(text []byte, root *x509.Certificate) (*tls.Certificate, error) {
	k, rest, err := decodeKey(text)
	if err != nil {
		return nil, err
	}
	der, _, err := decodePEM(rest, blockCert)
	if err != nil {
		return nil, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, err
	}
	if err := signedBy(leaf, root); err != nil {
		return nil, err
	}
	signer, ok := k.(crypto.Signer)
	if !ok || !samePublic(signer.Public(), leaf.PublicKey) {
		return nil, errors.New("the online key is not the one of the online certificate")
	}
	return &tls.Certificate{Certificate: [][]byte{leaf.Raw, root.Raw}, PrivateKey: signer, Leaf: leaf}, nil
}

// signedBy says why leaf is not an online certificate of root.
func signedBy(leaf, root *x509.Certificate) error {
	if leaf.SignatureAlgorithm != x509.PureEd25519 {
		return errors.New("the online certificate is not signed with Ed25519")
	}
	if err := root.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature); err != nil {
		return errors.New("the online certificate is not signed by the root key")
	}
	if leaf.IsCA || len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth {
		return errors.New("the online certificate is for something else")
	}
	return nil
}

func samePublic(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

func encodePEM(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

func decodePEM(text []byte, kind string) (der, rest []byte, err error) {
	block, rest := pem.Decode(text)
	if block == nil || block.Type != kind {
		return nil, nil, fmt.Errorf("there is no PEM block %q", kind)
	}
	return block.Bytes, rest, nil
}

func encodeKey(k any) ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k)
	if err != nil {
		return nil, err
	}
	return encodePEM(blockKey, der), nil
}

func decodeKey(text []byte) (k any, rest []byte, err error) {
	der, rest, err := decodePEM(text, blockKey)
	if err != nil {
		return nil, nil, err
	}
	k, err = x509.ParsePKCS8PrivateKey(der)
	return k, rest, err
}
