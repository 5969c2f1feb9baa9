package portaudio

import (
	"strings"
	"testing"

	"github.com/gordonklaus/portaudio"
)

// In whatever order ALSA lists its devices, the way through libpulse is taken.
func TestCarrier(t *testing.T) {
	for names, want := range map[string]string{
		"":                          "",
		"hw":                        "",
		"hw default":                "default",
		"hw pulse default":          "pulse",
		"default pulse":             "pulse",
		"pulse pipewire default":    "pulse",
		"hw pipewire pulse default": "pulse",
		"default pipewire hw pulse": "pulse",
		"pipewire default":          "",
		"default pipewire":          "",
	} {
		var infos []*portaudio.DeviceInfo
		for _, name := range strings.Fields(names) {
			infos = append(infos, &portaudio.DeviceInfo{Name: name})
		}
		got := ""
		if d := carrier(infos); d != nil {
			got = d.Name
		}
		if got != want {
			t.Errorf("of %q it takes %q, want %q", names, got, want)
		}
	}
}
