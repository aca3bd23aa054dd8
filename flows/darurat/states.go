package darurat

import (
	"github.com/looplab/fsm"

	"tabe/flows"
)

// The states. The incident exists in all of them: they are about what is still
// to be asked.
const (
	askPlace    = "ask_place"    // in his own words
	askDistrict = "ask_district" // from the list
	askVillage  = "ask_village"  // from the list of a kecamatan
	askWhich    = "ask_which"    // of names that are alike
	confirming  = "confirming"   // read back
	askDanger   = "ask_danger"
	askContact  = "ask_contact" // violence: may we call?
	reported    = "reported"    // nothing is missing; what comes is passed on
)

// The events: what is missing, or what came.
const (
	noPlace   = "no_place"
	vague     = "vague"
	district  = "district"
	alike     = "alike"
	named     = "named"
	placed    = "placed"
	quiet     = "quiet" // placed, and violence
	complete  = "complete"
	joined    = "joined"
	takenBack = "taken_back"
)

var (
	states = []string{askPlace, askDistrict, askVillage, askWhich, confirming, askDanger, askContact, reported}
	all    = append([]string{flows.Start}, states...)
)

var table = fsm.Events{
	{Name: noPlace, Src: all, Dst: askPlace},
	{Name: vague, Src: all, Dst: askDistrict},
	{Name: district, Src: all, Dst: askVillage},
	{Name: alike, Src: all, Dst: askWhich},
	{Name: named, Src: all, Dst: confirming},
	{Name: placed, Src: all, Dst: askDanger},
	{Name: quiet, Src: all, Dst: askContact},
	{Name: complete, Src: all, Dst: reported},
	{Name: joined, Src: all, Dst: reported},
	{Name: takenBack, Src: all, Dst: reported},
}
