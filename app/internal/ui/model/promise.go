package model

import (
	"undertone/app/internal/ui/words"
	"undertone/transport/cell"
	"undertone/transport/uri"
)

// A Promise is who sees what in a set, in plain words.
type Promise struct {
	Network, Server, Members, Contact words.Message
	// Pace is the mode and the pace, for who wants to know.
	Pace words.Message
}

// PromiseOf says who sees what in the set of a server.
func PromiseOf(s uri.Server) Promise {
	p := Promise{
		Network: words.M("promise.network"),
		Contact: words.M("promise.contact"),
		Pace:    words.M("promise.pace", "mode", s.Mode.String(), "interval", s.Interval.Milliseconds()),
	}
	switch s.Mode {
	case cell.BMIX:
		p.Server, p.Members = words.M("promise.server.bmix"), words.M("promise.members.bmix")
	case cell.SMIX:
		p.Server, p.Members = words.M("promise.server.smix"), words.M("promise.members.smix")
	default:
		p.Server, p.Members = words.M("promise.server.tmix"), words.M("promise.members.tmix")
	}
	return p
}

// Lines returns the promise line by line.
func (p *Promise) Lines() []words.Message {
	return []words.Message{p.Network, p.Server, p.Members, p.Contact, p.Pace}
}
