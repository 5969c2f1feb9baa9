// Package report shows what a load test has measured: as a table on a terminal, as
// JSON, as CSV for other programs, and as a page of HTML with pictures, which is one
// file with no script and nothing from elsewhere.
//
//	Report ──▶ Text      a table: rows are figures, columns are what was measured
//	       ──▶ JSON      all of it
//	       ──▶ Summary   CSV: one line for each subject, a column for each figure
//	       ──▶ Seconds   CSV: one line for each subject and second
//	       ──▶ HTML      the table, and the pictures
//
// rows.go lists the figures once for all of them. Package main fills a Report in.
package report
