package perizinan

import (
	_ "embed"

	"tabe/flows"
)

// Kind is a kind of permit: what it requires, what it costs and which way it
// takes is the same for all permits of one kind.
type Kind string

// The kinds. They are also the topics of kinds.toml.
const (
	Building    Kind = "pbg" // IMB until 2021
	Worthiness  Kind = "slf"
	Business    Kind = "nib"
	Practice    Kind = "sip" // of health workers
	Billboard   Kind = "reklame"
	Research    Kind = "penelitian"
	Route       Kind = "trayek"
	Fishery     Kind = "perikanan"
	Food        Kind = "pirt"
	Environment Kind = "lingkungan"
	Party       Kind = "keramaian" // of the police
	Other       Kind = ""
)

// kinds are those that can be chosen from a list, the most wanted first.
var kinds = []Kind{Building, Business, Practice, Billboard, Research, Route, Fishery, Worthiness, Food, Environment, Party}

//go:embed kinds.toml
var kindCues []byte

var kindWords = flows.MustCues(kindCues)

// KindOf tells what kind of permit some words name, those of the register
// ("Surat Izin Praktik Bidan") as well as those of residents ("izin bola").
func KindOf(words string) Kind { return Kind(kindWords.Find(words)) }
