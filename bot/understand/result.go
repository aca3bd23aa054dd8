// Package understand turns one utterance of a resident into language, intent,
// confidence and slots. It is pure: no clock, no file, no network.
package understand

import "slices"

// Languages a resident can write and be answered in.
const (
	Indonesian = "id"
	Bugis      = "bug"
)

// Intent is what a resident wants, one of the constants below.
type Intent string

// The intents of the contract.
const (
	TaxBill            Intent = "tax_bill"
	TaxHowToPay        Intent = "tax_how_to_pay"
	TaxTransfer        Intent = "tax_transfer"
	PermitStatus       Intent = "permit_status"
	PermitRequirements Intent = "permit_requirements"
	PermitFee          Intent = "permit_fee"
	MaccaEligibility   Intent = "macca_eligibility"
	MaccaBenefits      Intent = "macca_benefits"
	MaccaComplaint     Intent = "macca_complaint"
	EmergencyFire      Intent = "emergency_fire"
	EmergencyMedical   Intent = "emergency_medical"
	EmergencyCrime     Intent = "emergency_crime"
	EmergencyDisaster  Intent = "emergency_disaster"
	EmergencyViolence  Intent = "emergency_violence"
	Complaint          Intent = "complaint"
	OfficeDirectory    Intent = "office_directory"
	HumanAgent         Intent = "human_agent"
	ChangeLanguage     Intent = "change_language"
	Greeting           Intent = "greeting"
	Thanks             Intent = "thanks"
	Cancel             Intent = "cancel"
	DeleteData         Intent = "delete_data"
	OutOfScope         Intent = "out_of_scope"
)

// Intents returns every intent, in the order of the contract.
func Intents() []Intent { return slices.Clone(intents[:]) }

// Guess is an intent with the probability that it is the right one.
type Guess struct {
	Intent     Intent
	Confidence float64 // 0 to 1, calibrated
}

// Result is what one utterance means, as far as it can be told without context.
type Result struct {
	Text string // as received

	// Language is Indonesian or Bugis, whichever is likelier; Lean says how
	// sure that is: log-odds in nats, positive for Bugis, near 0 for texts that
	// tell nothing (a number, a name, one shared word).
	Language string
	Lean     float64

	Guess         // the best intent
	Second  Guess // the runner-up, for "Maksudnya pajak atau izin?"
	Command bool  // the whole text is a command word: menu, 0, batal, basa ugi, hapus data saya, stop …

	Slots Slots
}

// Slot is one checked value found in the text. Name is one of the slot names
// of the contract (nop, tahun, nik, …) or nop_partial, nik_partial.
type Slot struct {
	Name  string
	Value string
}

// Slots are in the order in which they stand in the text; a name may repeat.
type Slots []Slot

// Get returns the first value of the slot called name.
func (s Slots) Get(name string) (string, bool) {
	for _, slot := range s {
		if slot.Name == name {
			return slot.Value, true
		}
	}
	return "", false
}

// All returns every value of the slot called name, in order.
func (s Slots) All(name string) []string {
	var values []string
	for _, slot := range s {
		if slot.Name == name {
			values = append(values, slot.Value)
		}
	}
	return values
}
