package menu

import (
	"slices"

	"tabe/bot/understand"
	"tabe/flows/kabar"
)

// service is an entry of the list. One that can do several things asks which.
type service struct {
	name    string   // end of the key of its label
	flows   []string // that it leads to
	intents []understand.Intent
}

// serviceValue is the beginning of the values of the services.
const serviceValue = "service:"

// emergency is always the first of the list, and more always the last.
var (
	emergency = service{"emergency", nil, []understand.Intent{
		understand.EmergencyFire, understand.EmergencyMedical, understand.EmergencyCrime, understand.EmergencyDisaster, understand.EmergencyViolence,
	}}
	more = service{"more", nil, []understand.Intent{understand.ChangeLanguage, kabar.Topic, understand.DeleteData}}
)

// services are those between, in the order in which most people need them.
var services = []service{
	{"tax", []string{"pbb"}, []understand.Intent{understand.TaxBill, understand.TaxHowToPay, understand.TaxTransfer}},
	{"permit", []string{"perizinan"}, []understand.Intent{understand.PermitStatus, understand.PermitRequirements, understand.PermitFee}},
	{"aid", []string{"macca"}, []understand.Intent{understand.MaccaEligibility, understand.MaccaBenefits, understand.MaccaComplaint}},
	{"complaint", []string{"pengaduan"}, []understand.Intent{understand.Complaint}},
	{"office", []string{"kantor", "petugas"}, []understand.Intent{understand.OfficeDirectory, understand.HumanAgent}},
}

// ordered returns the list for a resident who has used some flows.
//
// Who reads little learns the digit by heart, or has it on a note beside the
// telephone: so a digit must not move with every use, as it would if the service
// used last came first. What a resident uses comes before what he never used,
// and in either part the order is always the same; a digit moves only when
// something is used for the first time. In an emergency nobody searches: it is 1
// for everybody, and can be printed so.
func ordered(used []string) []service {
	list := []service{emergency}
	for _, mine := range []bool{true, false} {
		for _, s := range services {
			if slices.ContainsFunc(s.flows, func(f string) bool { return slices.Contains(used, f) }) == mine {
				list = append(list, s)
			}
		}
	}
	return append(list, more)
}

// named returns the service of an option. The name of one that is gone, in an
// old conversation, leads to what is left.
func named(name string) service {
	for _, s := range append([]service{emergency}, services...) {
		if s.name == name {
			return s
		}
	}
	return more
}
