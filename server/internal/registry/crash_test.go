package registry

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"undertone/transport/uri"
)

// crashEnv makes the test binary a process that redeems invites until it is
// killed; its value is the path of the registry.
const crashEnv = "UNDERTONE_TEST_REGISTRY_CRASH"

func TestMain(m *testing.M) {
	if path := os.Getenv(crashEnv); path != "" {
		if err := redeemForEver(path); err != nil {
			fmt.Println("failed:", err)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// redeemForEver makes an invite for user n, says so, redeems every second one
// and says so, for n = 0, 1, 2 …
func redeemForEver(path string) error {
	ctx := context.Background()
	r, err := Create(ctx, path)
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		token, _, err := r.CreateInvite(ctx, fmt.Sprint(n), noon.Add(time.Hour))
		if err != nil {
			return err
		}
		fmt.Println("invite", n, token)
		if n%2 != 0 {
			continue
		}
		if _, err := r.Redeem(ctx, token, account(byte(n)), noon); err != nil {
			return err
		}
		fmt.Println("user", n, token)
	}
}

// A process is killed with SIGKILL, which it cannot see coming, in the middle
// of redeeming. Everything it had reported is there afterwards: users are let
// in, unspent invites can be redeemed, spent ones cannot.
func TestKillLosesNothing(t *testing.T) {
	for _, lines := range []int{1, 2, 3, 25, 58} {
		t.Run(fmt.Sprint(lines), func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "registry.db")
			checkSurvivors(t, open(t, path), killAfter(t, path, lines))
		})
	}
}

// killAfter runs the process of redeemForEver, kills it when it has reported a
// number of lines, and returns those (and what else it got out before it died).
func killAfter(t *testing.T, path string, lines int) []string {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), exe) //nolint:gosec // this very binary
	cmd.Env = append(os.Environ(), crashEnv+"="+path)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var reported []string
	for s := bufio.NewScanner(out); s.Scan(); {
		reported = append(reported, s.Text())
		if len(reported) == lines {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || !strings.Contains(err.Error(), "killed") {
		t.Fatalf("the process was not killed: %v, it said %q", err, reported)
	}
	if len(reported) < lines {
		t.Fatalf("the process said only %q", reported)
	}
	return reported
}

func checkSurvivors(t *testing.T, r *Registry, reported []string) {
	t.Helper()
	spent := map[int]bool{}
	tokens := map[int]uri.Token{}
	for _, line := range reported {
		var what, text string
		var n int
		if _, err := fmt.Sscan(line, &what, &n, &text); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		token, err := uri.ParseToken(text)
		if err != nil {
			t.Fatal(err)
		}
		tokens[n] = token
		spent[n] = spent[n] || what == "user"
	}
	for n, token := range tokens {
		if spent[n] {
			_, err := r.Redeem(t.Context(), uri.Token{}, account(byte(n)), noon)
			want(t, err, nil)
			_, err = r.Redeem(t.Context(), token, account(200), noon)
			want(t, err, ErrInviteUsed)
			continue
		}
		// The last one may have been redeemed without the report getting out;
		// then it is the same account that must get in.
		if _, err := r.Redeem(t.Context(), token, account(byte(n)), noon); err != nil {
			t.Errorf("invite %d is lost: %v", n, err)
		}
	}
}
