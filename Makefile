# Undertone. "make help" lists what there is to do.
#
# A fresh Debian with Go needs nothing else: every target first installs what it
# lacks (.ci/setup; quick and without network when nothing is missing).

.DEFAULT_GOAL := help
.PHONY: help demo test prove traces crowds quality drift build deb deb-server deb-softphone bench load kills fmt lint fuzz clean go setup setup-test
.DELETE_ON_ERROR:
# The targets of one command line depend on the order in which they stand there.
.NOTPARALLEL:

# ---- what can be changed on the command line

GO ?= $(or $(shell command -v go),/usr/local/go/bin/go)
# Where go.dev's archive puts it, for gofmt and the scripts.
export PATH := $(PATH):/usr/local/go/bin
# Tests build the programs too: with the same flags they find them built, and so does
# another clone. Those of "go env -w" would be lost by exporting others.
export GOFLAGS := $(strip $(shell $(GO) env GOFLAGS 2>/dev/null) -trimpath -buildvcs=false)
# Arguments for make demo and make prove: make demo ARGS='--interval 20ms --for 20s'
ARGS ?=
# Build tags of the softphone: nogui leaves out the window, and what that needs.
TAGS ?=
# Arguments for make load: make load LOAD='--users 200 --for 1h --kills 6 --moves 6'
LOAD ?= --users 500 --interval 100ms --for 1m
# What make test and make bench look at: make test PACKAGES=./transport/...
PACKAGES ?= ./...
# For how long make fuzz and make test look at each fuzz target.
FUZZTIME ?= 2s

# ---- versions and names

LINT_VERSION := v2.15.0
# The version is part of the name, so a new one is built when this line changes.
LINT := .bin/golangci-lint-$(LINT_VERSION)

# git is not needed: an unpacked archive builds too, and calls itself "devel".
VERSION := $(or $(shell git describe --tags --always --dirty 2>/dev/null),devel)

# The version is stamped by hand, since go's own stamp fails the build where git
# does not trust the folder (another user's, as in many containers).
BUILD := $(GO) build -ldflags '-X main.stamp=$(VERSION)'

# The window draws by OpenGL, on X11 and on Wayland.
WINDOW_PACKAGES := libgl1-mesa-dev xorg-dev libwayland-dev libxkbcommon-dev
# Opus, PortAudio and WebRTC's audio processing (C++) are libraries. opusfile is not
# used, but the binding to Opus wants it unless one builds with a tag, and plain go
# build is to work.
BUILD_PACKAGES := ca-certificates gcc g++ libc6-dev pkg-config \
	libopus-dev libopusfile-dev portaudio19-dev libwebrtc-audio-processing-dev \
	$(if $(filter nogui,$(TAGS)),,$(WINDOW_PACKAGES))
# Some tests call through real sound: PulseAudio, with null sinks, by way of ALSA. Some
# look into the Debian packages, and have systemd judge the server's unit. Those of what
# the window asks of the desktop have a session bus of their own. One has a browser as a
# client: it is 300 MB, and the one WebRTC at hand that shares no code with ours. One
# drives two windows by the keyboard, each on a screen that nobody sees.
TEST_PACKAGES := pulseaudio pulseaudio-utils libasound2-plugins dpkg dpkg-dev \
	desktop-file-utils systemd dbus-daemon chromium xvfb xdotool libgl1-mesa-dri

# Recorded speech of a person, for make quality: nothing of it is shipped.
QUALITY_PACKAGES := asterisk-core-sounds-en-wav
PROMPTS := /usr/share/asterisk/sounds/en_US_f_Allison

# ---- targets

help: ## List the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' $(MAKEFILE_LIST) | \
		while IFS='|' read -r target text; do printf '  make %-8s %s\n' "$$target" "$$text"; done

demo: build ## A server and two softphones on this machine, and a call (options: ARGS)
	bin/undertone demo $(ARGS)

build: setup ## Build bin/undertone and bin/undertone-server (without a window: TAGS=nogui)
	$(BUILD) -tags '$(TAGS)' -o bin/undertone ./app/undertone
	@# The server hears no sound, so it needs no C: one static file to copy.
	CGO_ENABLED=0 $(BUILD) -o bin/undertone-server ./server/undertone-server

deb: deb-softphone deb-server ## Build Debian packages of both into bin

# Another Debian may have other versions of the libraries: the package says which it needs.
deb-softphone: setup
	@.ci/setup dpkg dpkg-dev
	$(GO) build -tags '$(TAGS)' -ldflags '-s -w -X main.stamp=$(VERSION)' -o bin/package/undertone ./app/undertone
	@rm -f bin/undertone_*.deb
	.ci/deb app/install bin/package/undertone '$(VERSION)' bin

# For another processor: make deb-server GOARCH=arm64. It takes none of the libraries.
deb-server: go
	@.ci/setup dpkg
	CGO_ENABLED=0 $(GO) build -ldflags '-s -w -X main.stamp=$(VERSION)' -o bin/package/undertone-server ./server/undertone-server
	@rm -f bin/undertone-server_*.deb
	.ci/deb server/install bin/package/undertone-server '$(VERSION)' bin

# Packages whose tests measure real time, on real sockets, sound and processes.
# Another package's tests would be in their figures, so they run one at a time. What
# such a package does in fake time runs in parallel, after the rest of it.
REALTIME := /app/internal/(audio|demo|prove/drive)(/|$$)|/transport/(rtc|pacer)(/|$$)|/server/(undertone-server|node|internal/mix)$$
# These run programs as people get them, built without the race detector: our own, and
# a browser.
PROGRAMS := /app/undertone$$|/server/e2e/(browser|remains)$$
# To build Fyne for the race detector takes minutes, and it draws on one goroutine. What
# is behind the window, and may run at the same time, is in other packages.
WINDOW := /app/internal/ui(/screen)?$$
TEST := $(GO) test -shuffle=on -timeout 10m

