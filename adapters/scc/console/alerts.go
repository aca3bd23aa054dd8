package console

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tabe/adapters/notices"
	"tabe/adapters/scc"
	"tabe/adapters/scc/alerts"
	"tabe/bot"
	"tabe/flows/darurat"
)

// Alerts are what other systems and the public are told; *alerts.Book.
type Alerts interface {
	Draft(ctx context.Context, by string, i scc.Incident, s alerts.Situation) (alerts.Entry, error)
	Warn(ctx context.Context, by string, w alerts.Warning) (alerts.Entry, error)
	Approve(ctx context.Context, by string, id int64) (alerts.Entry, error)
	Refuse(ctx context.Context, by string, id int64) (alerts.Entry, error)
	Waiting(ctx context.Context) ([]alerts.Entry, error)
	Published(ctx context.Context, since time.Time, agencies bool) ([]alerts.Entry, error)
	Find(ctx context.Context, identifier string, agencies bool) (alerts.Entry, error)
}

// Broadcasts write to residents who wanted it; *notices.Broadcasts.
type Broadcasts interface {
	Plan(ctx context.Context, b notices.Broadcast) (notices.Broadcast, error)
	Confirm(ctx context.Context, code string) (notices.Broadcast, error)
}

// alertPage is the page of alerts and warnings.
type alertPage struct {
	Waiting, Published []alerts.Entry
	Districts          []darurat.Unit
	Operator           string
	Broadcasts         bool
	Plan               *notices.Broadcast // a dry run to look at; nil: none
}

// told is how far back the page shows what was published.
const told = 7 * 24 * time.Hour

func (s *Console) alertsPage(w http.ResponseWriter, r *request) error { return s.showAlerts(w, r, nil) }

func (s *Console) showAlerts(w http.ResponseWriter, r *request, plan *notices.Broadcast) error {
	page := alertPage{Districts: s.Map.Districts(), Operator: r.actor(), Broadcasts: s.Broadcasts != nil, Plan: plan}
	var err error
	if page.Waiting, err = s.Alerts.Waiting(r.Context()); err != nil {
		return err
	}
	if page.Published, err = s.Alerts.Published(r.Context(), s.Clock().Add(-told), true); err != nil {
		return err
	}
	return s.show(w, r, "alerts", page)
}

// warn drafts a warning.
func (s *Console) warn(w http.ResponseWriter, r *request) error {
	form := r.PostForm
	hours, err := strconv.Atoi(form.Get("hours"))
	if err != nil {
		return refusal{status: http.StatusBadRequest, key: "bad_form"}
	}
	warning := alerts.Warning{
		Category: form.Get("category"), Event: bot.CleanText(form.Get("event")), Severity: form.Get("severity"),
		Headline: bot.CleanText(form.Get("headline")), Description: bot.CleanText(form.Get("description")), Instruction: bot.CleanText(form.Get("instruction")),
		Expires: s.Clock().Add(time.Duration(hours) * time.Hour),
	}
	if code := form.Get("district"); code != "" {
		unit, known := s.Map.Unit(code)
		if !known || !unit.IsDistrict() {
			return refusal{status: http.StatusBadRequest, key: "bad_form"}
		}
		warning.District, warning.DistrictName = unit.Code, unit.Name
		if at, ok := s.Map.Point(code); ok {
			warning.Center = &at
		}
	}
	if _, err := s.Alerts.Warn(r.Context(), r.actor(), warning); err != nil {
		return alertProblem(err)
	}
	http.Redirect(w, r.Request, "/scc/peringatan", http.StatusSeeOther)
	return nil
}

// publish drafts the alert of an incident: for agencies at once, for the public
// once a second person has approved.
func (s *Console) publish(w http.ResponseWriter, r *request) error {
	i, err := s.readable(r)
	if err != nil {
		return err
	}
	situation := alerts.Situation{Instruction: bot.CleanText(r.PostForm.Get("instruction"))}
	if r.PostForm.Get("public") != "" {
		situation.Scope = alerts.Public
	}
	district, _ := s.Map.Unit(i.District)
	village, _ := s.Map.Unit(i.Village)
	situation.District, situation.Village = district.Name, village.Name
	for _, unit := range []string{i.Village, i.District} { // never the position: that is somebody's house
		if at, ok := s.Map.Point(unit); ok && situation.Center == nil {
			situation.Center = &at
		}
	}
	d, err := s.Incidents.Get(r.Context(), i.ID)
	if err != nil {
		return incidentProblem(err)
	}
	for _, sent := range d.Dispatches {
		situation.OnScene = situation.OnScene || !sent.OnScene.IsZero()
	}
	if _, err := s.Alerts.Draft(r.Context(), r.actor(), i, situation); err != nil {
		return alertProblem(err)
	}
	http.Redirect(w, r.Request, "/scc/peringatan", http.StatusSeeOther)
	return nil
}

// alertAct decides about an alert, or plans to tell residents of it.
func (s *Console) alertAct(w http.ResponseWriter, r *request) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return refusal{status: http.StatusNotFound, key: "not_found"}
	}
	switch act := r.PathValue("act"); {
	case act == "setujui":
		_, err = s.Alerts.Approve(r.Context(), r.actor(), id)
	case act == "tolak":
		_, err = s.Alerts.Refuse(r.Context(), r.actor(), id)
	case act == "rencana" && s.Broadcasts != nil:
		return s.planBroadcast(w, r)
	case act == "kirim" && s.Broadcasts != nil:
		if _, err = s.Broadcasts.Confirm(r.Context(), r.PostForm.Get("code")); err == nil {
			err = s.record(r, "warning.broadcast", "", strconv.FormatInt(id, 10))
		}
	default:
		return refusal{status: http.StatusNotFound, key: "no_page"}
	}
	if err != nil {
		return alertProblem(err)
	}
	http.Redirect(w, r.Request, "/scc/peringatan", http.StatusSeeOther)
	return nil
}

// planBroadcast shows how many people a published warning would reach, and
// what that would cost.
func (s *Console) planBroadcast(w http.ResponseWriter, r *request) error {
	e, err := s.Alerts.Find(r.Context(), r.PostForm.Get("identifier"), true)
	if err != nil {
		return alertProblem(err)
	}
	info := e.Alert.Info[0]
	district, _ := s.Map.Unit(e.District)
	text := strings.Join(strings.Fields(info.Headline+". "+info.Description+" "+info.Instruction), " ")
	plan, err := s.Broadcasts.Plan(r.Context(), notices.Broadcast{Office: info.SenderName, Kecamatan: district.Name, Text: text, Warning: true})
	if err != nil {
		return alertProblem(err)
	}
	return s.showAlerts(w, r, &plan)
}

func alertProblem(err error) error {
	switch {
	case errors.Is(err, alerts.ErrSamePerson):
		return refusal{status: http.StatusForbidden, key: "same_person"}
	case errors.Is(err, alerts.ErrDecided), errors.Is(err, notices.ErrChanged), errors.Is(err, notices.ErrNoBroadcast):
		return refusal{status: http.StatusConflict, key: "changed"}
	case errors.Is(err, alerts.ErrUnknown):
		return refusal{status: http.StatusNotFound, key: "not_found"}
	case errors.Is(err, alerts.ErrForbidden):
		return refusal{status: http.StatusForbidden, key: "not_publishable"}
	case errors.Is(err, alerts.ErrInvalid), errors.Is(err, notices.ErrText), errors.Is(err, notices.ErrKecamatan):
		return refusal{http.StatusBadRequest, "bad_alert", ""}
	}
	return err
}
