package signal

import (
	"bufio"
	"bytes"
	"net/http"
	"strings"
	"testing"

	"undertone/transport/cell"
	"undertone/transport/uri"
)

// FuzzRequest feeds the server whole requests. Nothing but a signature over
// this very connection lets anybody through.
func FuzzRequest(f *testing.F) {
	id := identity(f, "anna")
	server := uri.Server{Host: host, Mode: cell.TMIX, Interval: cell.Interval40}
	var s secrets
	s.auth[0] = 1
	c := &Client{Server: server, Identity: id}
	offer, err := withRecord(offer, make([]byte, 16))
	if err != nil {
		f.Fatal(err)
	}
	for _, auth := range [][exporterSize]byte{s.auth, {}} {
		r, err := c.request(f.Context(), auth, offer) // Unpadded: short inputs are fuzzed faster.
		if err != nil {
			f.Fatal(err)
		}
		var b bytes.Buffer
		if err := r.Write(&b); err != nil {
			f.Fatal(err)
		}
		f.Add(b.Bytes())
	}
	f.Add([]byte("GET / HTTP/1.1\r\nHost: x\r\nUndertone-Version: 1\r\n\r\n"))
	h := &handler{Config: Config{Server: server}}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(b)))
		if err != nil {
			return
		}
		body := make([]byte, OfferSize)
		n, _ := r.Body.Read(body)
		req, refusal := h.parse(r, body[:n], s)
		if refusal == nil && req.Account != id.Account() {
			t.Fatalf("somebody else got in: %+v", req)
		}
		if refusal != nil && refusals[refusal.Code].status < 400 {
			t.Fatalf("refused with %+v", refusal)
		}
	})
}

// FuzzResponse feeds the client whole responses.
func FuzzResponse(f *testing.F) {
	body := string(noticeBody(newNotice(ErrInviteUsed, uri.Server{Mode: cell.TMIX, Interval: cell.Interval40})))
	f.Add([]byte("HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nContent-Length: 4096\r\n\r\n" + body))
	f.Add([]byte("HTTP/1.1 201 Created\r\nDate: Sun, 22 Nov 2026 17:00:00 GMT\r\nContent-Type: application/sdp\r\n\r\n" + answer))
	f.Add([]byte("HTTP/1.1 409 Conflict\r\nContent-Type: application/json\r\n\r\n{\"code\":\"mode\",\"mode\":\"bmix\"}"))
	f.Add([]byte("HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n"))
	c := &Client{Server: uri.Server{Host: host, Mode: cell.TMIX, Interval: cell.Interval40}}
	f.Fuzz(func(t *testing.T, b []byte) {
		a, err := c.readResponse(bytes.NewReader(b), &http.Request{Method: http.MethodPost})
		if err == nil {
			if len(a.SDP) > AnswerSize {
				t.Fatalf("an answer of %d bytes", len(a.SDP))
			}
			return
		}
		if e, ok := asError(err); !ok || e.text == "" || strings.ContainsAny(e.Error(), "\x00\x1b\x07") {
			t.Fatalf("the error is %q", err)
		}
	})
}

// FuzzPadding checks that what is padded is what is read.
func FuzzPadding(f *testing.F) {
	f.Add(offer)
	f.Add("a=x-padding:0\r\n")
	f.Add("\n")
	f.Fuzz(func(t *testing.T, sdp string) {
		_ = unpad(sdp)
		padded, err := pad(sdp, OfferSize)
		if err != nil {
			return
		}
		if len(padded) != OfferSize || unpad(padded) != sdp {
			t.Fatalf("%q became %q", sdp, unpad(padded))
		}
	})
}

// FuzzCertificates feeds damaged key files to the server.
func FuzzCertificates(f *testing.F) {
	root, err := NewRoot()
	if err != nil {
		f.Fatal(err)
	}
	secret, err := root.Key()
	if err != nil {
		f.Fatal(err)
	}
	online, err := root.NewOnline(rootFrom)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(root.Certificate(), secret)
	f.Add(root.Certificate(), online)
	f.Add(online, online)
	f.Fuzz(func(t *testing.T, cert, text []byte) {
		if r, err := ParseRoot(cert, text); err == nil && r.Pin() == (uri.Pin{}) {
			t.Fatal("a root without a pin")
		}
		if r, err := RecoverRoot(text); err == nil && r.Pin() == (uri.Pin{}) {
			t.Fatal("a root without a pin")
		}
		c, err := ParseRootCertificate(cert)
		if err != nil {
			return
		}
		if tc, err := ParseOnline(text, c); err == nil && (tc.Leaf == nil || len(tc.Certificate) != 2) {
			t.Fatal("an online certificate without a chain")
		}
	})
}

// The key files survive being written and read, and do not mix.
func TestKeyFiles(t *testing.T) {
	root, other := mustRoot(t), mustRoot(t)
	secret, err := root.Key()
	if err != nil {
		t.Fatal(err)
	}
	again, err := ParseRoot(root.Certificate(), secret)
	if err != nil || again.Pin() != root.Pin() {
		t.Fatalf("the root came back as another: %v", err)
	}
	if recovered, err := RecoverRoot(secret); err != nil || recovered.Pin() != root.Pin() {
		t.Errorf("the root came back from its key as another: %v", err)
	}
	if _, err := ParseRoot(other.Certificate(), secret); err == nil {
		t.Error("a root key was taken for another's")
	}
	online, err := root.NewOnline(rootFrom)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ParseOnline(online, other.cert); err == nil {
		t.Error("an online certificate was taken for another root's")
	}
	foreign, err := root.NewOnline(rootFrom)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := decodePEM(foreign, blockKey)
	first, _, _ := bytes.Cut(online, []byte("-----BEGIN CERT"))
	if _, err := ParseOnline(append(bytes.Clone(first), rest...), root.cert); err == nil {
		t.Error("a key was taken for that of another certificate")
	}
	if root.Pin() == (uri.Pin{}) || root.Pin() == other.Pin() {
		t.Error("two roots have one pin")
	}
}
