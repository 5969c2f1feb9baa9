package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"runtime"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"undertone/transport/cell"
)

func (a *app) versionCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "version",
		Short: "Print the version of this program",
		Args:  cobra.NoArgs,
		RunE: a.do(func(*cobra.Command, []string) error {
			if asJSON {
				return writeJSON(a.Out, map[string]any{"version": a.version, "protocol": cell.Version, "go": runtime.Version()})
			}
			_, err := fmt.Fprintf(a.Out, "undertone %s (protocol %d, %s %s/%s)\n",
				a.version, cell.Version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		}),
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func jsonFlag(cmd *cobra.Command, asJSON *bool) {
	cmd.Flags().BoolVar(asJSON, "json", false, "print JSON, for programs")
}

// writeJSON prints v in one line.
func writeJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false) // A link is to be found in it as it is.
	return enc.Encode(v)
}

// table returns a writer of aligned columns, separated by tabs. It must be
// flushed.
func table(w io.Writer) *tabwriter.Writer { return tabwriter.NewWriter(w, 0, 0, 2, ' ', 0) }
