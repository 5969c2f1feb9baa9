package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"undertone/app/internal/prove"
	"undertone/app/internal/prove/drive"
	"undertone/app/internal/prove/feature"
	"undertone/app/internal/prove/judge"
	"undertone/app/internal/prove/plan"
	"undertone/app/internal/prove/report"
	"undertone/transport/cell"
)

const proveText = `Measure whether somebody who records every packet of your line can tell that
you are in a call. It makes calls of all kinds in a random order, answered,
declined, missed and given up, with stretches of idle between them, and looks
for anything that differs: sizes, counts and times of packets, one by one and
all together.

With --loopback everything is on this computer. Without it, it is your own
profile at your own server, and a second profile of yours (--partner) is the
other side: both must be contacts of each other, have exchanged keys, and be
offline now. Nobody else is rung. The calls are in the histories of both.

It takes about an hour and a half, on a computer that has nothing else to do.
--quick takes ten minutes and finds what is gross, but never says that nothing
shows; nor does a run that is stopped by Ctrl-C. In every run the client is
made to leak on purpose, in four ways, once in a while; if that is not found,
the run is void.

To see it with the eyes of somebody else, record with tcpdump on the line, let
--save DIR keep the labels, and give both to --pcap and --labels afterwards.`

const proveExits = `Exit codes: 0 it was shown that no call shows · 1 it could not be measured ·
2 the command line makes no sense · 5 calls show · 6 not enough to say ·
7 void, since a leak that was made on purpose was not found`

// Exit codes of verdicts; that of a pass is exitDone.
const (
	exitLeak         = 5
	exitInconclusive = 6
	exitVoid         = 7
)

var verdictExits = map[judge.Verdict]exitError{judge.Leak: exitLeak, judge.Inconclusive: exitInconclusive, judge.Void: exitVoid}

// proveFlags are what the user said.
type proveFlags struct {
	loopback, quick, asJSON bool
	mode, interval          string
	partner, attack         string
	pcap, labels            string
	save, html              string
	seed                    uint64
}

func (a *app) proveCommand() *cobra.Command {
	var f proveFlags
	cmd := &cobra.Command{
		Use:   "prove",
		Short: "Measure whether your line shows when you are in a call",
		Long:  proveText + "\n\n" + proveExits,
		Args:  cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			if err := f.check(cmd.Flags().Changed); err != nil {
				return a.misused("%w", err)
			}
			return a.prove(cmd.Context(), f)
		}),
	}
	flags := cmd.Flags()
	flags.BoolVar(&f.loopback, "loopback", false, "a server and two clients on this computer, instead of your own line")
	flags.StringVar(&f.mode, "mode", cell.TMIX.String(), "with --loopback, protocol of the server: tmix, bmix or smix")
	flags.StringVar(&f.interval, "interval", cell.Interval40.String(), "with --loopback, time between two cells: 20ms, 40ms or 100ms")
	flags.StringVar(&f.attack, "attack", "", "with --loopback, attack the line all the time: drop, delay, duplicate, swap or all")
	flags.StringVar(&f.partner, "partner", "", "`folder` of the profile that is the other side of the calls")
	flags.BoolVar(&f.quick, "quick", false, "ten minutes, which can only find what is gross")
	flags.StringVar(&f.pcap, "pcap", "", "judge this capture `FILE` of tcpdump instead of measuring")
	flags.StringVar(&f.labels, "labels", "", "the labels `FILE` of the run that was captured")
	flags.StringVar(&f.save, "save", "", "keep captures, labels and report in this new `folder`")
	flags.StringVar(&f.html, "html", "", "write a page with pictures to this `FILE`")
	flags.Uint64Var(&f.seed, "seed", 0, "order of the calls; the same number gives the same (default: another each time)")
	jsonFlag(cmd, &f.asJSON)
	for flag, ext := range map[string][]string{"pcap": {"pcap", "pcapng"}, "labels": {"json"}, "html": {"html"}} {
		if err := cmd.MarkFlagFilename(flag, ext...); err != nil {
			panic(err) // The flag stands a few lines above.
		}
	}
	return cmd
}

// check says which flags do not go together.
func (f *proveFlags) check(changed func(string) bool) error {
	if (f.pcap == "") != (f.labels == "") {
		return errors.New("--pcap and --labels go together: the capture, and what was done meanwhile")
	}
	if f.pcap != "" {
		for _, flag := range []string{"loopback", "mode", "interval", "attack", "partner", "save", "seed"} {
			if changed(flag) {
				return fmt.Errorf("--%s is for measuring, and --pcap judges what was measured", flag)
			}
		}
		return nil
	}
	if f.loopback && f.partner != "" {
		return errors.New("--loopback has a partner of its own; leave out --partner")
	}
	if !f.loopback {
		for _, flag := range []string{"mode", "interval"} {
			if changed(flag) {
				return fmt.Errorf("--%s is for --loopback; your own server has one already", flag)
			}
		}
		if f.attack != "" {
			return errors.New("--attack is for --loopback; a line of yours is nobody's to attack")
		}
		if f.partner == "" {
			return errors.New("choose --loopback, or --partner with the folder of a second profile that is called")
		}
	}
	return nil
}

