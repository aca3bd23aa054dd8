package petugas

import (
	"github.com/looplab/fsm"

	"tabe/flows"
)

// Where a resident stands.
const (
	waiting   = "waiting"   // in the queue; everything else can be used meanwhile
	promised  = "promised"  // somebody will call or write
	askPhone  = "ask_phone" // which number shall be called?
	talking   = "talking"   // with an operator: all that is said goes to him
	ended     = "ended"     // the operator or the resident has ended it
	withdrawn = "withdrawn" // the resident needs nobody any more
)

// What happens.
const (
	queue    = "queue"
	promise  = "promise"
	number   = "number" // a number is needed
	take     = "take"   // an operator takes the conversation, or the resident comes back to him
	say      = "say"
	end      = "end"
	withdraw = "withdraw"
	listen   = "" // somebody else has the message
)

var anywhere = []string{flows.Start, waiting, promised, askPhone, talking, ended, withdrawn}

var table = fsm.Events{
	{Name: queue, Src: anywhere, Dst: waiting},
	{Name: promise, Src: anywhere, Dst: promised},
	{Name: number, Src: anywhere, Dst: askPhone},
	{Name: take, Src: anywhere, Dst: talking},
	{Name: say, Src: anywhere, Dst: talking},
	{Name: end, Src: anywhere, Dst: ended},
	{Name: withdraw, Src: anywhere, Dst: withdrawn},
}
