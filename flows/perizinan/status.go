package perizinan

import (
	_ "embed"

	"tabe/flows"
)

// Step is how far an application has come. The office's words for it are in
// statuses.toml.
type Step string

// The steps in their order; Returned leads back to Papers. The last ones end it.
const (
	Registered Step = "registered" // at the counter
	Papers     Step = "papers"     // being checked
	Returned   Step = "returned"   // something is missing
	Inspection Step = "inspection" // by the technical team
	Assessing  Step = "assessing"  // the retribution
	Payment    Step = "payment"    // the applicant has to pay
	Paid       Step = "paid"       // being verified
	Signing    Step = "signing"
	Issued     Step = "issued"
	Ready      Step = "ready" // to collect
	Collected  Step = "collected"
	Refused    Step = "refused"
	Cancelled  Step = "cancelled"
	Unknown    Step = "unknown" // words that nobody foresaw
)

//go:embed statuses.toml
var statusCues []byte

var statusWords = flows.MustCues(statusCues)

// StepOf tells what the register's words for a status mean.
func StepOf(status string) Step {
	if step := statusWords.Find(status); step != "" {
		return Step(step)
	}
	return Unknown
}

// over tells whether nothing more will happen. Who applied for a NIB takes it
// from the Internet when it is issued.
func (p Permit) over() bool {
	switch step := StepOf(p.Status); step {
	case Collected, Refused, Cancelled:
		return true
	case Issued:
		return p.Number.isNIB()
	}
	return false
}

// waits tells whether it is the applicant's turn.
func (s Step) waits() bool { return s == Returned || s == Payment || s == Ready }

// The ways that applications take, with and without a retribution.
var (
	paidWay = []Step{Registered, Papers, Inspection, Assessing, Payment, Paid, Signing, Issued, Ready}
	freeWay = []Step{Registered, Papers, Inspection, Signing, Issued, Ready}
)

// position tells at which step of how many a permit stands; 0 if it is on no way.
func (p Permit) position() (n, of int) {
	step := StepOf(p.Status)
	if step == Returned {
		step = Papers
	}
	way := freeWay
	if p.Fee > 0 || KindOf(p.Type) == Building || step == Assessing || step == Payment || step == Paid {
		way = paidWay
	}
	for i, s := range way {
		if s == step {
			return i + 1, len(way)
		}
	}
	return 0, len(way)
}

// Mark is what there is to tell about a permit, for comparing with what was
// told before; see bot.Subscribe.
func (p Permit) Mark() string {
	if step := StepOf(p.Status); step != Unknown {
		return string(step)
	}
	return "?" + p.Status
}
