package understand

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
)

//go:embed data/model.bin
var modelFile []byte

// intents in the order of the classes of the model.
var intents = [...]Intent{
	TaxBill, TaxHowToPay, TaxTransfer, PermitStatus, PermitRequirements, PermitFee, MaccaEligibility, MaccaBenefits, MaccaComplaint,
	EmergencyFire, EmergencyMedical, EmergencyCrime, EmergencyDisaster, EmergencyViolence,
	Complaint, OfficeDirectory, HumanAgent, ChangeLanguage, Greeting, Thanks, Cancel, DeleteData, OutOfScope,
}

const (
	classes        = len(intents)
	firstEmergency = 9
	lastEmergency  = 13
)

// model is a multinomial logistic regression over hashed features, with
// weights of one byte.
type model struct {
	scale       float32 // of the weights
	temperature float32 // divides the scores, so that the probabilities are honest
	bias        [classes]float32
	weights     []int8 // buckets × classes

	// of the language, see language.go
	accentScale, accentBias float32
	accents                 []int8
}

const modelMagic = "TBU2"

// readModel reads what Model.write wrote.
func readModel(file []byte) (*model, error) {
	z, err := gzip.NewReader(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("understand: model: %w", err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		return nil, fmt.Errorf("understand: model: %w", err)
	}
	head := len(modelMagic) + 4*(4+classes)
	if len(raw) != head+buckets*classes+accents || string(raw[:len(modelMagic)]) != modelMagic {
		return nil, errors.New("understand: model: not of this version; run go generate")
	}
	m := &model{weights: make([]int8, buckets*classes), accents: make([]int8, accents)}
	at := len(modelMagic)
	next := func() float32 {
		f := math.Float32frombits(binary.LittleEndian.Uint32(raw[at:]))
		at += 4
		return f
	}
	m.scale, m.temperature, m.accentScale, m.accentBias = next(), next(), next(), next()
	for c := range m.bias {
		m.bias[c] = next()
	}
	for i := range m.weights {
		m.weights[i] = int8(raw[head+i])
	}
	for i := range m.accents {
		m.accents[i] = int8(raw[head+len(m.weights)+i])
	}
	return m, nil
}

// write is the counterpart of readModel.
func (m *model) write() ([]byte, error) {
	raw := []byte(modelMagic)
	put := func(f float32) { raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(f)) }
	put(m.scale)
	put(m.temperature)
	put(m.accentScale)
	put(m.accentBias)
	for _, b := range m.bias {
		put(b)
	}
	for _, w := range m.weights {
		raw = append(raw, byte(w))
	}
	for _, w := range m.accents {
		raw = append(raw, byte(w))
	}
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err != nil {
		return nil, err
	}
	if _, err := z.Write(raw); err != nil {
		return nil, err
	}
	if err := z.Close(); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// logits fills u.scores with the score of each intent.
func (m *model) logits(u *utterance) {
	scores := &u.scores
	*scores = [classes]float32{}
	for _, f := range u.features {
		row := m.weights[int(f.bucket)*classes:][:classes]
		for c, w := range row {
			scores[c] += f.value * float32(w)
		}
	}
	for c := range scores {
		scores[c] = scores[c]*m.scale + m.bias[c]
	}
}

// softmax turns the scores into probabilities.
func softmax(scores *[classes]float32, temperature float32) {
	top := scores[0]
	for _, s := range scores {
		top = max(top, s)
	}
	sum := float32(0)
	for c, s := range scores {
		e := float32(math.Exp(float64((s - top) / temperature)))
		scores[c] = e
		sum += e
	}
	for c := range scores {
		scores[c] /= sum
	}
}

func invSqrt(x float32) float32 { return float32(1 / math.Sqrt(float64(x))) }
