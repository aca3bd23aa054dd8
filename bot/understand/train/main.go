// Train learns the model of package understand from the utterances in
// bot/understand/corpus and writes it to bot/understand/data/model.bin.
// It is run by "go generate ./bot/understand"; the same corpus gives the same file.
package main

import (
	"fmt"
	"log"
	"os"
	"slices"

	"tabe/bot/understand"
)

func main() {
	log.SetFlags(0)
	if err := run(); err != nil {
		log.Fatal("train: ", err)
	}
}

func run() error {
	examples, patterns, err := understand.ReadCorpus("corpus")
	if err != nil {
		return err
	}
	if len(examples) == 0 {
		return fmt.Errorf("no corpus here: run it from bot/understand")
	}
	u, err := understand.Learn(slices.Concat(patterns, examples), 0)
	if err != nil {
		return err
	}
	model, err := u.Model()
	if err != nil {
		return err
	}
	log.Printf("%d utterances, %d more from patterns, %d bytes", len(examples), len(patterns), len(model))
	return os.WriteFile("data/model.bin", model, 0o644)
}
