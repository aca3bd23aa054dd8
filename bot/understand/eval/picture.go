package main

import (
	"bytes"
	"fmt"

	"tabe/bot/understand"
)

// picture draws the confusion table: one row per intended intent, one column
// per understood one, the darker the larger the share of the row.
func picture(s *score) []byte {
	const cell, left, top = 30, 190, 170
	list := intentsOf(s)
	width, height := left+cell*len(list)+20, top+cell*len(list)+40
	var b bytes.Buffer
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" width="%d" height="%d" viewBox="0 0 %d %d" font-family="sans-serif" font-size="12" role="img">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, "<title>Confusion table: rows as intended, columns as understood</title>\n<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n")
	for i, want := range list {
		y := top + i*cell
		fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\" fill=\"#222\">%s</text>\n", left-8, y+cell/2+4, want)
		fmt.Fprintf(&b, "<text transform=\"translate(%d %d) rotate(-60)\" fill=\"#222\">%s</text>\n", left+i*cell+cell/2, top-8, want)
		total := s.byIntent[want].Of
		for j, got := range list {
			n := s.confusion[[2]understand.Intent{want, got}]
			share := float64(n) / float64(total)
			colour, ink := "#f4f4f4", "#222"
			switch {
			case n > 0 && i == j:
				colour, ink = shade(share, 0x1b, 0x6e, 0x3c), "#fff"
			case n > 0:
				colour = shade(min(1, 0.25+share*4), 0xc2, 0x3b, 0x22)
			}
			fmt.Fprintf(&b, "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\"><title>%s understood as %s: %d of %d</title></rect>\n",
				left+j*cell, y, cell-1, cell-1, colour, want, got, n, total)
			if n > 0 {
				fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" text-anchor=\"middle\" font-size=\"11\" fill=\"%s\">%d</text>\n", left+j*cell+cell/2, y+cell/2+4, ink, n)
			}
		}
	}
	fmt.Fprintf(&b, "<text x=\"%d\" y=\"%d\" fill=\"#555\">rows: as intended · columns: as understood · numbers: utterances</text>\n</svg>\n", left, height-14)
	return b.Bytes()
}

// shade mixes a colour with white.
func shade(share float64, r, g, b int) string {
	mix := func(c int) int { return 255 - int(share*float64(255-c)) }
	return fmt.Sprintf("#%02x%02x%02x", mix(r), mix(g), mix(b))
}
