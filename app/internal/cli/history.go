package cli

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"undertone/app/internal/profile"
	"undertone/transport/key"
)

const historyText = `List the calls that the profile remembers, the latest last. It keeps 200 of
them, encrypted with the rest of the profile, and nobody else has them.`

func (a *app) historyCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "history",
		Short: "List past calls",
		Long:  historyText,
		Args:  cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			return a.look(cmd.Context(), func(c *profile.Content) error {
				if asJSON {
					return writeJSON(a.Out, pastCalls(c))
				}
				return a.printHistory(c)
			})
		}),
	}
	jsonFlag(cmd, &asJSON)
	cmd.AddCommand(
		a.historyChange("clear", "Forget all calls", "The history is empty.", func(c *profile.Content) { c.Calls = nil }),
		a.historyChange("off", "Forget all calls, and remember none from now on", "Calls are no longer remembered.",
			func(c *profile.Content) { c.Calls, c.Settings.NoHistory = nil, true }),
		a.historyChange("on", "Remember calls again", "Calls are remembered.",
			func(c *profile.Content) { c.Settings.NoHistory = false }))
	return cmd
}

func (a *app) historyChange(use, short, said string, change func(*profile.Content)) *cobra.Command {
	return &cobra.Command{
		Use:   use,
		Short: short,
		Args:  cobra.NoArgs,
		RunE: a.do(func(cmd *cobra.Command, _ []string) error {
			err := a.edit(cmd.Context(), func(c *profile.Content) error {
				change(c)
				return nil
			})
			if err == nil {
				fmt.Fprintln(a.Out, said)
			}
			return err
		}),
	}
}

// A pastCall is a call as history --json shows it.
type pastCall struct {
	With      string    `json:"with"`
	Direction string    `json:"direction"`
	Outcome   string    `json:"outcome"`
	Start     time.Time `json:"start"`
	LengthS   int       `json:"length_s"`
}

func pastCalls(c *profile.Content) []pastCall {
	names := make(map[key.Handle]string, len(c.Contacts))
	for i := range c.Contacts {
		names[c.Contacts[i].Handle()] = c.Contacts[i].Name
	}
	all := make([]pastCall, 0, len(c.Calls))
	for _, l := range c.Calls {
		with := names[l.With]
		if with == "" {
			with = "somebody who is no contact any more"
		}
		all = append(all, pastCall{With: with, Direction: l.Direction.String(), Outcome: l.Outcome.String(),
			Start: l.Start, LengthS: int(l.Length / time.Second)})
	}
	return all
}

func (a *app) printHistory(c *profile.Content) error {
	calls := pastCalls(c)
	if len(calls) == 0 {
		fmt.Fprintln(a.Out, "No calls are remembered.")
		return nil
	}
	t := table(a.Out)
	for _, l := range calls {
		length := ""
		if l.LengthS > 0 {
			length = (time.Duration(l.LengthS) * time.Second).String()
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", l.Start.Local().Format("2006-01-02 15:04"), l.Direction, l.With, l.Outcome, length)
	}
	return t.Flush()
}