# Cheap checks come first. The first build fills both processors. Where nothing runs at
# the same time as anything else the race detector has nothing to find.
test: PACES = 40ms
test: MODES = tmix
test: setup-test build lint ## Everything that must hold before a change is taken
	$(GO) build -race $$($(GO) list -race -f '{{if or .GoFiles .CgoFiles}}{{.ImportPath}}{{end}}' ./... | grep -vE '$(WINDOW)|$(PROGRAMS)')
	$(GO) build -tags nogui -o /dev/null ./app/undertone
	@.ci/alone $(PACKAGES) >bin/alone
	@$(GO) list $(PACKAGES) | grep -E '$(WINDOW)' >>bin/alone || true
	@test ! -s bin/alone || $(TEST) -p 2 $$(sort -u bin/alone)
	@quick=$$($(GO) list $(PACKAGES) | grep -vxFf bin/alone | grep -vE '$(REALTIME)|$(PROGRAMS)'); test -z "$$quick" || $(TEST) -race -p 2 $$quick
	@timed=$$($(GO) list $(PACKAGES) | grep -vxFf bin/alone | grep -E '$(REALTIME)'); test -z "$$timed" || $(TEST) -race -p 1 $$timed
	@programs=$$($(GO) list $(PACKAGES) | grep -E '$(PROGRAMS)'); test -z "$$programs" || $(TEST) -p 1 $$programs
	$(BLIND)
	$(TABLE)
	$(TRACES)
	.ci/fuzz $(FUZZTIME) $(PACKAGES)

# Whole sets in fake time, and all that a server has of one. The race detector would
# take ten times as long, and has seen the same tests with less in them.
PACES ?= .*
MODES ?= .*
TRACES = $(GO) test -count=1 -timeout 15m -run 'Unobservable/$(PACES)|(EveryState|Ringing|Lying)/$(MODES)|OfMany|SMIX|OnSockets|SoundsWith|Survives|Reconnect|Stall|Catches|NextFrame|FallsBack' ./app/internal/demo
BLIND := $(GO) test -run 'ServerIsBlind|ThatLies' ./server/e2e
TABLE := $(GO) test -count=1 -run 'TestWire$$' ./transport/rtc
traces: setup ## No call shows in any packet, in every mode and at every pace
	$(BLIND)
	$(TABLE)
	$(TRACES)

# Nothing else should run meanwhile: what it measures is fractions of a millisecond.
prove: build ## Measure for an hour and a half whether a call shows (options: ARGS)
	bin/undertone prove --loopback $(ARGS)

crowds: setup ## The same with a hundred members of a bMIX and fifty of an sMIX
	$(TRACES) -v -args -many 100 -crowded 50 -losing 1m -sockets 50

quality: setup ## How a call sounds on lines that lose and delay: the README's table
	@.ci/setup $(QUALITY_PACKAGES)
	$(GO) test -count=1 -timeout 30m -v -run SoundsInAllWeather ./app/internal/demo -args -prompts $(PROMPTS)

drift: setup ## An hour of sound through cards whose clocks drift apart, and through loss
	$(GO) test -count=1 -timeout 60m -v -run HourOf ./app/internal/audio/sound -args -drifting 1h

lint: setup $(LINT) ## gofmt, go vet and the linters of .golangci.yml
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then \
		printf 'gofmt would change these; run make fmt:\n%s\n' "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	$(LINT) run

bench: setup ## Every benchmark that the README quotes
	@folders=$$($(GO) list -f '{{.Dir}}' $(PACKAGES) | while read -r folder; do \
		if grep -qs '^func Benchmark' "$$folder"/*_test.go; then echo "$$folder"; fi; done); \
	$(GO) test -run '^$$' -bench . -benchmem -p 1 -timeout 30m $$folders

load: build ## Simulated users at a server on this machine, into bin/load (options: LOAD)
	$(BUILD) -o bin/undertone-bench ./server/bench
	bin/undertone-bench --out bin/load $(LOAD)

kills: setup ## Kill a server fifty times under a hundred users: who comes back, and what is lost
	$(GO) test -count=1 -timeout 60m -v ./server/bench/crash -args -kills 50 -clients 100 -pairs 3 -within 5s

fuzz: setup ## Every fuzz target for a while: make fuzz FUZZTIME=10m
	.ci/fuzz $(FUZZTIME) $(PACKAGES)

fmt: ## Format the code
	gofmt -w .

clean: ## Remove what was built; what go caches stays
	rm -rf bin .bin

go:
	@command -v $(GO) >/dev/null || { \
		echo "Undertone needs Go $(shell sed -n 's/^go //p' go.mod) or newer: https://go.dev/dl/" >&2; exit 1; }

setup: go ## Install what is missing for building
	@.ci/setup $(BUILD_PACKAGES)

setup-test: setup
	@.ci/setup $(TEST_PACKAGES)

# The linter is built from source, pinned, into the tree: what the machine has
# by chance would find other things. GOFLAGS might carry flags for our own code.
$(LINT):
	GOFLAGS= GOBIN=$(CURDIR)/.bin $(GO) install \
		github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(LINT_VERSION)
	mv .bin/golangci-lint $@
