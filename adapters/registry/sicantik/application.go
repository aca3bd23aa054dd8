package sicantik

import (
	"slices"
	"strings"

	"tabe/adapters/registry/remote"
	"tabe/flows/perizinan"
)

// step is one element of the tracker's list. The list also gives the name, the
// birthday and the birthplace of the applicant to whoever asks: they are not
// read, so nothing of ours can pass them on.
type step struct {
	Number remote.Text `json:"no_permohonan"`
	Type   remote.Text `json:"jenis_izin"`
	Name   remote.Text `json:"nama_proses"`
	Status remote.Text `json:"status"`
}

func (s step) done() bool   { return strings.EqualFold(string(s.Status), "selesai") }
func (s step) active() bool { return strings.EqualFold(string(s.Status), "proses") }

// application is what the steps say together.
type application struct {
	Number perizinan.Number
	Type   string
	Status string // in words that perizinan.StepOf knows, where there are such
}

// ready is what an application is while its last step, the handing over, is
// under way.
const ready = "Siap diambil"

// summarize finds where an application stands. The order of the list differs
// from one regency to the next, so it is not relied on.
func summarize(steps []step) application {
	var a application
	for _, s := range steps {
		if a.Number == "" {
			a.Number, _ = perizinan.ParseNumber(string(s.Number))
		}
		if a.Type == "" {
			a.Type = string(s.Type)
		}
	}
	// A refusal or a return stands in the status of its step.
	for _, s := range steps {
		switch perizinan.StepOf(string(s.Status)) {
		case perizinan.Refused, perizinan.Cancelled, perizinan.Returned:
			a.Status = string(s.Status)
			return a
		}
	}
	if i := slices.IndexFunc(steps, step.active); i >= 0 {
		a.Status = underWay(steps[i])
		return a
	}
	if len(steps) > 0 && !slices.ContainsFunc(steps, func(s step) bool { return !s.done() }) {
		a.Status = "Selesai"
		if i := slices.IndexFunc(steps, handsOver); i >= 0 {
			a.Status = string(steps[i].Name)
		}
		return a
	}
	// Between two steps: the nearest that is not done. The end of the list at
	// which things are done is its beginning.
	if len(steps) > 0 && !steps[0].done() && steps[len(steps)-1].done() {
		steps = slices.Clone(steps)
		slices.Reverse(steps)
	}
	if i := slices.IndexFunc(steps, func(s step) bool { return !s.done() }); i >= 0 {
		a.Status = underWay(steps[i])
	}
	return a
}

// underWay is the status of an application in one of its steps.
func underWay(s step) string {
	switch {
	case handsOver(s):
		return ready
	case s.Name == "":
		return string(s.Status)
	}
	return string(s.Name)
}

func handsOver(s step) bool {
	switch perizinan.StepOf(string(s.Name)) {
	case perizinan.Collected, perizinan.Ready:
		return true
	}
	return false
}
