package rtc

import (
	"io"
	"time"

	"github.com/pion/logging"
	"golang.org/x/time/rate"

	"undertone/transport/cell"
	"undertone/transport/throttle"
)

// Constants of the link; see the package comment for what was measured.
const (
	// MaxMessage is the longest message that goes out as one datagram.
	MaxMessage = cell.MaxMessage

	// label and lifetime describe the one channel of a link. Lifetime is in
	// milliseconds: how long a lost message is worth sending again.
	label    = "undertone"
	lifetime = 90

	// packetSize is the longest packet of SCTP: what WebRTC takes for sure to get
	// through, and what is around it.
	packetSize = 1191
)

// Tuning constants.
const (
	socketBuffer = 8 << 20 // bytes
	rtoMax       = time.Second

	// minWindow and maxWindow bound what may be on the way (see Window). The
	// receiver has room for twice as much: a sender who repeats as much as there
	// is room for gets on at a message per second only.
	minWindow = 128 << 10 // bytes
	maxWindow = 1 << 20   // bytes
	// windowFor is for how long a window lasts: the second after which a client
	// takes a silent line for lost, and the longest round trip that is of use.
	windowFor = 1600 * time.Millisecond

	// spareRate is how many datagrams a second a link takes besides messages and what
	// answers them: the checks of the line and the handshakes while it opens, of
	// which some clients send several at once.
	spareRate = 200

	// ICE: a check every 2 s on a timer of its own, a link given up after 10 s
	// without any datagram. Who carries voice gives up much earlier.
	iceDisconnected = 5 * time.Second
	iceFailed       = 5 * time.Second
	iceKeepalive    = 2 * time.Second

	// openTimeout is how long a link may take to open.
	openTimeout = 10 * time.Second

	// iceRequests is how many checks may go unanswered: as many as fit into
	// openTimeout, at five a second. With pion's own 7 a link that is dialed
	// while the line is away would give up before it is back.
	iceRequests = 50

	// writeTimeout is how long one message may wait for the channel: it is of
	// no use later.
	writeTimeout = 100 * time.Millisecond
)

// silence keeps pion from writing log lines: their time and number would
// depend on what goes on in the link.
var silence = &logging.DefaultLoggerFactory{
	Writer:          io.Discard,
	DefaultLogLevel: logging.LogLevelDisabled,
	ScopeLevels:     map[string]logging.LogLevel{},
}

// Window returns how many bytes may be on the way at once (DialConfig, Handlers)
// on a link that carries a batch of so many bytes in every interval, in the
// direction that carries more. It is enough for a line that was cut for as long
// as a client waits to be in time again at once.
func Window(interval time.Duration, batch int) int {
	return min(max(int(windowFor*time.Duration(batch)/interval), minWindow), maxWindow)
}

// Rate returns how many datagrams a second are taken (DialConfig, Handlers) on a link
// on which so many messages come in every interval, and so many go out. What is due
// are those that come, and an acknowledgement of every second one that goes out. Four
// times that is taken, because after a loss each is acknowledged at once, and what was
// lost comes again beside what is new.
//
// It is also how many are taken at one moment. That is more than twice what is due in
// windowFor: after an outage all that the line held back gets through, and the same
// once more. Who sends more than this wants to keep the machine busy, since every
// datagram that is taken is decrypted and answered. At 40 ms and a message each way it
// is 350, where 38 are due.
func Rate(interval time.Duration, in, out int) int {
	due := time.Duration(2*in+out) * time.Second / 2
	return int(4*due/interval) + spareRate
}

// defaultRate is enough for a cell each way at the shortest interval.
var defaultRate = Rate(cell.Interval20.Duration(), 1, 1)

// newFlow returns what limits a link to so many datagrams a second; zero stands for
// defaultRate.
func newFlow(perSecond int) *rate.Limiter {
	if perSecond <= 0 {
		perSecond = defaultRate
	}
	return throttle.Rate{Burst: perSecond, PerSecond: float64(perSecond)}.Bucket()
}
