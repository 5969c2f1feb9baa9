package main

import (
	"context"
	"time"

	"undertone/server/bench/internal/child"
	"undertone/server/bench/internal/crowd"
	"undertone/server/bench/internal/meter"
	"undertone/server/bench/internal/ours"
	"undertone/server/bench/internal/report"
	"undertone/server/internal/admin"
)

const (
	// sampleEvery is how often the state of things is noted, at most.
	sampleEvery = time.Second
	// answerFor is how long a server may take to list its goroutines.
	answerFor = 30 * time.Second
)

// A moment is all that is counted since a beginning, at one moment.
type moment struct {
	at     time.Time
	server child.Usage
	own    child.Usage
	stolen time.Duration // by the host of this machine
	counts crowd.Counts
	status *admin.Status // nil for comparisons
	// odd and voice are cells of Undertone's that users could not read, and that
	// came from whom they are in a call with.
	odd, voice uint64
}

// A probe takes measurements of one subject.
type probe struct {
	subject subject
	crowd   *crowd.Crowd
}

// take notes a moment; status asks the server, too, if it can be asked.
func (p *probe) take(ctx context.Context, status bool) (m moment, err error) {
	if m.server, err = p.subject.Usage(); err != nil {
		return m, err
	}
	if m.own, err = child.Own(); err != nil {
		return m, err
	}
	if m.stolen, err = child.Stolen(); err != nil {
		return m, err
	}
	m.at, m.counts = time.Now(), p.crowd.Counts()
	if s, ok := p.subject.(*ours.Server); ok && status {
		told, err := s.Status(ctx)
		if err != nil {
			return m, err
		}
		m.status, m.odd, m.voice = &told, s.Odd(), s.Voice()
	}
	return m, nil
}

// measure measures one subject, from its start to its end.
func (b *bench) measure(ctx context.Context, name string) (*report.Subject, error) {
	b.say("%s: %d users come online", title(name), b.o.users)
	s, err := b.start(ctx, name)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	empty, err := s.Usage()
	if err != nil {
		return nil, err
	}
	c := crowd.New(crowd.Config{Service: s, Interval: b.o.pace, Margin: b.o.margin})
	defer c.Close()
	if err := c.Fill(ctx, b.o.users); err != nil {
		return nil, err
	}
	if err := pause(ctx, b.o.settle); err != nil {
		return nil, err
	}
	b.say("%s: measured for %s", title(name), b.o.lasts)
	p := &probe{subject: s, crowd: c}
	r, err := b.watch(ctx, p, name, empty)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, answerFor)
	defer cancel()
	r.Goroutines, err = s.Goroutines(ctx)
	return r, err
}

// watch is the measurement itself.
func (b *bench) watch(ctx context.Context, p *probe, name string, empty child.Usage) (*report.Subject, error) {
	p.crowd.Begin()
	first, err := p.take(ctx, true)
	if err != nil {
		return nil, err
	}
	r := &report.Subject{Name: name, Memory: report.Memory{Empty: empty.Resident, Begin: first.server.Resident}}
	stop := b.churn(ctx, p, name)
	defer stop()
	if err := b.follow(ctx, p, first, r); err != nil {
		return nil, err
	}
	w := p.crowd.End()
	last, err := p.take(ctx, true)
	if err != nil {
		return nil, err
	}
	stop()
	b.figures(r, &first, &last)
	r.Late, r.Trip, r.Own, r.Back = w.Late.Summary(), w.Trip.Summary(), w.Own.Summary(), w.Back.Summary()
	r.Beats, r.Tail = w.Beats.Span(), w.Late.Tail()
	if p.subject.Leads() {
		r.Tail = w.Trip.Tail()
	}
	if s, ok := p.subject.(*ours.Server); ok {
		r.Served = served(&first, &last)
		r.Served.Registered, r.Served.Expected, err = s.Registered(ctx)
	}
	return r, err
}

