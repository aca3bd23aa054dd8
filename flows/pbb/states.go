package pbb

import (
	"github.com/looplab/fsm"

	"tabe/flows"
)

// What the flow has asked, and waits for.
const (
	askNOP         = "ask_nop"         // which object?
	askLastDigit   = "ask_last_digit"  // 17 digits came
	choose         = "choose"          // which of several objects?
	showBill       = "bill"            // the bill, and what next
	details        = "details"         // the open years one by one
	comparison     = "comparison"      // this year beside last year
	payment        = "payment"         // how and where to pay
	askConsent     = "ask_consent"     // may we keep the number?
	kept           = "kept"            // the number was kept
	declined       = "declined"        // it was not
	askRemind      = "ask_remind"      // may we tell before the bill is due?
	reminding      = "reminding"       // we shall
	notReminding   = "not_reminding"   // we shall not
	reminder       = "reminder"        // told by ourselves: it is due soon
	chooseTransfer = "choose_transfer" // another name, or several parts?
	nameChange     = "name_change"     // balik nama
	split          = "split"           // pemecahan
	chooseProblem  = "choose_problem"  // what is wrong?
	advice         = "advice"          // what to bring where
	limited        = "limited"         // too many numbers tried
	unavailable    = "unavailable"     // the registry does not answer
)

// What a message means to the flow.
const (
	ask         = "ask"
	miss        = "miss" // a digit is missing
	list        = "list"
	show        = "show"
	detail      = "detail"
	compare     = "compare"
	pay         = "pay"
	offer       = "offer"
	keep        = "keep"
	decline     = "decline"
	offerRemind = "offer_remind"
	agreeRemind = "agree_remind"
	refuse      = "refuse_remind"
	remind      = "remind"
	transfer    = "transfer"
	changeName  = "change_name"
	splitObject = "split_object"
	complain    = "complain"
	advise      = "advise"
	limit       = "limit"
	fail        = "fail"
	noEvent     = "" // not understood
)

// From anywhere one can ask for another thing; only what speaks of the object
// at hand needs one.
var (
	anywhere = []string{flows.Start, askNOP, askLastDigit, choose, showBill, details, comparison, payment, askConsent,
		kept, declined, askRemind, reminding, notReminding, reminder, chooseTransfer, nameChange, split, chooseProblem, advice, limited, unavailable}
	atObject = []string{showBill, details, comparison, payment, askConsent, kept, declined, askRemind, reminding, notReminding,
		reminder, chooseProblem, advice, nameChange, split}
)

var table = fsm.Events{
	{Name: ask, Src: anywhere, Dst: askNOP},
	{Name: miss, Src: anywhere, Dst: askLastDigit},
	{Name: list, Src: anywhere, Dst: choose},
	{Name: show, Src: anywhere, Dst: showBill},
	{Name: compare, Src: anywhere, Dst: comparison},
	{Name: detail, Src: atObject, Dst: details},
	{Name: offer, Src: atObject, Dst: askConsent},
	{Name: keep, Src: []string{askConsent}, Dst: kept},
	{Name: decline, Src: []string{askConsent}, Dst: declined},
	{Name: offerRemind, Src: atObject, Dst: askRemind},
	{Name: agreeRemind, Src: []string{askRemind}, Dst: reminding},
	{Name: refuse, Src: []string{askRemind}, Dst: notReminding},
	{Name: remind, Src: anywhere, Dst: reminder},
	{Name: pay, Src: anywhere, Dst: payment},
	{Name: transfer, Src: anywhere, Dst: chooseTransfer},
	{Name: changeName, Src: anywhere, Dst: nameChange},
	{Name: splitObject, Src: anywhere, Dst: split},
	{Name: complain, Src: anywhere, Dst: chooseProblem},
	{Name: advise, Src: anywhere, Dst: advice},
	{Name: limit, Src: anywhere, Dst: limited},
	{Name: fail, Src: anywhere, Dst: unavailable},
}
