package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// corpus is what other people wrote in Bugis: how often, where, meaning what.
type corpus struct {
	counts   map[string]map[string]int // folded word, source
	meanings map[string]string         // folded word
}

// sources gives the corpora the names that readers know them by. What is not
// here does not count: the alignments are derived from the others.
var sources = map[string]string{
	"NusaX": "NusaX", "FLORES": "FLORES-200", "UDHR": "UDHR", "NLLB-Seed": "NLLB-Seed",
	"NusaParagraph": "NusaParagraph", "GATITOS": "GATITOS", "NusaX-lexicon": "NusaX lexicon",
	"ABVD-48 Buginese (Soppeng)": "ABVD (Soppeng)",
}

func readCorpus(dir string) (*corpus, error) {
	c := &corpus{map[string]map[string]int{}, map[string]string{}}
	files, err := filepath.Glob(filepath.Join(dir, "corpora", "*.tsv"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("no corpora in %s", filepath.Join(dir, "corpora"))
	}
	for _, file := range files {
		if err := eachRow(file, func(row map[string]string) { c.count(row["bugis"], sources[row["source"]]) }); err != nil {
			return nil, err
		}
	}
	err = eachRow(filepath.Join(dir, "prompts.tsv"), func(row map[string]string) {
		for _, m := range gloss.FindAllStringSubmatch(row["gloss"], -1) {
			c.meanings[fold(m[1])] = m[2]
		}
	})
	if err != nil {
		return nil, err
	}
	// The concept says more than the gloss of one sentence.
	err = eachRow(filepath.Join(dir, "attestation.tsv"), func(row map[string]string) {
		for _, word := range words(row["recommended_bugis"]) {
			if c.meanings[word] == "" {
				c.meanings[word] = row["english"]
			}
		}
	})
	return c, err
}

// gloss is one word of the gloss of a prompt: iyanae=this-is[A19|29].
var gloss = regexp.MustCompile(`(\S+)=([^\[]+)\[`)

func (c *corpus) count(text, source string) {
	if source == "" {
		return
	}
	for _, word := range words(text) {
		if c.counts[word] == nil {
			c.counts[word] = map[string]int{}
		}
		c.counts[word][source]++
	}
}

func (c *corpus) total(word string) int {
	n := 0
	for _, count := range c.counts[word] {
		n += count
	}
	return n
}

// where lists the sources of a word, the one that has it most often first.
func (c *corpus) where(word string) string {
	by := c.counts[word]
	names := slices.SortedFunc(maps.Keys(by), func(a, b string) int {
		if by[a] != by[b] {
			return by[b] - by[a]
		}
		return strings.Compare(a, b)
	})
	for i, name := range names {
		names[i] = fmt.Sprintf("%s %d", name, by[name])
	}
	return strings.Join(names, ", ")
}

// eachRow reads tab-separated values without quoting, under a line of names.
func eachRow(file string, do func(row map[string]string)) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		fields := strings.Split(strings.TrimRight(line, "\r\n"), "\t")
		if names == nil {
			names = fields
			continue
		}
		row := make(map[string]string, len(names))
		for i, name := range names[:min(len(names), len(fields))] {
			row[name] = fields[i]
		}
		do(row)
	}
	return nil
}