// churn has things happen to users, of Undertone's server alone, until stop.
func (b *bench) churn(ctx context.Context, p *probe, name string) (stop func()) {
	if name != nameOurs {
		return func() {}
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.crowd.Churn(ctx, b.o.churn)
	}()
	return func() {
		cancel()
		<-done
	}
}

// follow notes the state of things until the measurement is over.
func (b *bench) follow(ctx context.Context, p *probe, first moment, r *report.Subject) error {
	tick := time.NewTicker(min(sampleEvery, b.o.lasts/4))
	defer tick.Stop()
	over := time.NewTimer(b.o.lasts)
	defer over.Stop()
	before := first
	var users meter.Mean
	for {
		select {
		case <-tick.C:
		case <-over.C:
			r.Users = users.Value()
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
		now, err := p.take(ctx, false)
		if err != nil {
			return err
		}
		took := now.at.Sub(before.at)
		users.Add(float64(now.counts.Online))
		r.Memory.Most = max(r.Memory.Most, now.server.Resident)
		stolen := share(now.stolen-before.stolen, took)
		r.CPU.StolenMost = max(r.CPU.StolenMost, stolen)
		since := now.counts.Since(first.counts)
		r.Series = append(r.Series, report.Sample{
			Second: now.at.Sub(first.at).Seconds(), Online: now.counts.Online,
			ServerCPU: share(now.server.CPU-before.server.CPU, took), CrowdCPU: share(now.own.CPU-before.own.CPU, took),
			StolenCPU: stolen, Resident: now.server.Resident, Threads: now.server.Threads, Received: since.Received, Lost: since.Lost,
		})
		before = now
	}
}

// figures computes what the whole measurement comes to.
func (b *bench) figures(r *report.Subject, first, last *moment) {
	took := last.at.Sub(first.at)
	users := max(r.Users, 1)
	r.Seconds = took.Seconds()
	r.Counts = last.counts.Since(first.counts)
	r.CPU.Server, r.CPU.Crowd = share(last.server.CPU-first.server.CPU, took), share(last.own.CPU-first.own.CPU, took)
	r.CPU.Stolen = share(last.stolen-first.stolen, took)
	r.CPU.PerUser = r.CPU.Server / users * 1e6
	r.CPU.PerSlot = r.CPU.PerUser * b.o.pace.Duration().Seconds()
	r.Memory.End, r.Threads = last.server.Resident, last.server.Threads
	r.Memory.Most = max(r.Memory.Most, r.Memory.Begin, r.Memory.End)
	r.Memory.PerUser = float64(r.Memory.Most-r.Memory.Empty) / users
	rate := func(t crowd.Traffic) report.Rate {
		return report.Rate{
			Kbit:      float64(t.Bytes) * 8 / 1000 / took.Seconds() / users,
			Datagrams: float64(t.Datagrams) / took.Seconds() / users,
		}
	}
	r.Wire = report.Wire{Up: rate(r.Counts.Up), Down: rate(r.Counts.Down)}
}

// served is what the server says of the time from one moment to another.
func served(from, to *moment) *report.Served {
	first, last := from.status, to.status
	r := &report.Served{
		Online: last.Online, Slots: last.Slots - first.Slots, Skipped: last.Skipped - first.Skipped,
		Late: last.Late - first.Late, Missing: last.Missing - first.Missing,
		Unsent: last.Unsent - first.Unsent, Faults: last.Faults - first.Faults,
		MixingMax: last.Mixing.Max, SendingMax: last.Sending.Max,
		Odd: to.odd - from.odd, Voice: to.voice - from.voice,
	}
	if r.Slots > 0 {
		r.MixingMean = (last.Mixing.Mean*float64(last.Slots) - first.Mixing.Mean*float64(first.Slots)) / float64(r.Slots)
	}
	return r
}

// share is which part of one processor a process had.
func share(cpu, took time.Duration) float64 {
	if took <= 0 {
		return 0
	}
	return float64(cpu) / float64(took)
}

// pause waits.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
