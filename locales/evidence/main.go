// Command evidence writes docs/bugis.md: every Bugis text beside the Indonesian
// one, what speaks for each Bugis word, and what a native speaker has to check.
// Run it at the top of the repository:
//
//	go run ./locales/evidence [folder of the corpora]
package main

import (
	"bytes"
	"cmp"
	_ "embed"
	"fmt"
	"os"
	"slices"
	"strings"
	"text/template"
)

//go:embed bugis.md.tmpl
var page string

func main() {
	corpora := "../shared/lang"
	if len(os.Args) > 1 {
		corpora = os.Args[1]
	}
	if err := write("locales", corpora, "docs/bugis.md"); err != nil {
		fmt.Fprintln(os.Stderr, "evidence:", err)
		os.Exit(1)
	}
}

func write(catalogues, corpora, file string) error {
	id, err := readCatalogue(catalogues + "/id.toml")
	if err != nil {
		return err
	}
	bug, err := readCatalogue(catalogues + "/bug.toml")
	if err != nil {
		return err
	}
	c, err := readCorpus(corpora)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	if err := template.Must(template.New("").Parse(page)).Execute(&out, describe(id, bug, c)); err != nil {
		return err
	}
	return os.WriteFile(file, out.Bytes(), 0o644)
}

// text is one key in both languages, with its words that need a native speaker.
type text struct {
	Key, Indonesian, Bugis string
	Doubts                 []evidence
}

// doubt adds up how much of a text has to be believed.
func (t text) doubt() int {
	weight := map[kind]int{composed: 1, thin: 2, adapted: 3, unattested: 6}
	sum := 0
	for _, e := range t.Doubts {
		sum += weight[e.Kind]
	}
	return sum
}

// report is what the page shows.
type report struct {
	Texts, Doubtful []text
	Words           []evidence
}

// Of returns how many words have evidence of a kind.
func (r report) Of(name string) int {
	n := 0
	for _, e := range r.Words {
		if e.Kind.String() == name {
			n++
		}
	}
	return n
}

func (k kind) String() string {
	return [...]string{"attested", "kept", "composed", "thin", "adapted", "unattested"}[k]
}

func describe(id, bug []message, c *corpus) report {
	indonesian, loans := map[string]string{}, map[string]bool{}
	for _, m := range id {
		indonesian[m.Key] = readable(m.Text)
		for _, w := range written(m.Text) {
			loans[fold(w)] = true
		}
	}
	var r report
	judged := map[string]evidence{}
	for _, m := range bug {
		t := text{Key: m.Key, Indonesian: indonesian[m.Key], Bugis: readable(m.Text)}
		for _, w := range written(m.Text) {
			e, known := judged[fold(w)]
			if !known {
				e = c.judge(strings.ToLower(w), loans)
				judged[fold(w)] = e
				r.Words = append(r.Words, e)
			}
			if e.Kind > kept && !slices.Contains(t.Doubts, e) {
				t.Doubts = append(t.Doubts, e)
			}
		}
		r.Texts = append(r.Texts, t)
		if len(t.Doubts) > 0 {
			r.Doubtful = append(r.Doubtful, t)
		}
	}
	slices.SortStableFunc(r.Doubtful, func(a, b text) int { return b.doubt() - a.doubt() })
	slices.SortFunc(r.Words, func(a, b evidence) int {
		return cmp.Or(int(b.Kind-a.Kind), strings.Compare(fold(a.Word), fold(b.Word)))
	})
	return r
}
