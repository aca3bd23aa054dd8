package perizinan

import (
	"github.com/looplab/fsm"

	"tabe/flows"
)

// What the flow has asked, and waits for.
const (
	askNumber    = "ask_number"   // which application?
	askFact      = "ask_fact"     // a short number came: what kind, or of which day?
	choose       = "choose"       // which of several?
	showStatus   = "status"       // how far it is, and what next
	delayed      = "delayed"      // with whom it lies; shall a complaint be filed?
	askConsent   = "ask_consent"  // may we keep the number?
	kept         = "kept"         // the number was kept
	declined     = "declined"     // it was not
	askNotify    = "ask_notify"   // may we write by ourselves?
	notified     = "notified"     // we will
	notNotified  = "not_notified" // we will not
	chooseKind   = "choose_kind"  // of permit
	requirements = "requirements" // of a kind, piece by piece
	showFee      = "fee"          // of a kind, on a day
	askFunction  = "ask_function" // of the building
	askArea      = "ask_area"
	askFloors    = "ask_floors"
	estimate     = "estimate"
	advice       = "advice" // what to do
	limited      = "limited"
	unavailable  = "unavailable" // the registry does not answer
)

// What a message means to the flow.
const (
	ask       = "ask"
	clarify   = "clarify"
	list      = "list"
	show      = "show"
	complain  = "complain" // of a delay
	offer     = "offer"    // to keep the number
	keep      = "keep"
	decline   = "decline"
	offerNews = "offer_news"
	subscribe = "subscribe"
	refuse    = "refuse" // news
	pickKind  = "pick_kind"
	require   = "require"
	cost      = "cost"
	askUse    = "ask_use"
	askSize   = "ask_size"
	askHeight = "ask_height"
	sum       = "sum"
	advise    = "advise"
	limit     = "limit"
	fail      = "fail"
	noEvent   = "" // not understood
)

// From anywhere one can ask for another thing; only what speaks of the permit
// at hand needs one.
var (
	anywhere = []string{flows.Start, askNumber, askFact, choose, showStatus, delayed, askConsent, kept, declined, askNotify, notified,
		notNotified, chooseKind, requirements, showFee, askFunction, askArea, askFloors, estimate, advice, limited, unavailable}
	atPermit = []string{showStatus, delayed, askConsent, kept, declined, askNotify, notified, notNotified}
)

var table = fsm.Events{
	{Name: ask, Src: anywhere, Dst: askNumber},
	{Name: clarify, Src: anywhere, Dst: askFact},
	{Name: list, Src: anywhere, Dst: choose},
	{Name: show, Src: anywhere, Dst: showStatus},
	{Name: complain, Src: anywhere, Dst: delayed},
	{Name: offer, Src: atPermit, Dst: askConsent},
	{Name: keep, Src: []string{askConsent}, Dst: kept},
	{Name: decline, Src: []string{askConsent}, Dst: declined},
	{Name: offerNews, Src: anywhere, Dst: askNotify},
	{Name: subscribe, Src: []string{askNotify}, Dst: notified},
	{Name: refuse, Src: []string{askNotify}, Dst: notNotified},
	{Name: pickKind, Src: anywhere, Dst: chooseKind},
	{Name: require, Src: anywhere, Dst: requirements},
	{Name: cost, Src: anywhere, Dst: showFee},
	{Name: askUse, Src: anywhere, Dst: askFunction},
	{Name: askSize, Src: anywhere, Dst: askArea},
	{Name: askHeight, Src: anywhere, Dst: askFloors},
	{Name: sum, Src: anywhere, Dst: estimate},
	{Name: advise, Src: anywhere, Dst: advice},
	{Name: limit, Src: anywhere, Dst: limited},
	{Name: fail, Src: anywhere, Dst: unavailable},
}
