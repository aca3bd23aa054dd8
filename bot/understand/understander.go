package understand

import "sync"

//go:generate go run ./train

// Understander turns utterances into Results. It is safe for concurrent use.
type Understander struct {
	lexicon    lexicon
	gazetteer  gazetteer
	identifier identifier
	model      *model
	commands   map[string]Intent
	offices    phrases
	permits    phrases
	landmarks  phrases
	scratch    sync.Pool
}

// New loads the tables and the trained model that are part of the program.
func New() (*Understander, error) {
	u, err := newUnderstander()
	if err != nil {
		return nil, err
	}
	u.model, err = readModel(modelFile)
	return u, err
}

func newUnderstander() (*Understander, error) {
	id, err := readIdentifier(ngramTable)
	if err != nil {
		return nil, err
	}
	return &Understander{
		lexicon:    readLexicon(lexiconTable),
		gazetteer:  readGazetteer(placeTable),
		identifier: id,
		commands:   readCommands(),
		offices:    readPhrases(officeTable),
		permits:    readPhrases(permitTable),
		landmarks:  readPhrases(landmarkTable),
		scratch:    sync.Pool{New: func() any { return newUtterance() }},
	}, nil
}

// Understand reads one utterance without its context. Only the first 4 KB of
// it count.
func (u *Understander) Understand(text string) Result {
	s := u.scratch.Get().(*utterance)
	defer u.scratch.Put(s)
	lean := u.prepare(s, text)
	r := Result{Text: text, Language: Indonesian, Lean: lean}
	if s.bugis {
		r.Language = Bugis
	}
	u.model.logits(s)
	softmax(&s.scores, u.model.temperature)
	first, second := 0, 1
	for c, p := range s.scores {
		switch {
		case c == 0:
		case p > s.scores[first]:
			first, second = c, first
		case c == 1 || p > s.scores[second]:
			second = c
		}
	}
	r.Guess = Guess{intents[first], float64(s.scores[first])}
	r.Second = Guess{intents[second], float64(s.scores[second])}
	u.alarm(s, &r)
	if intent, ok := u.command(s); ok {
		r.Guess, r.Second, r.Command = Guess{intent, 1}, Guess{}, true
	}
	r.Slots = u.slots(s, r.Intent)
	return r
}

// prepare reads a text up to the features of the model and returns the lean of
// its language.
func (u *Understander) prepare(s *utterance, text string) float64 {
	s.read(text)
	s.readNumbers()
	lean := u.language(s)
	s.bugis = lean > 0
	s.features = s.features[:0]
	for i := range s.tokens {
		if t := &s.tokens[i]; t.kind == word {
			t.symbol = u.lexicon.find(t.key, s.bugis)
			t.known = t.symbol != noConcept
		}
	}
	u.gazetteer.find(s)
	s.extract()
	return lean
}
