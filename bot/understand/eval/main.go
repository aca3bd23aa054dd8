// Eval measures package understand: by cross-validation over the corpus, by
// leaving one author out, and on the files given to it, with the model that is
// part of the program. It writes docs/understanding.md and its picture.
//
//	go run ./bot/understand/eval [-docs docs] [file.tsv ...]
//
// A file has four columns parted by tabs: text, intent, language, slots (JSON).
package main

import (
	"flag"
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"tabe/bot/understand"
)

func main() {
	log.SetFlags(0)
	corpus := flag.String("corpus", "bot/understand/corpus", "folder of the labelled utterances")
	docs := flag.String("docs", "docs", "folder of the report; empty for none")
	folds := flag.Int("folds", 10, "of the cross-validation")
	authors := flag.Bool("authors", true, "also leave out one author after the other")
	errors := flag.Bool("errors", false, "list what the cross-validation gets wrong")
	corpora := flag.String("corpora", "../shared/lang/corpora", "folder of other people's text for the language figures, if present")
	flag.Parse()
	if err := run(*corpus, *docs, *corpora, *folds, *authors, *errors, flag.Args()); err != nil {
		log.Fatal("eval: ", err)
	}
}

// set is a named measurement.
type set struct {
	Name  string
	Score *score
}

func run(corpus, docs, corpora string, folds int, authors, errors bool, files []string) error {
	examples, patterns, err := understand.ReadCorpus(corpus)
	if err != nil {
		return err
	}
	shipped, err := understand.New()
	if err != nil {
		return err
	}
	var sets []set
	var cross []answer
	if folds > 1 && len(examples) > 0 {
		cross, err = crossValidate(examples, patterns, shipped.Temperature(), func(i int, _ understand.Example) int { return i % folds }, folds)
		if err != nil {
			return err
		}
		sets = append(sets, set{fmt.Sprintf("%d-fold cross-validation", folds), measure(cross)})
	}
	if authors && len(examples) > 0 {
		numbers := map[string]int{}
		for _, e := range examples {
			if _, ok := numbers[e.Author]; !ok {
				numbers[e.Author] = len(numbers)
			}
		}
		answers, err := crossValidate(examples, patterns, shipped.Temperature(), func(_ int, e understand.Example) int { return numbers[e.Author] }, len(numbers))
		if err != nil {
			return err
		}
		sets = append(sets, set{"one author left out", measure(answers)})
		sets = append(sets, samples(answers)...)
	}
	for _, name := range files {
		part, err := read(name)
		if err != nil {
			return err
		}
		sets = append(sets, set{strings.TrimSuffix(filepath.Base(name), ".tsv"), measure(classify(shipped, part))})
	}
	for _, s := range sets {
		s.Score.print(os.Stdout, s.Name)
	}
	if errors {
		list(os.Stdout, cross)
	}
	texts, err := readCorpora(corpora)
	if err != nil {
		return err
	}
	heard := hearCorpora(shipped, texts)
	heard.printLanguage(os.Stdout, "language on other people's sentences")
	if docs == "" {
		return nil
	}
	return report(docs, sets, cross, heard, clock(shipped, examples), len(examples), len(patterns))
}

// samples measures by themselves the utterances that the project was started with,
// before anything was built.
func samples(leftOut []answer) []set {
	var sets []set
	for _, author := range []string{"sample_id", "sample_bug"} {
		var theirs []answer
		for _, a := range leftOut {
			if a.want.Author == author {
				theirs = append(theirs, a)
			}
		}
		if len(theirs) > 0 {
			sets = append(sets, set{author + ", left out", measure(theirs)})
		}
	}
	return sets
}

// crossValidate answers every example by an understander that has not learnt
// any of its group.
func crossValidate(examples, patterns []understand.Example, temperature float32, group func(int, understand.Example) int, groups int) ([]answer, error) {
	var answers []answer
	for g := range groups {
		var learn, ask []understand.Example
		learn = append(learn, patterns...)
		for i, e := range examples {
			if group(i, e) == g {
				ask = append(ask, e)
			} else {
				learn = append(learn, e)
			}
		}
		u, err := understand.Learn(learn, temperature)
		if err != nil {
			return nil, err
		}
		answers = append(answers, classify(u, ask)...)
	}
	return answers, nil
}

func read(name string) ([]understand.Example, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return understand.ReadExamples(f, strings.TrimSuffix(filepath.Base(name), ".tsv"))
}
