// Package pulse asks the user's sound server, PulseAudio or PipeWire, which
// microphones and loudspeakers there are: ALSA, by which PortAudio reaches such a
// server, knows them as one device. It speaks the server's native protocol, in
// pure Go, and plays and records nothing.
//
//	Connect ─▶ Server ── Nodes ──▶ sinks, sources, defaults, what leaves the machine
//	              └───── changed() when they, or the default, are others
//
// Who may call: the sound helper process only, one goroutine; changed is called
// from another. A server may stop answering, so each question has a time by which it
// is given up. What a server says may make this program panic, as a sound driver may.
package pulse

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/jfreymuth/pulse/proto"
)

// cookieSize is the size of what proves that a client is the server's user.
const cookieSize = 256

// ErrNone says that there is no sound server, or that it does not answer.
var ErrNone = errors.New("no sound server answers")

// Absent tells whether by an error of this package nobody listens where the server
// should be, rather than one that is slow or refuses.
func Absent(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED)
}

// A Server is a connection to a sound server.
type Server struct {
	conn   net.Conn
	client *proto.Client
	remote bool // it is another machine's
	gone   atomic.Bool
	tells  atomic.Bool   // it answers, and was not closed here
	ended  chan struct{} // closed when nothing more is read
}

// Connect connects to the server that libpulse would take, as far as environment
// and default place name it, by the deadline. It calls changed when the devices have
// changed, or may have, and when the connection has ended.
func Connect(deadline time.Time, changed func()) (*Server, error) {
	network, place := address()
	conn, err := (&net.Dialer{Deadline: deadline}).Dial(network, place)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	return greet(conn, network != "unix", deadline, changed)
}

// greet makes a Server of a new connection.
func greet(conn net.Conn, remote bool, deadline time.Time, changed func()) (*Server, error) {
	s := &Server{conn: conn, client: &proto.Client{}, remote: remote, ended: make(chan struct{})}
	s.client.Callback = func(m any) {
		switch m.(type) {
		case *proto.ConnectionClosed:
			s.gone.Store(true)
			defer close(s.ended)
		case *proto.SubscribeEvent:
		default:
			return
		}
		if s.tells.Load() {
			changed()
		}
	}
	s.client.Open(&packets{conn: conn})
	if err := s.begin(deadline); err != nil {
		s.Close()
		return nil, fmt.Errorf("%w: %w", ErrNone, err)
	}
	s.tells.Store(true)
	return s, nil
}

// request asks something, and gives it up at the deadline.
func (s *Server) request(deadline time.Time, args proto.RequestArgs, reply proto.Reply) error {
	if err := s.conn.SetWriteDeadline(deadline); err != nil {
		return err
	}
	s.client.SetTimeout(time.Until(deadline))
	return s.client.Request(args, reply)
}

func (s *Server) begin(deadline time.Time) error {
	auth := &proto.AuthReply{}
	if err := s.request(deadline, &proto.Auth{Version: s.client.Version(), Cookie: cookie()}, auth); err != nil {
		return err
	}
	s.client.SetVersion(auth.Version)
	name := proto.PropList{
		"application.name":       proto.PropListString("Undertone"),
		"application.process.id": proto.PropListString(fmt.Sprint(os.Getpid())),
	}
	if err := s.request(deadline, &proto.SetClientName{Props: name}, &proto.SetClientNameReply{}); err != nil {
		return err
	}
	// A change of the default is one of the server.
	const mask = proto.SubscriptionMaskSink | proto.SubscriptionMaskSource | proto.SubscriptionMaskServer
	return s.request(deadline, &proto.Subscribe{Mask: mask}, nil)
}

// Gone tells whether the connection has ended.
func (s *Server) Gone() bool { return s.gone.Load() }

// Close ends the connection. After it changed is not called.
func (s *Server) Close() {
	s.tells.Store(false)
	s.conn.Close()
	<-s.ended
}

// address returns where the server listens. What libpulse reads besides, its
// configuration files and the properties of an X display, is rarely used; who
// does can set PULSE_SERVER.
func address() (network, place string) {
	if named := strings.Fields(os.Getenv("PULSE_SERVER")); len(named) > 0 {
		return parse(named[0])
	}
	if dir := os.Getenv("PULSE_RUNTIME_PATH"); dir != "" {
		return "unix", filepath.Join(dir, "native")
	}
	dir := cmp.Or(os.Getenv("XDG_RUNTIME_DIR"), fmt.Sprintf("/run/user/%d", os.Getuid()))
	return "unix", filepath.Join(dir, "pulse", "native")
}

// defaultPort is where a server listens for other machines.
const defaultPort = "4713"

// parse takes one server string apart: {machine}unix:/path, tcp:host:port, host.
func parse(s string) (network, place string) {
	if _, rest, ok := strings.Cut(s, "}"); ok && strings.HasPrefix(s, "{") {
		s = rest
	}
	if strings.HasPrefix(s, "/") {
		return "unix", s
	}
	kind, rest, ok := strings.Cut(s, ":")
	switch {
	case ok && kind == "unix":
		return "unix", rest
	case ok && (kind == "tcp" || kind == "tcp4" || kind == "tcp6"):
		network, s = kind, rest
	default:
		network = "tcp"
	}
	if _, _, err := net.SplitHostPort(s); err != nil {
		s = net.JoinHostPort(strings.Trim(s, "[]"), defaultPort)
	}
	return network, s
}

// cookie returns the user's cookie. A server that knows the user by the socket
// wants 256 bytes and does not look at them.
func cookie() []byte {
	home := os.Getenv("HOME")
	for _, path := range []string{
		os.Getenv("PULSE_COOKIE"), filepath.Join(home, ".config", "pulse", "cookie"), filepath.Join(home, ".pulse-cookie"),
	} {
		if b, err := os.ReadFile(path); err == nil && len(b) == cookieSize {
			return b
		}
	}
	return make([]byte, cookieSize)
}
