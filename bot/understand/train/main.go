// Train learns the model of package understand from the utterances in
// bot/understand/corpus and writes it to bot/understand/data/model.bin.
// It is run by "go generate ./bot/understand"; the same corpus gives the same file.
package main

import (
	"fmt"
	"log"
	"os"
	"path/filepath"
	"strings"

	"tabe/bot/understand"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal("train: ", err)
	}
}

func run() error {
	files, err := filepath.Glob("corpus/*.tsv")
	if err != nil {
		return err
	}
	var examples []understand.Example
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return err
		}
		part, err := understand.ReadExamples(f, strings.TrimSuffix(filepath.Base(name), ".tsv"))
		f.Close()
		if err != nil {
			return err
		}
		examples = append(examples, part...)
	}
	if len(examples) == 0 {
		return fmt.Errorf("no corpus here: run it from bot/understand")
	}
	u, err := understand.Learn(examples)
	if err != nil {
		return err
	}
	model, err := u.Model()
	if err != nil {
		return err
	}
	log.Printf("%d utterances, %d bytes", len(examples), len(model))
	return os.WriteFile("data/model.bin", model, 0o644)
}
