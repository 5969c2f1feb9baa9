package remains

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"testing"
	"time"

	"undertone/mixclient/clienttest"
)

// What a server answers at.
const (
	adminName, metricsName = "admin", "metrics"
)

// paths are what is asked there: all that there is, and what programs in Go often tell
// of themselves without being meant to.
var paths = map[string][]string{
	adminName:   {"/v1/status", "/v1/users", "/", "/debug/vars", "/debug/pprof/heap"},
	metricsName: {"/metrics", "/health", "/", "/debug/vars", "/debug/pprof"},
}

// An asker asks one of the two.
type asker struct {
	name string
	http *http.Client
}

func newAsker(name string, dial func(ctx context.Context) (net.Conn, error)) *asker {
	return &asker{name, &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext:       func(ctx context.Context, _, _ string) (net.Conn, error) { return dial(ctx) },
		},
	}}
}

// askAll asks for everything, and returns whole answers, with their heads.
func (a *asker) askAll(t *testing.T, people []*clienttest.Person) map[string]string {
	t.Helper()
	answers := map[string]string{}
	for _, path := range paths[a.name] {
		answers["GET "+path] = a.ask(t, http.MethodGet, path)
	}
	if a.name == adminName {
		for _, p := range people {
			answers["POST check of "+p.Name] = a.ask(t, http.MethodPost, "/v1/users/"+p.Handle().String()+"/check")
		}
	}
	return answers
}

func (a *asker) ask(t *testing.T, method, path string) string {
	t.Helper()
	req, err := http.NewRequestWithContext(context.Background(), method, "http://undertone"+path, nil)
	if err != nil {
		t.Error(err)
		return ""
	}
	resp, err := a.http.Do(req)
	if err != nil {
		t.Errorf("%s %s: %v", a.name, path, err)
		return ""
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Errorf("%s %s: %v", a.name, path, err)
	}
	head, err := httputil.DumpResponse(resp, false)
	if err != nil {
		t.Errorf("%s %s: %v", a.name, path, err)
	}
	return string(head) + string(body)
}
