package archtest

import (
	"maps"
	"slices"
	"strings"
)

// pure holds the packages that compute and do nothing else: the protocol halves
// and what stands in cells. They have no clock, no network and no lock, so that
// they can be tested as plain functions, and nothing in them can wait.
var pure = []string{
	"mixclient/tmix", "mixclient/bmix", "mixclient/smix", "mixclient/finder", "mixclient/veil",
	"mixclient/call", "mixclient/contact", "mixclient/group", "mixclient/half", "mixclient/core", "mixclient/pairing",
	"server/internal/mix/half", "server/internal/mix/tmix", "server/internal/mix/bmix", "server/internal/mix/smix",
	"transport/cell", "transport/key", "transport/seal", "transport/superpose", "transport/trickle", "transport/wire",
}

// impure are the standard packages that know the time, the world or other
// goroutines, with all below them.
var impure = []string{"time", "net", "os", "sync", "context", "log", "syscall", "runtime"}

// layer says what no package in a folder may come to import, by whatever way.
type layer struct {
	folder string
	never  []string
	except []string
	tests  []string // what tests may import nevertheless
	why    string
}

var layers = []layer{
	{folder: "server", never: []string{"codec", "mixclient", "app"}, why: "the server hears nothing, and builds without C"},
	{folder: "mixclient", never: []string{"server", "app", "codec/opus"}, why: "the engine is headless, and builds without C"},
	{folder: "transport", never: []string{"codec", "mixclient", "server", "app", "assets"}, why: "transport is below everything"},
	{folder: "codec", never: []string{"mixclient", "server", "app", "transport", "assets"},
		except: []string{"transport/cell"}, tests: []string{"assets"}, why: "sound knows the size of a cell, and nothing else"},
	{folder: "assets", never: []string{"app", "codec", "mixclient", "server", "transport"}, why: "assets are files"},
}

// home says where alone an import may stand, tests aside if tests is set.
type home struct {
	what  string // an import path, with all below it
	homes []string
	tests bool
	why   string
}

var homes = []home{
	{what: "github.com/pion", homes: []string{"transport/rtc", "transport/simnet", "server/bench/internal/stock"}, tests: true,
		why: "a faster data plane will replace it, and be compared with it"},
	{what: "C", homes: []string{"codec/opus", "app/internal/audio", "app/internal/ui"}, why: "C stays where it must be"},
	{what: "github.com/hraban/opus", homes: []string{"codec/opus"}, why: "it is C"},
	{what: "github.com/gordonklaus/portaudio", homes: []string{"app/internal/audio"}, why: "it is C"},
	{what: "fyne.io", homes: []string{"app/internal/ui"}, why: "the toolkit stays above everything else"},
	{what: "github.com/prometheus", homes: []string{"server/internal/metrics"}, why: "what can be measured is listed in one place"},
	{what: moduleName + "/transport/simnet", homes: []string{"server/bench"}, tests: true, why: "it is for tests"},
	{what: moduleName + "/server/node", homes: []string{"app/internal/demo", "server"}, why: "the app has a server in its demo only"},
}

