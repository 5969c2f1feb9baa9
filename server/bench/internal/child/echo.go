package child

import (
	"context"
	"time"
)

// startFor and endFor are how long an echo may take to start and to end.
const startFor, endFor = 10 * time.Second, 10 * time.Second

// An Echo is a child of the comparisons, which answers each message of a user. It is
// all of a crowd's Service but how a user comes online.
type Echo struct {
	child *Child
	up    int
	what  Listen
	port  string
}

// StartEcho runs a child that gets messages of so many bytes and answers each as what
// says. It returns when the child listens.
func StartEcho(ctx context.Context, p Program, up int, what Listen) (*Echo, error) {
	c, err := Start(p)
	if err != nil {
		return nil, err
	}
	e := &Echo{child: c, up: up, what: what}
	ctx, cancel := context.WithTimeout(ctx, startFor)
	defer cancel()
	a, err := e.Ask(ctx, Question{Listen: &what})
	if err != nil {
		e.Close()
		return nil, err
	}
	e.port = a.Address
	return e, nil
}

// Ask puts a question to the child.
func (e *Echo) Ask(ctx context.Context, q Question) (a Answer, err error) {
	if err = e.child.Ask(ctx, q, &a); err == nil {
		err = a.Err()
	}
	return a, err
}

// Port returns where the child listens, if it has said so.
func (e *Echo) Port() string { return e.port }

// What returns how it answers.
func (e *Echo) What() Listen { return e.what }

// Leads reports that the lines of its users lead.
func (e *Echo) Leads() bool { return true }

// Sizes returns the lengths of messages, in bytes.
func (e *Echo) Sizes() (up, down int) { return e.up, e.what.Size }

// Usage returns what the child has cost so far.
func (e *Echo) Usage() (Usage, error) { return e.child.Usage() }

// Goroutines returns how many goroutines the child has.
func (e *Echo) Goroutines(ctx context.Context) (int, error) {
	a, err := e.Ask(ctx, Question{Goroutines: true})
	return a.Goroutines, err
}

// Close ends the child.
func (e *Echo) Close() { e.child.End(endFor) }
