package understand

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
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

// ReadCorpus reads the tables and the sentence patterns of a folder. What is
// drawn from patterns is good for learning, not for measuring.
func ReadCorpus(dir string) (examples, patterns []Example, err error) {
	names, err := filepath.Glob(filepath.Join(dir, "*.*"))
	if err != nil {
		return nil, nil, err
	}
	for _, name := range names {
		base, kind, _ := strings.Cut(filepath.Base(name), ".")
		if kind != "tsv" && kind != "grammar" {
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return nil, nil, err
		}
		var part []Example
		if kind == "tsv" {
			part, err = ReadExamples(f, base)
			examples = append(examples, part...)
		} else {
			part, err = ReadPatterns(f, base)
			patterns = append(patterns, part...)
		}
		f.Close()
		if err != nil {
			return nil, nil, err
		}
	}
	return examples, patterns, nil
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
	epochs     = 8
	naive      = 0.35 // share of the naive Bayes start
	rate       = 0.3
	damping    = 0.05 // keeps the first steps of a rare feature small
	negligible = 2e-3 // a smaller error of probability teaches nothing
	seed       = 7312

	accentEpochs  = 4
	accentRate    = 0.1
	accentDamping = 0.3
	foldsOfFit    = 5
)

// Learn trains an understander on examples: the same ones give the same one.
// The temperature, by which its confidence is made honest, is measured by
// cross-validation if it is 0.
func Learn(examples []Example, temperature float32) (*Understander, error) {
	u, err := newUnderstander()
	if err != nil {
		return nil, err
	}
	ear := u.fitLanguage(examples)
	u.model = ear
	u.model = u.fit(examples, nil)
	u.model.hearLike(ear)
	if u.model.temperature = temperature; temperature > 0 {
		return u, nil
	}
	// The temperature comes from scores of examples that were not learnt.
	var scores [][classes]float32
	var truth []int
	for fold := range foldsOfFit {
		part := u.fit(examples, func(i int) bool { return i%foldsOfFit != fold })
		part.hearLike(ear)
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

// Temperature returns what Learn has measured.
func (u *Understander) Temperature() float32 { return u.model.temperature }

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
	counts := make([]float32, buckets*classes)
	var sizes [classes]float32
	for _, r := range rows {
		sizes[r.class]++
		for _, f := range r.features {
			counts[int(f.bucket)*classes+r.class]++
		}
	}
	weights := logRatios(counts, &sizes)
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
			active := 0
			var which [classes]int
			for c, g := range scores {
				if g > negligible || g < -negligible {
					which[active] = c
					active++
				}
			}
			for _, f := range r.features {
				at := int(f.bucket) * classes
				w, st := weights[at:at+classes], steps[at:at+classes]
				for _, c := range which[:active] {
					g := scores[c] * f.value
					st[c] += g * g
					w[c] -= rate * g / (damping + float32(math.Sqrt(float64(st[c]))))
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

// logRatios is where learning starts from: how much likelier a feature is in a
// class than outside it, as naive Bayes has it. It generalises better from few
// examples than to start from nothing.
func logRatios(counts []float32, sizes *[classes]float32) []float32 {
	const smoothing, outside = 0.3, 5
	weights := make([]float32, len(counts))
	all := float32(0)
	for _, n := range sizes {
		all += n
	}
	for at := 0; at < len(counts); at += classes {
		row := counts[at:][:classes]
		total := float32(0)
		for _, n := range row {
			total += n
		}
		if total == 0 {
			continue
		}
		for c, n := range row {
			in := (n + smoothing) / (sizes[c] + 1)
			out := (total - n + outside*smoothing) / (all - sizes[c] + outside)
			weights[at+c] = naive * float32(math.Log(float64(in/out)))
		}
	}
	return weights
}

func (m *model) hearLike(ear *model) {
	m.accentScale, m.accentBias, m.accents = ear.accentScale, ear.accentBias, ear.accents
}

// fitLanguage learns to tell the languages from whole utterances and from
// pieces of one, two, three and five words of them.
func (u *Understander) fitLanguage(examples []Example) *model {
	type row struct {
		features []feature
		offset   float64
		bugis    float64
	}
	var rows []row
	s := newUtterance()
	for _, e := range examples {
		bugis := 0.0
		if e.Language == Bugis {
			bugis = 1
		}
		words := strings.Fields(e.Text)
		for _, length := range []int{len(words), 1, 2, 3, 5} {
			for at := 0; at+length <= len(words); at += max(1, length) {
				if length < len(words) || at == 0 {
					s.read(strings.Join(words[at:at+length], " "))
					s.listen()
					if len(s.features) > 0 {
						rows = append(rows, row{append([]feature(nil), s.features...), u.identifier.sum(s) * trust, bugis})
					}
				}
				if length == 0 {
					break
				}
			}
		}
	}
	weights, steps := make([]float64, accents), make([]float64, accents)
	bias := 0.0
	random := rand.New(rand.NewPCG(seed, 2))
	order := random.Perm(len(rows))
	for range accentEpochs {
		random.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		for _, n := range order {
			r := rows[n]
			sum := r.offset + bias
			for _, f := range r.features {
				sum += float64(f.value) * weights[f.bucket]
			}
			g := 1/(1+math.Exp(-sum)) - r.bugis
			bias -= 0.001 * g
			if math.Abs(g) < negligible {
				continue
			}
			for _, f := range r.features {
				d := g * float64(f.value)
				steps[f.bucket] += d * d
				weights[f.bucket] -= accentRate * d / (accentDamping + math.Sqrt(steps[f.bucket]))
			}
		}
	}
	top := 1e-9
	for _, w := range weights {
		top = max(top, math.Abs(w))
	}
	m := &model{temperature: 1, accentScale: float32(top / 127), accentBias: float32(bias), accents: make([]int8, accents)}
	for i, w := range weights {
		m.accents[i] = int8(math.Round(w / top * 127))
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
