// Package browser holds a client of another make: a page in a headless Chromium, with
// a WebRTC and a cryptography that are not this module's. It shows that the protocol
// is WebRTC, and not whatever pion does, and that the comments of the packages below
// transport are enough to write a client from: the page is written from them.
//
//	Chromium ──HTTP──▶ companion ──TLS, pinned──▶ server     coming online
//	    └──────────────ICE, DTLS, SCTP──────────────▶ server  cells, in every slot
//
// The page is two users, one of whom does without UDP and has all of this over TCP.
//
// The companion, and not the page, speaks TLS with the server, and so do all that stay
// with these: no page can pin a key, nor get what TLS exports (package signal). It is
// written from the comments too, and imports nothing of the module.
//
// Page and server run in real time on one machine. What has to be exactly so is
// checked exactly: what opens, what is in it, what is counted. How many messages
// arrive in time is checked with a little to spare, for a machine that stands still
// for a moment; where the page itself noticed that, it says so.
package browser

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"

	"undertone/server/internal/admin"
	"undertone/server/node"
	"undertone/transport/cell"
	"undertone/transport/seal"
)

const (
	// patience is for all that the browser does, which takes some twelve seconds, and
	// twice that until a machine with other things to do has started it.
	patience = 90 * time.Second
	// spare is how many messages, of some hundred, may be lost in the machine.
	spare = 3
	// tooEarly and tooLate bound how far the server's feedback may be from what the page
	// meant to do, in ms: it does not know how long its messages took.
	tooEarly, tooLate = 10, 60
	// tellable is the highest feedback there is.
	tellable = 127
)

// A user is what the page says of one of the two that it was. Slots and messages are
// counted; the rest is in ms.
type user struct {
	Down struct {
		Slots    int     // from the first cell to the last
		Interval float64 // from each of these to the next, on the average
		Cells    int     // that opened, each of a slot of its own
		Odd      int     // messages that are none
		Unopened int     // or came again
	}
	Silent   int // the feedback before the user sent anything
	Feedback []struct{ Margin, Told int }
	Up       struct {
		Slots   int
		Skipped int // because the page stood still
	}
	Voice struct {
		Expected, Heard, Letters int
		Wrong                    []string
	}
}

// A stage is a server and the site of the page.
type stage struct {
	node  *node.Node
	site  *httptest.Server
	mu    sync.Mutex
	marks map[string]admin.Status
	tcp   map[string]int // how many connections over TCP there were at the marks
}