func (a *app) prove(ctx context.Context, f proveFlags) error {
	if f.pcap != "" {
		return a.proveCapture(f)
	}
	cfg := drive.Config{Size: plan.Long}
	if f.quick {
		cfg.Size = plan.Quick
	}
	line, err := a.line(ctx, f, &cfg)
	if err != nil {
		return err
	}
	if f.save != "" {
		if err := os.Mkdir(f.save, 0o700); err != nil {
			return fmt.Errorf("--save: %w; choose a folder that is not there yet", err)
		}
	}
	if cfg.Folder, err = os.MkdirTemp("", "undertone-prove-"); err != nil {
		return err
	}
	defer os.RemoveAll(cfg.Folder) //nolint:errcheck // a folder for what is not needed any more
	for f.seed == 0 {
		f.seed = uint64(time.Now().UnixNano()) //nolint:gosec // any number will do
	}
	cfg.Steps = plan.New(cfg.Size, f.seed)
	cfg.Progress = a.progress(f, cfg)
	defer keepGoing()()
	result, err := drive.Run(ctx, cfg)
	if err == nil && f.save != "" {
		err = keep(cfg.Folder, f.save)
	}
	if err != nil {
		return whenStopped(ctx, err)
	}
	if result.Why != nil {
		fmt.Fprintln(a.Err, "undertone: the run ended early:", result.Why)
	}
	return a.judged(f, func() (report.Document, error) {
		d, err := prove.Judge(result.Recording, prove.Options{
			Quick: f.quick, Stopped: result.Stopped, Line: line, Dropped: result.Dropped, Lost: result.Lost, Attacked: result.Attacked, Seed: f.seed,
		})
		d.Facts = append(d.Facts, report.Fact{Name: "seed", Value: fmt.Sprint(f.seed)})
		if errors.Is(err, feature.ErrNothing) && result.Stopped {
			err = prove.ErrShort
		}
		return d, err
	})
}

// whenStopped replaces what went wrong because of the end of ctx.
func whenStopped(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return prove.ErrShort
	}
	return err
}

// proveCapture judges what was recorded elsewhere.
func (a *app) proveCapture(f proveFlags) error {
	r, err := drive.Load(f.labels, f.pcap)
	if err != nil {
		return err
	}
	return a.judged(f, func() (report.Document, error) {
		return prove.Judge(r, prove.Options{Quick: f.quick, Line: filepath.Base(f.pcap)})
	})
}

// judged shows a report wherever it was asked for, and returns the verdict as an
// exit code.
func (a *app) judged(f proveFlags, judge func() (report.Document, error)) error {
	if !f.asJSON {
		fmt.Fprintln(a.Err, "Reckoning …")
	}
	d, err := judge()
	if err != nil {
		return err
	}
	if f.html != "" {
		err = errors.Join(err, toFile(f.html, report.HTML, d))
	}
	if f.save != "" {
		err = errors.Join(err, toFile(filepath.Join(f.save, "report.json"), report.JSON, d), toFile(filepath.Join(f.save, "report.html"), report.HTML, d))
	}
	show := report.Text
	if f.asJSON {
		show = report.JSON
	}
	if err := errors.Join(err, show(a.Out, d)); err != nil {
		return err
	}
	if exit, ok := verdictExits[d.Judged.Verdict]; ok {
		return exit
	}
	return nil
}

func toFile(name string, write func(io.Writer, report.Document) error, d report.Document) error {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(write(f, d), f.Close())
}

// keep copies what was recorded to a folder. That of the others may be missing.
func keep(from, to string) error {
	for _, name := range []string{drive.LabelsFile, drive.ClientFile, drive.PartnerFile, drive.BystanderFile} {
		b, err := os.ReadFile(filepath.Join(from, name))
		if name != drive.LabelsFile && name != drive.ClientFile && errors.Is(err, os.ErrNotExist) {
			continue
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(to, name), b, 0o600)
		}
		if err != nil {
			return fmt.Errorf("--save: %w", err)
		}
	}
	return nil
}

// progress returns a function that shows how far a run is: in a line of a terminal,
// and elsewhere now and then.
func (a *app) progress(f proveFlags, cfg drive.Config) func(drive.Progress) {
	fmt.Fprintf(a.Err, "This takes %v. Leave the computer alone meanwhile; Ctrl-C ends it early.\n", cfg.Size.Lasts(cfg.Steps).Round(time.Minute))
	switch {
	case f.loopback && cfg.Mode == cell.TMIX:
		fmt.Fprintln(a.Err, "An idle member besides the two is on this computer as well, and is watched too.")
	case f.loopback:
		fmt.Fprintln(a.Err, "Three idle members besides the two are on this computer as well; one is watched too.")
	}
	_, isTerminal := terminal(a.Err)
	const parts = 20
	shown := -1
	return func(p drive.Progress) {
		words := fmt.Sprintf("%4d of %d segments · %-12s · %v left", p.Segments, p.Of, p.Doing, p.Left.Round(time.Second))
		switch part := p.Segments * parts / max(1, p.Of); {
		case isTerminal:
			fmt.Fprintf(a.Err, "\r\033[K%s", words)
			if p.Left == 0 && p.Segments > 0 {
				fmt.Fprintln(a.Err)
			}
		case p.Segments == 0 || part > shown:
			shown = part
			fmt.Fprintln(a.Err, words)
		}
	}
}
