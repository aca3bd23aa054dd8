package understand

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
)

// draws is how many utterances are drawn from each pattern.
const draws = 25

// ReadPatterns draws utterances from sentence patterns, the same ones each
// time. The form of the file is told at its head.
func ReadPatterns(r io.Reader, author string) ([]Example, error) {
	known := map[Intent]bool{}
	for _, i := range intents {
		known[i] = true
	}
	names := map[string]string{}
	random := rand.New(rand.NewPCG(seed, 1))
	var examples []Example
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		if line == "" || line[0] == '#' {
			continue
		}
		if name, choices, ok := strings.Cut(line, " = "); ok && line[0] == '$' {
			names[name[1:]] = choices
			continue
		}
		columns := strings.SplitN(line, "\t", 3)
		if len(columns) != 3 || !known[Intent(columns[0])] {
			return nil, fmt.Errorf("understand: %s:%d: want intent, language and pattern parted by tabs", author, n)
		}
		seen := map[string]bool{}
		for range draws {
			text := strings.Join(strings.Fields(draw(columns[2], names, random)), " ")
			if text == "" || seen[text] {
				continue
			}
			seen[text] = true
			examples = append(examples, Example{Text: text, Intent: Intent(columns[0]), Language: columns[1], Author: author})
		}
	}
	return examples, lines.Err()
}

// draw makes one choice at each {a|b} and $name of a pattern, from left to right.
func draw(pattern string, names map[string]string, random *rand.Rand) string {
	var b strings.Builder
	for pattern != "" {
		at := strings.IndexAny(pattern, "{$")
		if at < 0 {
			b.WriteString(pattern)
			break
		}
		b.WriteString(pattern[:at])
		if pattern[at] == '{' {
			end := strings.IndexByte(pattern[at:], '}')
			if end < 0 {
				break
			}
			b.WriteString(draw(choose(pattern[at+1:at+end], random), names, random))
			pattern = pattern[at+end+1:]
			continue
		}
		end := at + 1
		for end < len(pattern) && isLetter(rune(pattern[end])) {
			end++
		}
		b.WriteString(choose(names[pattern[at+1:end]], random))
		pattern = pattern[end:]
	}
	return b.String()
}

func choose(choices string, random *rand.Rand) string {
	list := strings.Split(choices, "|")
	return list[random.IntN(len(list))]
}
