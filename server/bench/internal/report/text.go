package report

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"
)

// Headline says what was measured, in one line.
func (f *Facts) Headline() string {
	return fmt.Sprintf("%d users, %s at %s, %s of each on %d processors",
		f.Users, f.Mode, f.Interval, time.Duration(f.Seconds*float64(time.Second)), f.Processors)
}

// A table is what the report is as text and on the page: a head, and lines of as
// many fields.
type table struct {
	Head  []string
	Lines [][]string
}

// table lists the figures that any subject has.
func (r *Report) table() table {
	t := table{Head: []string{""}}
	for i := range r.Subjects {
		t.Head = append(t.Head, r.Subjects[i].Name)
	}
	for i := 1; i < len(r.Subjects); i++ {
		t.Head = append(t.Head, r.Subjects[0].Name+" : "+r.Subjects[i].Name)
	}
	for _, figure := range rows() {
		line, some := []string{figure.text}, false
		for i := range r.Subjects {
			text := figure.format(&r.Subjects[i])
			some = some || text != ""
			line = append(line, text)
		}
		for i := 1; i < len(r.Subjects); i++ {
			line = append(line, figure.compare(&r.Subjects[0], &r.Subjects[i]))
		}
		if some {
			t.Lines = append(t.Lines, line)
		}
	}
	return t
}

// Text writes the table.
func (r *Report) Text(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "%s\n\n", r.Facts.Headline()); err != nil {
		return err
	}
	// Columns are aligned at the right, so that numbers stand below each other; the
	// first is padded by hand.
	t := r.table()
	width := 0
	for _, line := range t.Lines {
		width = max(width, len([]rune(line[0])))
	}
	tab := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	for _, line := range append([][]string{t.Head}, t.Lines...) {
		_, _ = fmt.Fprintf(tab, "%-*s\t", width, line[0])
		for _, field := range line[1:] {
			_, _ = fmt.Fprintf(tab, "%s\t", field)
		}
		_, _ = fmt.Fprintln(tab)
	}
	return tab.Flush()
}

// Summary writes a line of CSV for each subject.
func (r *Report) Summary(w io.Writer) error {
	c := csv.NewWriter(w)
	head := []string{"subject", "mode", "interval"}
	for _, figure := range rows() {
		head = append(head, figure.key)
	}
	_ = c.Write(head) // Flush tells.
	for i := range r.Subjects {
		line := []string{r.Subjects[i].Name, r.Facts.Mode, r.Facts.Interval}
		for _, figure := range rows() {
			line = append(line, figure.format(&r.Subjects[i]))
		}
		_ = c.Write(line)
	}
	c.Flush()
	return c.Error()
}

// Seconds writes a line of CSV for each sample.
func (r *Report) Seconds(w io.Writer) error {
	c := csv.NewWriter(w)
	_ = c.Write([]string{"subject", "second", "online", "server_cpu", "crowd_cpu", "stolen_cpu", "resident", "threads", "received", "lost"})
	number := func(v float64) string { return strconv.FormatFloat(v, 'f', 3, 64) }
	for i := range r.Subjects {
		for _, s := range r.Subjects[i].Series {
			_ = c.Write([]string{
				r.Subjects[i].Name, number(s.Second), strconv.FormatInt(s.Online, 10), number(s.ServerCPU), number(s.CrowdCPU), number(s.StolenCPU),
				strconv.FormatInt(s.Resident, 10), strconv.Itoa(s.Threads),
				strconv.FormatUint(s.Received, 10), strconv.FormatUint(s.Lost, 10),
			})
		}
	}
	c.Flush()
	return c.Error()
}
