package browser

import (
	"bufio"
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// page is the client: protocol.js is the bytes, client.js one link, call.js what two
// users do with theirs.
//
//go:embed page
var page embed.FS

// requestTime is for one connection of the companion, and more than a server takes.
const requestTime = 20 * time.Second

// A companion makes the connection on which its user comes online, since a page
// cannot. It checks who answers, hands out what TLS exports, and passes on one request
// that the page wrote and signed.
type companion struct {
	mu    sync.Mutex
	conns map[string]*tls.Conn
}

func newCompanion() *companion { return &companion{conns: map[string]*tls.Conn{}} }

// close ends the connections that no request was sent on.
func (c *companion) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
}

// connect opens a connection to the server of an invite, and to no other.
func (c *companion) connect(w http.ResponseWriter, r *http.Request) {
	var server struct{ Host, Pin string }
	if err := json.NewDecoder(r.Body).Decode(&server); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	conn, exported, err := dial(r, server.Host, server.Pin)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	id := rand.Text()
	c.mu.Lock()
	c.conns[id] = conn
	c.mu.Unlock()
	exported["connection"] = id
	_ = json.NewEncoder(w).Encode(exported) // If the page is gone, there is nobody to tell.
}

// dial makes the connection, and returns what both ends export from it.
func dial(r *http.Request, host, pin string) (*tls.Conn, map[string]string, error) {
	raw, err := new(net.Dialer).DialContext(r.Context(), "tcp", host)
	if err != nil {
		return nil, nil, err
	}
	conn := tls.Client(raw, &tls.Config{
		MinVersion:         tls.VersionTLS13,
		CurvePreferences:   []tls.CurveID{tls.X25519MLKEM768},
		InsecureSkipVerify: true, // VerifyConnection does it.
		VerifyConnection: func(cs tls.ConnectionState) error {
			return verify(cs.PeerCertificates, pin, time.Now())
		},
	})
	_ = conn.SetDeadline(time.Now().Add(requestTime))
	if err := conn.HandshakeContext(r.Context()); err != nil {
		_ = raw.Close()
		return nil, nil, err
	}
	cs := conn.ConnectionState()
	exported := map[string]string{}
	for name, label := range map[string]string{"auth": "EXPORTER-undertone-auth-v1", "link": "EXPORTER-undertone-link-v1"} {
		secret, err := cs.ExportKeyingMaterial(label, nil, 32)
		if err != nil {
			_ = conn.Close()
			return nil, nil, err
		}
		exported[name] = base64.RawURLEncoding.EncodeToString(secret)
	}
	return conn, exported, nil
}

// verify checks what the server shows: its online certificate, and its root.
func verify(chain []*x509.Certificate, pin string, now time.Time) error {
	if len(chain) != 2 {
		return fmt.Errorf("%d certificates instead of two", len(chain))
	}
	online, root := chain[0], chain[1]
	hash := sha256.Sum256(root.RawSubjectPublicKeyInfo)
	if base64.RawURLEncoding.EncodeToString(hash[:]) != pin {
		return errors.New("another server than that of the invite")
	}
	if err := root.CheckSignature(online.SignatureAlgorithm, online.RawTBSCertificate, online.Signature); err != nil {
		return err
	}
	if len(online.ExtKeyUsage) != 1 || online.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth {
		return errors.New("the certificate is for something else")
	}
	if now.Before(online.NotBefore) || now.After(online.NotAfter) {
		return errors.New("the certificate is not valid now")
	}
	return nil
}

// online sends the page's request on a connection, and brings back the response.
func (c *companion) online(w http.ResponseWriter, r *http.Request) {
	id := r.PathValue("connection")
	c.mu.Lock()
	conn := c.conns[id]
	delete(c.conns, id)
	c.mu.Unlock()
	if conn == nil {
		http.Error(w, "there is no such connection", http.StatusNotFound)
		return
	}
	defer func() { _ = conn.Close() }()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if err := exchange(w, r, conn, body); err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
	}
}

func exchange(w http.ResponseWriter, r *http.Request, conn *tls.Conn, body []byte) error {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, "https://"+conn.RemoteAddr().String()+"/v1/online", bytes.NewReader(body))
	if err != nil {
		return err
	}
	for name, values := range r.Header {
		if name == "Content-Type" || strings.HasPrefix(name, "Undertone-") {
			req.Header[name] = values
		}
	}
	req.Header.Set("User-Agent", "undertone")
	if err := req.Write(conn); err != nil {
		return err
	}
	resp, err := http.ReadResponse(bufio.NewReader(conn), req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	for _, name := range []string{"Content-Type", "Date"} {
		w.Header().Set(name, resp.Header.Get(name))
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = w.Write(answer) // If the page is gone, there is nobody to tell.
	return nil
}