func importRules() []rule {
	return []rule{
		{name: "pure", check: checkPure, broken: []map[string]string{
			{"transport/seal/a.go": "package seal\nimport \"time\"\n"},
			{"transport/wire/a.go": "package wire\nimport \"net/netip\"\n"},
			{"server/internal/mix/tmix/a.go": "package tmix\nimport \"sync/atomic\"\n"},
			{"mixclient/tmix/a.go": "package tmix\nimport \"undertone/transport/pacer\"\n"},
			{"mixclient/tmix/a_windows.go": "package tmix\nimport \"log/slog\"\n"},
		}},
		{name: "layers", check: checkLayers, broken: []map[string]string{
			{"server/a/a.go": "package a\nimport \"undertone/codec\"\n"},
			{"server/a/a.go": "package a\nimport \"undertone/x\"\n", "x/x.go": "package x\nimport \"undertone/mixclient/tmix\"\n"},
			{"mixclient/a.go": "package mixclient\nimport \"undertone/codec/opus\"\n"},
			{"codec/a.go": "package codec\nimport \"undertone/transport/key\"\n"},
		}},
		{name: "layers of tests", check: checkTestLayers, broken: []map[string]string{
			{"server/a/a_test.go": "package a\nimport \"undertone/codec\"\n"},
			{"mixclient/a_test.go": "package mixclient\nimport \"undertone/server/node\"\n"},
			{"codec/a_test.go": "package codec\nimport \"undertone/transport/key\"\n"},
		}},
		{name: "homes", check: checkHomes, broken: []map[string]string{
			{"transport/pacer/a.go": "package pacer\nimport \"github.com/pion/webrtc/v4\"\n"},
			{"codec/a.go": "package codec\nimport \"C\"\n"},
			{"codec/a_test.go": "package codec\nimport \"github.com/hraban/opus\"\n"},
			{"mixclient/a.go": "package mixclient\nimport \"undertone/transport/simnet\"\n"},
			{"app/internal/cli/a.go": "package cli\nimport \"undertone/server/node\"\n"},
		}},
		{name: "server from app", check: checkServerFromApp, broken: []map[string]string{
			{"app/internal/demo/a.go": "package demo\nimport \"undertone/server/bench\"\n"},
		}},
	}
}

func checkPure(m *module) (all []finding) {
	for p, s := range m.sources {
		if s.test || !within(p.folder, pure...) {
			continue
		}
		for _, i := range s.imports {
			at := p.folder + ": " + i
			if folder, own := ownFolder(i); own && !within(folder, pure...) {
				all = append(all, found(at, "a pure package imports from the module only pure ones"))
			} else if !own && within(i, impure...) {
				all = append(all, found(at, "a pure package has no clock, I/O or goroutine"))
			}
		}
	}
	return all
}

func checkLayers(m *module) (all []finding) {
	for _, l := range layers {
		for _, folder := range slices.Sorted(maps.Keys(m.packages)) {
			if !within(folder, l.folder) {
				continue
			}
			if chain := m.reaches(folder, l.forbids); chain != nil {
				all = append(all, found(folder, "it imports %s; but %s", strings.Join(chain[1:], ", which imports "), l.why))
			}
		}
	}
	return all
}

func (l *layer) forbids(folder string) bool {
	return within(folder, l.never...) && !within(folder, l.except...)
}

// checkTestLayers holds tests to the layers too, but for those that put the two
// halves together: end to end, load, and the two halves of a mode as a duet.
func checkTestLayers(m *module) (all []finding) {
	for p, s := range m.sources {
		if !s.test || within(p.folder, "server/e2e", "server/bench") || strings.HasSuffix(s.path, "duet_test.go") {
			continue
		}
		for _, l := range layers {
			for _, i := range s.imports {
				folder, own := ownFolder(i)
				if own && within(p.folder, l.folder) && l.forbids(folder) && !within(folder, l.tests...) {
					all = append(all, found(s.path, "this test imports %s; but %s", i, l.why))
				}
			}
		}
	}
	return all
}

func checkHomes(m *module) (all []finding) {
	for p, s := range m.sources {
		for _, h := range homes {
			if h.tests && s.test || within(p.folder, h.homes...) {
				continue
			}
			for _, i := range s.imports {
				if within(i, h.what) {
					all = append(all, found(p.folder+": "+i, "this belongs into %s only: %s", strings.Join(h.homes, ", "), h.why))
				}
			}
		}
	}
	return all
}

// checkServerFromApp leaves the app one door to the server: node.
func checkServerFromApp(m *module) (all []finding) {
	for p, s := range m.sources {
		for _, i := range s.imports {
			if folder, own := ownFolder(i); own && within(p.folder, "app") && within(folder, "server") && folder != "server/node" {
				all = append(all, found(p.folder+": "+i, "of the server the app's demo may import server/node only"))
			}
		}
	}
	return all
}
