package console

import (
	"bytes"
	"cmp"
	"html/template"
	"net/http"
	"slices"
	"time"

	"tabe/adapters/scc"
	"tabe/adapters/scc/operators"
	"tabe/adapters/scc/report"
	"tabe/bot"
	"tabe/bot/ident"
	"tabe/flows/darurat"
)

// moment is one line of the history of an incident.
type moment struct {
	At    time.Time
	Kind  string // of an event, or "said", "told"
	Actor string
	Words string // what was said
	Media string // kind of what was sent instead
	Post  string // who was told
	By    bot.ChannelID
	State bot.Status
}

// incidentReport is an incident on paper.
type incidentReport struct {
	scc.Detail
	Place    string
	Phones   []string // of the reporters, masked
	History  []moment
	Acked    time.Duration // after the first message; negative: never
	Arrived  time.Duration
	Standard time.Duration
	Made     time.Time
	By       string
}

// never is the duration of what did not happen.
const never = -1

// incidentReport shows the whole of an incident in the order in which it
// happened, to print or to keep as one file.
func (s *Console) incidentReport(w http.ResponseWriter, r *request) error {
	i, err := s.readable(r)
	if err != nil {
		return err
	}
	v, err := s.incidentView(r, i) // also writes down that he read it
	if err != nil {
		return incidentProblem(err)
	}
	page := incidentReport{
		Detail: v.Detail, Place: v.Place, Standard: report.Standard, Made: s.Clock(), By: r.session.Operator.FullName,
		Acked: after(v.Opened, v.Incident.Acked), Arrived: never,
	}
	for _, p := range v.Reporters {
		if phone, err := ident.ParsePhone(p.Peer); err == nil {
			page.Phones = append(page.Phones, phone.Masked())
		}
	}
	for _, d := range v.Dispatches {
		if t := after(v.Opened, d.OnScene); t != never && (page.Arrived == never || t < page.Arrived) {
			page.Arrived = t
		}
	}
	if page.History, err = s.history(r, v.Detail); err != nil {
		return err
	}
	if r.URL.Query().Get("berkas") == "" {
		return s.show(w, r, "report", page)
	}
	return s.file(w, "insiden-"+i.Code+".html", "report", page)
}

func after(from, to time.Time) time.Duration {
	if to.IsZero() || to.Before(from) {
		return never
	}
	return to.Sub(from)
}

// unlisted are the events that a history leaves out: what was said stands in it
// by its words, and who has looked is for the audit.
var unlisted = []string{"incident.chat", "incident.reported", "resident.seen"}

// history puts what happened, what was said and who was told into one order.
func (s *Console) history(r *request, d scc.Detail) ([]moment, error) {
	const most = 1000
	events, err := s.Stream.Of(r.Context(), d.Code, most)
	if err != nil {
		return nil, err
	}
	var all []moment
	for _, e := range events {
		if !slices.Contains(unlisted, e.Kind) {
			all = append(all, moment{At: e.At, Kind: e.Kind, Actor: e.Actor})
		}
	}
	for _, m := range d.Messages {
		all = append(all, moment{At: m.At, Kind: "said", Actor: cmp.Or(m.Name, m.Author), Words: m.Words, Media: m.Media})
	}
	for _, p := range d.Pages {
		all = append(all, moment{At: p.Posted, Kind: "told", Post: p.Contact, By: p.Channel, State: p.Status})
	}
	slices.SortStableFunc(all, func(a, b moment) int { return a.At.Compare(b.At) })
	return all, nil
}

// file answers with a page that needs nothing else, to keep.
func (s *Console) file(w http.ResponseWriter, name, page string, body any) error {
	var b bytes.Buffer
	if err := s.pages.byName[page].ExecuteTemplate(&b, "file", struct {
		Body  any
		Style template.CSS
	}{body, template.CSS(s.pages.static["console.css"].body)}); err != nil { //nolint:gosec // our own file
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="`+name+`"`)
	_, _ = b.WriteTo(w) // the browser has left if it fails
	return nil
}

// monthPage is a month of the command center.
type monthPage struct {
	report.Month
	Before, After string // the months around it, 2026-10; After is empty in this month
	Here          string
	Kinds         template.HTML
	Districts     template.HTML
	Hours         template.HTML
	Ack           report.Spread
	Arrive        report.Spread
	Fire          report.Spread
	Violent       bool // this operator may know their number
}

const monthLayout = "2006-01"

// asked returns the month that a request asks for, this one if none.
func (s *Console) asked(r *request) (time.Time, error) {
	text := r.URL.Query().Get("m")
	if text == "" {
		return s.Clock(), nil
	}
	t, err := time.ParseInLocation(monthLayout, text, bot.WITA)
	if err != nil {
		return t, refusal{status: http.StatusBadRequest, key: "bad_form"}
	}
	return t, nil
}

func (s *Console) month(w http.ResponseWriter, r *request) error {
	t, err := s.asked(r)
	if err != nil {
		return err
	}
	m, err := report.Of(r.Context(), s.Reports, s.Map, t)
	if err != nil {
		return err
	}
	page := monthPage{
		Month: m, Here: m.From.Format(monthLayout), Before: m.From.AddDate(0, -1, 0).Format(monthLayout),
		Ack: m.ToAcknowledge(), Arrive: m.ToArrive(""), Fire: m.ToArrive(darurat.Fire),
		Violent: r.session.Operator.Is(operators.P2TP2A, operators.Supervisor),
	}
	if m.To.Before(s.Clock()) {
		page.After = m.To.Format(monthLayout)
	}
	words := s.pages.words
	page.Kinds = report.Bars(words("month_kinds"), m.ByKind(), func(k string) string { return words("service_" + k) })
	page.Districts = report.Bars(words("month_districts"), m.ByDistrict(s.Map.Districts()), func(d string) string { return cmp.Or(d, words("unknown")) })
	page.Hours = report.Columns(words("month_hours"), m.ByHour(), func(h string) string { return h })
	return s.show(w, r, "month", page)
}

// monthCSV is the month for other programs.
func (s *Console) monthCSV(w http.ResponseWriter, r *request) error {
	t, err := s.asked(r)
	if err != nil {
		return err
	}
	m, err := report.Of(r.Context(), s.Reports, s.Map, t)
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := m.CSV(&b); err != nil {
		return err
	}
	if err := s.record(r, "month.exported", "", m.From.Format(monthLayout)); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	w.Header().Set("Content-Disposition", `attachment; filename="scc-`+m.From.Format(monthLayout)+`.csv"`)
	_, _ = b.WriteTo(w) // the browser has left if it fails
	return nil
}
