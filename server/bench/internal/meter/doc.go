// Package meter counts how late things are: a Histogram holds any number of
// durations in a few kilobytes, Pairs find out when a message came that is read later
// from a line, and a Grid by how much each message of a line missed the even beat that
// it belongs to.
//
//	datagrams ──▶ ┌───────┐ how long    ┌──────┐ lateness ──▶ Histogram
//	              │ Pairs │ after ─────▶│ Grid │
//	messages  ──▶ └───────┘             └──────┘ beats ─────▶ Spread
//	              one of each for each line                   one for all lines
//
// A Histogram and a Spread may be used by any goroutine, Pairs and a Grid by one at a
// time. The crowd fills them, and the report reads the histograms.
package meter
