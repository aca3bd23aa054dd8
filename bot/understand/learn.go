package understand

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strings"
)

// Example is an utterance with what it means.
type Example struct {
	Text     string
	Intent   Intent
	Language string // Indonesian or Bugis
	Local    bool   // South-Sulawesi Indonesian (id-mks)
	Slots    map[string][]string
	Author   string // who wrote it: the file it stands in
}

// ReadExamples reads a table of utterances: text, intent, language and slots
// (a JSON object), parted by tabs, without quoting. Lines that begin with # and
// the heading are skipped.
func ReadExamples(r io.Reader, author string) ([]Example, error) {
	known := map[Intent]bool{}
	for _, i := range intents {
		known[i] = true
	}
	var examples []Example
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimRight(lines.Text(), "\r")
		if line == "" || strings.HasPrefix(line, "# ") || strings.HasPrefix(line, "text\tintent") {
			continue
		}
		columns := strings.Split(line, "\t")
		if len(columns) < 3 {
			return nil, fmt.Errorf("understand: %s:%d: want text, intent, language, slots parted by tabs", author, n)
		}
		e := Example{Text: columns[0], Intent: Intent(columns[1]), Language: Indonesian, Local: columns[2] == "id-mks", Author: author}
		if columns[2] == Bugis {
			e.Language = Bugis
		}
		if !known[e.Intent] {
			return nil, fmt.Errorf("understand: %s:%d: no such intent: %q", author, n, columns[1])
		}
		if len(columns) > 3 && columns[3] != "" {
			var raw map[string]any
			if err := json.Unmarshal([]byte(columns[3]), &raw); err != nil {
				return nil, fmt.Errorf("understand: %s:%d: slots: %w", author, n, err)
			}
			e.Slots = map[string][]string{}
			for name, value := range raw {
				if list, ok := value.([]any); ok {
					for _, v := range list {
						e.Slots[name] = append(e.Slots[name], plainValue(v))
					}
					continue
				}
				e.Slots[name] = []string{plainValue(value)}
			}
		}
		examples = append(examples, e)
	}
	return examples, lines.Err()
}

func plainValue(v any) string {
	if f, ok := v.(float64); ok && f == math.Trunc(f) {
		return fmt.Sprintf("%.0f", f)
	}
	return fmt.Sprint(v)
}

// The settings of learning, chosen by cross-validation (docs/understanding.md).
const (
	epochs     = 40
	rate       = 0.5
	decay      = 1e-5
	seed       = 7312
	foldsOfFit = 5
)

// Learn trains an understander on examples: the same ones give the same one.
func Learn(examples []Example) (*Understander, error) {
	u, err := newUnderstander()
	if err != nil {
		return nil, err
	}
	u.model = u.fit(examples, nil)
	// The temperature comes from scores of examples that were not learnt.
	var scores [][classes]float32
	var truth []int
	for fold := range foldsOfFit {
		part := u.fit(examples, func(i int) bool { return i%foldsOfFit != fold })
		s := newUtterance()
		for i, e := range examples {
			if i%foldsOfFit == fold {
				u.prepare(s, e.Text)
				part.logits(s)
				scores = append(scores, s.scores)
				truth = append(truth, classOf(e.Intent))
			}
		}
	}
	u.model.temperature = bestTemperature(scores, truth)
	return u, nil
}

// Model returns the weights as New will read them.
func (u *Understander) Model() ([]byte, error) { return u.model.write() }

func classOf(i Intent) int {
	for c, intent := range intents {
		if intent == i {
			return c
		}
	}
	return classes - 1
}

// fit minimises the cross entropy by stochastic gradient descent with AdaGrad.
func (u *Understander) fit(examples []Example, use func(i int) bool) *model {
	type row struct {
		features []feature
		class    int
	}
	var rows []row
	s := newUtterance()
	for i, e := range examples {
		if use != nil && !use(i) {
			continue
		}
		u.prepare(s, e.Text)
		rows = append(rows, row{append([]feature(nil), s.features...), classOf(e.Intent)})
	}
	weights := make([]float32, buckets*classes)
	steps := make([]float32, buckets*classes)
	var bias, biasSteps [classes]float32
	random := rand.New(rand.NewPCG(seed, uint64(len(rows))))
	order := random.Perm(len(rows))
	for range epochs {
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, n := range order {
			r := rows[n]
			scores := bias
			for _, f := range r.features {
				w := weights[int(f.bucket)*classes:][:classes]
				for c := range w {
					scores[c] += f.value * w[c]
				}
			}
			softmax(&scores, 1)
			scores[r.class]--
			for c, g := range scores {
				g *= 0.1
				biasSteps[c] += g * g
				bias[c] -= rate * g / (1e-4 + float32(math.Sqrt(float64(biasSteps[c]))))
			}
			for _, f := range r.features {
				at := int(f.bucket) * classes
				w, st := weights[at:at+classes], steps[at:at+classes]
				for c := range w {
					g := scores[c]*f.value + decay*w[c]
					if g > -1e-5 && g < 1e-5 {
						continue
					}
					st[c] += g * g
					w[c] -= rate * g / (1e-3 + float32(math.Sqrt(float64(st[c]))))
				}
			}
		}
	}
	top := float32(0)
	for _, w := range weights {
		top = max(top, w, -w)
	}
	m := &model{scale: top / 127, temperature: 1, bias: bias, weights: make([]int8, len(weights))}
	if top == 0 {
		return m
	}
	for i, w := range weights {
		m.weights[i] = int8(math.Round(float64(w / m.scale)))
	}
	return m
}

// bestTemperature minimises the negative log-likelihood of the truth.
func bestTemperature(scores [][classes]float32, truth []int) float32 {
	best, least := float32(1), math.Inf(1)
	for t := float32(0.3); t < 4; t += 0.05 {
		loss := 0.0
		for i, s := range scores {
			softmax(&s, t)
			loss -= math.Log(float64(s[truth[i]]) + 1e-9)
		}
		if loss < least {
			best, least = t, loss
		}
	}
	return best
}