func newStage(t *testing.T) *stage {
	t.Helper()
	settings := node.DefaultSettings()
	settings.Listen = "127.0.0.1:0"
	data := filepath.Join(t.TempDir(), "data")
	if err := node.Init(t.Context(), data, settings); err != nil {
		t.Fatal(err)
	}
	n, err := node.New(t.Context(), node.Config{Data: data, Embedded: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx) }()
	s := &stage{node: n, marks: map[string]admin.Status{}, tcp: map[string]int{}}
	companion := newCompanion()
	s.site = httptest.NewServer(s.handler(companion))
	t.Cleanup(func() {
		s.site.Close()
		companion.close()
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return s
}

// handler serves the page, the vectors of the packages, the companion, and the marks at
// which the page wants the server's counts noted.
func (s *stage) handler(c *companion) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /", http.FileServerFS(page))
	for name, path := range map[string]string{"seal": "seal/testdata/vectors.json", "signal": "signal/testdata/transcript.json"} {
		mux.HandleFunc("GET /page/vectors/"+name+".json", func(w http.ResponseWriter, r *http.Request) {
			http.ServeFile(w, r, filepath.Join("..", "..", "..", "transport", filepath.FromSlash(path)))
		})
	}
	mux.HandleFunc("POST /page/companion/connect", c.connect)
	mux.HandleFunc("POST /page/companion/online/{connection}", c.online)
	mux.HandleFunc("POST /page/mark/{name}", func(_ http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.marks[r.PathValue("name")] = s.node.Status()
		_, links := s.node.Strangers()
		s.tcp[r.PathValue("name")] = links.Streams
	})
	return mux
}

// invites returns links for so many users, as JavaScript.
func (s *stage) invites(t *testing.T, n int) string {
	t.Helper()
	links := make([]string, n)
	for i := range links {
		invite, err := s.node.CreateInvite(t.Context(), fmt.Sprint("browser ", i), time.Hour)
		if err != nil {
			t.Fatal(err)
		}
		links[i] = invite.String()
	}
	b, err := json.Marshal(links)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// open starts the browser with the page in it.
func (s *stage) open(t *testing.T) context.Context {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatalf("%v; to install it: make setup-test", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	t.Cleanup(cancel)
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path),
		// It loads nothing but this test's own page; and the sandbox takes rights that
		// containers do not give.
		chromedp.NoSandbox,
		chromedp.DisableGPU,
	)
	ctx, cancel = chromedp.NewExecAllocator(ctx, options...)
	t.Cleanup(cancel) // It returns when the browser has ended.
	// A browser that is newer than its driver tells it things that it does not know.
	ctx, cancel = chromedp.NewContext(ctx, chromedp.WithErrorf(func(string, ...any) {}))
	t.Cleanup(cancel)
	if err := chromedp.Run(ctx, chromedp.Navigate(s.site.URL+"/page/")); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// evaluate runs JavaScript in the page until what it promises is there.
func evaluate(ctx context.Context, t *testing.T, script string, result any) {
	t.Helper()
	await := func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }
	if err := chromedp.Run(ctx, chromedp.Evaluate(script, result, await)); err != nil {
		t.Fatalf("%s: %v", script, err)
	}
}

// Two users in a browser come online, one over UDP and one over TCP, get and send a cell
// in every slot, and talk to each other.
func TestChromium(t *testing.T) {
	s := newStage(t)
	ctx := s.open(t)

	var vectors struct {
		Compared int
		Differ   []string
	}
	evaluate(ctx, t, "vectors()", &vectors)
	if vectors.Compared < 10 || len(vectors.Differ) > 0 {
		t.Fatalf("of %d vectors these differ: %q", vectors.Compared, vectors.Differ)
	}

	var users []user
	evaluate(ctx, t, "call("+s.invites(t, 2)+")", &users)
	s.mu.Lock()
	start, cover, call := s.marks["start"], s.marks["cover"], s.marks["call"]
	before, after := s.tcp["start"], s.tcp["call"]
	s.mu.Unlock()
	if before != 0 || after < 1 {
		t.Errorf("%d connections over TCP before the users came, and %d in the call", before, after)
	}
	stopped := int(call.Skipped + call.Unsent - start.Skipped - start.Unsent)
	skipped := 0
	for i := range users {
		t.Logf("user %d: %+v", i, users[i])
		users[i].checkDown(t, i, stopped)
		users[i].checkUp(t, i)
		skipped += users[i].Up.Skipped
	}
	if len(users) != 2 {
		t.Errorf("the page was %d users", len(users))
	}
	checkServer(t, &cover, &call, skipped)
	s.checkGone(t)
}

// checkDown: a cell in every slot but those in which the server was stopped, and all of
// them whole; the other user's voice in them is what he said.
func (u *user) checkDown(t *testing.T, i, stopped int) {
	t.Helper()
	if u.Down.Slots < 150 || u.Down.Odd != 0 || u.Down.Unopened != 0 {
		t.Errorf("user %d: down came %+v", i, u.Down)
	}
	if slot := float64(cell.Interval40.Milliseconds()); math.Abs(u.Down.Interval-slot) > slot/20 {
		t.Errorf("user %d: slots take %.2f ms", i, u.Down.Interval)
	}
	if lost := u.Down.Slots - u.Down.Cells; lost > stopped+spare {
		t.Errorf("user %d: of %d slots, %d brought no cell; the server was stopped in %d", i, u.Down.Slots, lost, stopped)
	}
	if len(u.Voice.Wrong) > 0 {
		t.Errorf("user %d: this is not what was said: %q", i, u.Voice.Wrong)
	}
	if u.Voice.Letters == 0 || u.Voice.Expected < 40 || u.Voice.Heard < u.Voice.Expected-stopped-spare {
		t.Errorf("user %d: heard %d of %d, and %d rings", i, u.Voice.Heard, u.Voice.Expected, u.Voice.Letters)
	}
}

// checkUp: the page kept its times, and the server told it what they were.
func (u *user) checkUp(t *testing.T, i int) {
	t.Helper()
	if u.Up.Slots < 60 || u.Up.Skipped > u.Up.Slots/3 {
		t.Errorf("user %d: the page stood still in %d of %d slots", i, u.Up.Skipped, u.Up.Slots)
	}
	if u.Silent != int(seal.NoFeedback) {
		t.Errorf("user %d: feedback is %d before he sent anything", i, u.Silent)
	}
	if len(u.Feedback) != 3 {
		t.Errorf("user %d: %d reports", i, len(u.Feedback))
	}
	for _, r := range u.Feedback {
		if r.Told > min(r.Margin+tooEarly, tellable) || r.Told < min(r.Margin-tooLate, tellable) {
			t.Errorf("user %d: messages meant to be %d ms early are told to be %d ms early", i, r.Margin, r.Told)
		}
	}
}

// checkServer: between the marks nothing was missing but what the page says that it did
// not send.
func checkServer(t *testing.T, cover, call *admin.Status, skipped int) {
	t.Helper()
	t.Logf("the server: %+v", call)
	if cover.Online != 2 || call.Online != 2 || call.Unreadable != 0 || call.Faults != 0 {
		t.Errorf("online are %d and %d users; %d cells did not open, with %d faults", cover.Online, call.Online, call.Unreadable, call.Faults)
	}
	if slots := call.Slots - cover.Slots; slots < 60 {
		t.Errorf("only %d slots from mark to mark", slots)
	}
	if missing := call.Missing - cover.Missing; missing > uint64(skipped+spare) {
		t.Errorf("the server missed %d cells, of which the page skipped %d", missing, skipped)
	}
	if late := call.Late - cover.Late; late > spare {
		t.Errorf("%d cells were late", late)
	}
}

// checkGone: who closes his connection has left his seat at once, long before the server
// takes a silent one for gone.
func (s *stage) checkGone(t *testing.T) {
	t.Helper()
	limit := time.After(3 * time.Second)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for s.node.Status().Online > 0 {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatalf("%d users are still online", s.node.Status().Online)
		}
	}
}
