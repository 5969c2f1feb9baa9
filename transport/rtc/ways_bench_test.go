package rtc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"math/big"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pion/turn/v5"

	"undertone/transport/cell"
)

// A counted connection counts what is written to it, headers of TCP apart.
type counted struct {
	net.Conn
	bytes *atomic.Int64
}

func (c counted) Write(b []byte) (int, error) {
	c.bytes.Add(int64(len(b)))
	return c.Conn.Write(b)
}

// BenchmarkWays measures one cell in and one out over the ways there are for it on a
// network without UDP, and over UDP to compare: ICE-TCP, which is ours, and TURN over
// TLS, which is the other one that WebRTC knows, with pion's server in this process as
// an operator would have it beside his own. It is loopback, so what differs is what the
// ways cost in processor time, wakings and bytes; loss is TCP's affair in both.
func BenchmarkWays(b *testing.B) {
	for name, way := range map[string]func(b *testing.B, s *Listener, cfg *DialConfig) *atomic.Int64{
		"UDP":           func(*testing.B, *Listener, *DialConfig) *atomic.Int64 { return nil },
		"ICE-TCP":       overICETCP,
		"TURN over TLS": overTURN,
	} {
		b.Run(name, func(b *testing.B) {
			s, err := NewListener(ListenConfig{Address: "127.0.0.1:0", StreamPort: frontPort})
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { _ = s.Close() })
			var cfg DialConfig
			bytes := way(b, s, &cfg)
			client, back := dialEcho(b, s, cfg)
			var c cell.Cell
			var before int64
			if bytes != nil {
				before = bytes.Load()
			}
			for b.Loop() {
				client.Send(c[:])
				<-back
			}
			if bytes != nil {
				b.ReportMetric(float64(bytes.Load()-before)/float64(b.N), "B-up/op")
			}
		})
	}
}

// overICETCP has the client go over TCP from the beginning.
func overICETCP(b *testing.B, s *Listener, cfg *DialConfig) *atomic.Int64 {
	b.Helper()
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	var taking sync.WaitGroup
	taking.Go(func() {
		for {
			c, err := front.Accept()
			if err != nil {
				return
			}
			s.Adopt(c, nil)
		}
	})
	b.Cleanup(func() {
		_ = front.Close()
		taking.Wait()
	})
	bytes := new(atomic.Int64)
	cfg.UDPTime = -1
	cfg.Stream = func(context.Context) (net.Conn, error) {
		c, err := net.Dial("tcp", front.Addr().String())
		return counted{c, bytes}, err
	}
	return bytes
}

// overTURN has the client's datagrams relayed by a TURN server, to which it speaks TLS.
func overTURN(b *testing.B, _ *Listener, cfg *DialConfig) *atomic.Int64 {
	b.Helper()
	const name, password, realm = "ann", "secret", "example.org"
	front, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server, err := turn.NewServer(turn.ServerConfig{
		Realm: realm, LoggerFactory: silence,
		AuthHandler: func(*turn.RequestAttributes) (string, []byte, bool) {
			return name, turn.GenerateAuthKey(name, realm, password), true
		},
		ListenerConfigs: []turn.ListenerConfig{{
			Listener:              tls.NewListener(front, serverTLS(b)),
			RelayAddressGenerator: &turn.RelayAddressGeneratorStatic{RelayAddress: net.IPv4(127, 0, 0, 1), Address: "127.0.0.1"},
		}},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = server.Close() })
	bytes := new(atomic.Int64)
	raw, err := net.Dial("tcp", front.Addr().String())
	if err != nil {
		b.Fatal(err)
	}
	conn := tls.Client(counted{raw, bytes}, &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // what it costs is the same
	client, err := turn.NewClient(&turn.ClientConfig{
		TURNServerAddr: front.Addr().String(), Username: name, Password: password, Realm: realm,
		Conn: turn.NewSTUNConn(conn), LoggerFactory: silence,
	})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(client.Close)
	if err := client.Listen(); err != nil {
		b.Fatal(err)
	}
	if cfg.Conn, err = client.Allocate(); err != nil {
		b.Fatal(err)
	}
	return bytes
}

// serverTLS has a certificate of its own, for one run.
func serverTLS(b *testing.B) *tls.Config {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		b.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		b.Fatal(err)
	}
	return &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{cert}, PrivateKey: key}}, MinVersion: tls.VersionTLS13}
}
