package pulse

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jfreymuth/pulse/proto"
)

// A Node is a source or a sink of a server: a microphone or a loudspeaker.
type Node struct {
	Name        string // the server's own
	Description string // for a person
	Input       bool   // a source
	Monitor     bool   // a source that hears what a sink plays
	Default     bool   // what the server takes when nobody chooses
	Channels    int
	Rate        int
	// Leaves says by what the sound leaves the machine: Bluetooth, Network, or
	// nothing.
	Leaves string
}

// How sound leaves a machine.
const (
	Bluetooth = "bluetooth"
	Network   = "network"
)

// A List is what a server has.
type List struct {
	System string // its kind, for a person
	Nodes  []Node
}

// Nodes lists what there is now: sinks before sources, monitors last. It gives up at
// the deadline; then the server is to be closed.
func (s *Server) Nodes(deadline time.Time) (List, error) {
	var info proto.GetServerInfoReply
	var sinks proto.GetSinkInfoListReply
	var sources proto.GetSourceInfoListReply
	err := s.request(deadline, &proto.GetServerInfo{}, &info)
	if err == nil {
		err = s.request(deadline, &proto.GetSinkInfoList{}, &sinks)
	}
	if err == nil {
		err = s.request(deadline, &proto.GetSourceInfoList{}, &sources)
	}
	if err != nil {
		return List{}, fmt.Errorf("%w: %w", ErrNone, err)
	}
	l := List{System: system(info.PackageName)}
	facts := map[string]fact{}
	for _, k := range sinks {
		l.Nodes = append(l.Nodes, Node{
			Name: k.SinkName, Description: described(k.Device, k.SinkName), Default: k.SinkName == info.DefaultSinkName,
			Channels: int(k.Channels), Rate: int(k.Rate),
		})
		facts[k.SinkName] = fact{k.Driver, k.Flags, k.Properties}
	}
	for _, k := range sources {
		l.Nodes = append(l.Nodes, Node{
			Name: k.SourceName, Description: described(k.Device, k.SourceName), Input: true,
			Monitor: k.MonitorSourceName != "", Default: k.SourceName == info.DefaultSourceName,
			Channels: int(k.Channels), Rate: int(k.Rate),
		})
		facts[k.SourceName] = fact{k.Driver, k.Flags, k.Properties}
	}
	for i := range l.Nodes {
		l.Nodes[i].Leaves = leaves(facts, l.Nodes[i].Name)
		if s.remote {
			l.Nodes[i].Leaves = Network
		}
	}
	slices.SortStableFunc(l.Nodes, func(a, b Node) int { return cmp.Compare(rank(a), rank(b)) })
	return l, nil
}

func rank(n Node) int {
	switch {
	case n.Monitor:
		return 2
	case n.Input:
		return 1
	}
	return 0
}

func described(description, name string) string { return cmp.Or(description, name) }

func system(name string) string {
	if strings.Contains(name, "PipeWire") {
		return "PipeWire"
	}
	return "PulseAudio"
}

// A fact is what a server says of a node.
type fact struct {
	driver     string
	flags      uint32
	properties proto.PropList
}

// networkFlag is PulseAudio's PA_SINK_NETWORK and PA_SOURCE_NETWORK.
const networkFlag = 0x0010

// maxMasters bounds how many nodes are asked of which one consists of another.
const maxMasters = 8

// leaves says how the sound of a node leaves the machine. One that only filters
// for another leaves by that.
func leaves(facts map[string]fact, name string) string {
	for range maxMasters {
		f, ok := facts[name]
		if !ok {
			break
		}
		if by := f.leaves(name); by != "" {
			return by
		}
		name = f.property("device.master_device")
	}
	return ""
}

func (f fact) leaves(name string) string {
	api, driver := f.property("device.api"), strings.ToLower(f.driver)
	switch {
	case f.property("device.bus") == "bluetooth", strings.HasPrefix(api, "bluez"),
		strings.HasPrefix(name, "bluez_"), strings.Contains(driver, "bluez"):
		return Bluetooth
	case f.flags&networkFlag != 0, f.property("node.network") == "true":
		return Network
	}
	for _, way := range []string{"tunnel", "rtp", "roc", "raop"} {
		if api == way || strings.Contains(driver, "module-"+way) {
			return Network
		}
		for _, separator := range []string{".", "-", "_"} {
			if strings.HasPrefix(name, way+separator) {
				return Network
			}
		}
	}
	return ""
}

func (f fact) property(key string) string {
	if e, ok := f.properties[key]; ok && len(e) > 0 {
		return e.String()
	}
	return ""
}
