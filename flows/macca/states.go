package macca

import (
	"github.com/looplab/fsm"

	"tabe/flows"
)

// What the flow has asked, and waits for.
const (
	askKK         = "ask_kk"         // which family?
	askBirth      = "ask_birth"      // when was one of them born?
	mismatch      = "mismatch"       // that is no proof
	choose        = "choose"         // which of several families?
	showHousehold = "household"      // card and aid, and what next
	showDecile    = "desil"          // the decile, and who says so
	askDesa       = "ask_desa"       // rice of which desa?
	showRice      = "rice"           // when and where, or who knows
	askNotify     = "ask_notify"     // may we tell when there is rice?
	notified      = "notified"       // we shall
	askConsent    = "ask_consent"    // may we keep the number?
	kept          = "kept"           // the number was kept
	declined      = "declined"       // nothing was kept or agreed
	forgotten     = "forgotten"      // the numbers were erased
	chooseProblem = "choose_problem" // what is wrong?
	advice        = "advice"         // what to bring where
	limited       = "limited"        // too many tries
	unavailable   = "unavailable"    // the registry does not answer
)

// What a message means to the flow.
const (
	ask       = "ask"
	prove     = "prove"  // the number is there, the birth date is not
	refuse    = "refuse" // they do not belong together
	list      = "list"
	show      = "show"
	decile    = "decile"
	place     = "place" // the desa is not known
	rice      = "rice"
	offerNews = "offer_news"
	subscribe = "subscribe"
	offer     = "offer"
	keep      = "keep"
	decline   = "decline"
	forget    = "forget"
	complain  = "complain"
	advise    = "advise"
	limit     = "limit"
	fail      = "fail"
	noEvent   = "" // not understood, or handed on
)

// From anywhere one can ask for another thing.
var anywhere = []string{flows.Start, askKK, askBirth, mismatch, choose, showHousehold, showDecile, askDesa, showRice, askNotify, notified,
	askConsent, kept, declined, forgotten, chooseProblem, advice, limited, unavailable}

var table = fsm.Events{
	{Name: ask, Src: anywhere, Dst: askKK},
	{Name: prove, Src: anywhere, Dst: askBirth},
	{Name: refuse, Src: anywhere, Dst: mismatch},
	{Name: list, Src: anywhere, Dst: choose},
	{Name: show, Src: anywhere, Dst: showHousehold},
	{Name: decile, Src: anywhere, Dst: showDecile},
	{Name: place, Src: anywhere, Dst: askDesa},
	{Name: rice, Src: anywhere, Dst: showRice},
	{Name: offerNews, Src: anywhere, Dst: askNotify},
	{Name: subscribe, Src: []string{askNotify}, Dst: notified},
	{Name: offer, Src: anywhere, Dst: askConsent},
	{Name: keep, Src: []string{askConsent}, Dst: kept},
	{Name: decline, Src: []string{askConsent, askNotify}, Dst: declined},
	{Name: forget, Src: anywhere, Dst: forgotten},
	{Name: complain, Src: anywhere, Dst: chooseProblem},
	{Name: advise, Src: anywhere, Dst: advice},
	{Name: limit, Src: anywhere, Dst: limited},
	{Name: fail, Src: anywhere, Dst: unavailable},
}
