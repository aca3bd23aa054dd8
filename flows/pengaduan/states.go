package pengaduan

import (
	"github.com/looplab/fsm"

	"tabe/flows"
)

// What the flow has asked, and waits for.
const (
	askWhat     = "ask_what"    // what is wrong?
	askWhere    = "ask_where"   // where?
	askOffice   = "ask_office"  // which office has to do with it?
	review      = "review"      // read back: is it right?
	askChange   = "ask_change"  // what is not right?
	askName     = "ask_name"    // what is the resident called?
	askReply    = "ask_reply"   // without a name: may we keep the number for the answer?
	filed       = "filed"       // it has a ticket
	referred    = "referred"    // not for SP4N-LAPOR!: where it goes instead
	showTicket  = "ticket"      // how far a ticket is
	choose      = "choose"      // which of the own tickets?
	askTicket   = "ask_ticket"  // which number?
	askRemark   = "ask_remark"  // what is to be added?
	remarked    = "remarked"    // it was
	limited     = "limited"     // too many numbers tried, or complaints sent
	unavailable = "unavailable" // the tickets cannot be read
)

// What a message means to the flow.
const (
	what    = "what"
	where   = "where"
	office  = "office"
	check   = "check"
	change  = "change"
	name    = "name"
	reply   = "reply"
	file    = "file"
	refer   = "refer"
	show    = "show"
	list    = "list"
	number  = "number"
	remark  = "remark"
	add     = "add"
	limit   = "limit"
	fail    = "fail"
	noEvent = "" // not understood
)

var (
	// From anywhere one can begin another complaint or ask for a ticket.
	anywhere = []string{flows.Start, askWhat, askWhere, askOffice, review, askChange, askName, askReply, filed, referred,
		showTicket, choose, askTicket, askRemark, remarked, limited, unavailable}
	// atTicket are the states in which a ticket is at hand.
	atTicket = []string{filed, showTicket, askRemark, remarked}
)

var table = fsm.Events{
	{Name: what, Src: anywhere, Dst: askWhat},
	{Name: where, Src: anywhere, Dst: askWhere},
	{Name: office, Src: anywhere, Dst: askOffice},
	{Name: check, Src: anywhere, Dst: review},
	{Name: refer, Src: anywhere, Dst: referred},
	{Name: change, Src: []string{review, askChange}, Dst: askChange},
	{Name: name, Src: []string{askChange, askName}, Dst: askName},
	{Name: reply, Src: []string{review, askReply}, Dst: askReply},
	{Name: file, Src: []string{review, askReply}, Dst: filed},
	{Name: show, Src: anywhere, Dst: showTicket},
	{Name: list, Src: anywhere, Dst: choose},
	{Name: number, Src: anywhere, Dst: askTicket},
	{Name: remark, Src: atTicket, Dst: askRemark},
	{Name: add, Src: atTicket, Dst: remarked},
	{Name: limit, Src: anywhere, Dst: limited},
	{Name: fail, Src: anywhere, Dst: unavailable},
}
