package main

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"tabe/bot/understand"
)

// readCorpora reads other people's Bugis and Indonesian sentences: tables with
// a heading, whose columns "indonesian" and "bugis" hold one sentence each. No
// folder, no sentences.
func readCorpora(dir string) ([]understand.Example, error) {
	var texts []understand.Example
	for _, name := range []string{"parallel_id_bug_train.tsv", "mono_bug_train.tsv"} {
		f, err := os.Open(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		var heading []string
		for lines.Scan() {
			columns := strings.Split(lines.Text(), "\t")
			if heading == nil {
				heading = columns
				continue
			}
			for column, language := range map[string]string{"indonesian": understand.Indonesian, "bugis": understand.Bugis} {
				if i := slices.Index(heading, column); i >= 0 && i < len(columns) && columns[i] != "" {
					texts = append(texts, understand.Example{Text: columns[i], Language: language})
				}
			}
		}
		err = lines.Err()
		f.Close()
		if err != nil {
			return nil, err
		}
	}
	return texts, nil
}

// hearCorpora measures the language alone.
func hearCorpora(u *understand.Understander, texts []understand.Example) *score {
	s := &score{languageByLength: map[int]*ratio{}}
	for _, a := range classify(u, texts) {
		s.hear(a)
	}
	return s
}
