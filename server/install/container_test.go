package install

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The container is built by the Go of go.mod, from all folders that the server's
// program is made of, and runs as the package does: not as root.
func TestContainerfile(t *testing.T) {
	text, ignore := read(t, "Containerfile"), read(t, filepath.Join(root, ".dockerignore"))
	version := regexp.MustCompile(`(?m)^go (\S+)$`).FindStringSubmatch(read(t, filepath.Join(root, "go.mod")))[1]
	for _, want := range []string{
		"/golang:" + version + "-", "CGO_ENABLED=0 go build", "\nFROM scratch\n", "\nUSER 65532:65532\n", "EXPOSE 7443/tcp 7443/udp",
		`ENTRYPOINT ["/undertone-server", "--data", "/data"]`, "-f server/install/Containerfile",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the Containerfile lacks %q", want)
		}
	}
	list := exec.Command("go", "list", "-deps", "./server/undertone-server")
	list.Dir = root
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	parts := 0
	for _, p := range strings.Fields(string(out)) {
		if folder, ours := strings.CutPrefix(p, "undertone/"); ours {
			top, _, _ := strings.Cut(folder, "/")
			if !strings.Contains(text, "\nCOPY "+top+" "+top+"\n") || !strings.Contains(ignore, "\n!"+top+"\n") {
				t.Errorf("the server imports %s, and the container is built without %s", p, top)
			}
			parts++
		}
	}
	if parts < 10 {
		t.Errorf("the server has only %d packages", parts)
	}
}
