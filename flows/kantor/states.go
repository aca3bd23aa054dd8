package kantor

import (
	"github.com/looplab/fsm"

	"tabe/flows"
)

// What the flow has told or asked, and waits for.
const (
	chooseTopic  = "choose_topic"  // an office for what?
	chooseOffice = "choose_office" // which of these?
	chooseErrand = "choose_errand" // which paper?
	office       = "office"        // one office
	errand       = "errand"        // where to arrange something, and what to bring
	hours        = "hours"         // whether the offices are open, and when
)

// What a message means to the flow.
const (
	ask     = "ask"
	list    = "list"
	offer   = "offer"
	show    = "show"
	arrange = "arrange"
	look    = "look"
	noEvent = ""      // not understood
	leave   = "leave" // another flow goes on
)

var anywhere = []string{flows.Start, chooseTopic, chooseOffice, chooseErrand, office, errand, hours}

var table = fsm.Events{
	{Name: ask, Src: anywhere, Dst: chooseTopic},
	{Name: list, Src: anywhere, Dst: chooseOffice},
	{Name: offer, Src: anywhere, Dst: chooseErrand},
	{Name: show, Src: anywhere, Dst: office},
	{Name: arrange, Src: anywhere, Dst: errand},
	{Name: look, Src: anywhere, Dst: hours},
}
