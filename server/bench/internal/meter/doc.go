// Package meter counts how late things are: a Histogram holds any number of
// durations in a few kilobytes, and a Grid finds by how much each datagram of one
// line missed the even beat that it belongs to.
//
//	arrivals ──▶ Grid, one for each line ──lateness──▶ Histogram, one for all
//
// A Histogram may be used by any goroutine, a Grid by one at a time. The crowd fills
// them, and the report reads the histograms.
package meter
