package report

import (
	"fmt"
	"html/template"
	"strconv"
	"strings"
)

// Bars draws counts as horizontal bars with their names and numbers. name puts
// the name of a count into words. The drawing is a list to a screen reader.
func Bars(title string, counts []Count, name func(string) string) template.HTML {
	const row, left, right, width = 26, 170, 50, 640
	most := 1
	for _, c := range counts {
		most = max(most, c.N)
	}
	height := row*len(counts) + 6
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="bars" viewBox="0 0 %d %d" role="img" aria-label="%s">`, width, height, template.HTMLEscapeString(title+": "+inWords(counts, name)))
	for i, c := range counts {
		y, length := i*row+4, (width-left-right)*c.N/most
		fmt.Fprintf(&b, `<text class="name" x="%d" y="%d">%s</text><rect x="%d" y="%d" width="%d" height="%d"/><text class="n" x="%d" y="%d">%d</text>`,
			left-8, y+15, template.HTMLEscapeString(name(c.Name)), left, y, max(1, length), row-8, left+length+6, y+15, c.N)
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) //nolint:gosec // every text in it is escaped above
}

// Columns draws counts as columns, for many of them in an order, as hours are.
func Columns(title string, counts []Count, name func(string) string) template.HTML {
	const width, height, foot, head = 640, 180, 20, 16
	most := 1
	for _, c := range counts {
		most = max(most, c.N)
	}
	step := float64(width) / float64(max(1, len(counts)))
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="series" viewBox="0 0 %d %d" role="img" aria-label="%s">`, width, height, template.HTMLEscapeString(title+": "+inWords(counts, name)))
	for i, c := range counts {
		tall := (height - foot - head) * c.N / most
		x := float64(i) * step
		fmt.Fprintf(&b, `<rect x="%.1f" y="%d" width="%.1f" height="%d"/><text class="name" x="%.1f" y="%d">%s</text>`,
			x+2, height-foot-tall, step-4, max(1, tall), x+step/2, height-5, template.HTMLEscapeString(name(c.Name)))
		if c.N > 0 {
			fmt.Fprintf(&b, `<text class="n" x="%.1f" y="%d">%d</text>`, x+step/2, height-foot-tall-3, c.N)
		}
	}
	b.WriteString(`</svg>`)
	return template.HTML(b.String()) //nolint:gosec // every text in it is escaped above
}

func inWords(counts []Count, name func(string) string) string {
	words := make([]string, 0, len(counts))
	for _, c := range counts {
		words = append(words, name(c.Name)+" "+strconv.Itoa(c.N))
	}
	return strings.Join(words, ", ")
}
