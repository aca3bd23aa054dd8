package console

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"tabe/adapters/database"
	"tabe/adapters/privacy"
	"tabe/adapters/scc"
	"tabe/adapters/scc/audit"
	"tabe/adapters/scc/chart"
	"tabe/adapters/scc/operators"
	"tabe/bot"
	"tabe/flows/darurat"
	"tabe/flows/siaga"
)

// Incidents are what the command center is there for; *scc.Center has them.
type Incidents interface {
	List(ctx context.Context) ([]scc.Incident, error)
	ByCode(ctx context.Context, code string) (scc.Incident, error)
	Get(ctx context.Context, id int64) (scc.Detail, error)
	Similar(ctx context.Context, id int64) ([]scc.Incident, error)
	Acknowledge(ctx context.Context, a scc.Act) error
	Dispatch(ctx context.Context, a scc.Act, contact int64) error
	SetStatus(ctx context.Context, a scc.Act, contact int64, w siaga.Word) error
	Locate(ctx context.Context, a scc.Act, w darurat.Where) error
	Close(ctx context.Context, a scc.Act, outcome scc.Outcome, sentence string) error
	Merge(ctx context.Context, a scc.Act, into int64) error
	Unmerge(ctx context.Context, a scc.Act) error
	Chat(ctx context.Context, a scc.Act, words string) error
	Create(ctx context.Context, operator string, m scc.Manual) (id int64, err error)
	Contacts(ctx context.Context) ([]scc.Contact, error)
	VerifyContact(ctx context.Context, id int64, good bool, actor string) error
}

// Map names the places of the regency; *geo.Map does.
type Map interface {
	Unit(code string) (darurat.Unit, bool)
	Point(code string) (bot.Location, bool)
	Districts() []darurat.Unit
	Villages(district string) []darurat.Unit
}

// standard is the time in which help has to be at the place, in minutes.
const standard = 15

// described is of how many new incidents the list shows the first words: as
// many as fit the screen.
const described = 12

// mayRead tells whether an operator may know what an incident is about. Cases
// of violence are for the one role that is there for them, and the others are
// for the operators.
func mayRead(o operators.Operator, kind darurat.Kind) bool {
	if kind == darurat.Violence {
		return o.Is(operators.P2TP2A)
	}
	return o.Is(handlers...)
}

// incidentRow is an incident in the list.
type incidentRow struct {
	scc.Incident
	Place   string // kecamatan and desa; of what he may not read only the kecamatan
	May     bool   // the operator may read it and act on it
	Words   string // the first of the reporter
	Channel bot.ChannelID
	Similar int
}

// incidentList is the single screen of the command center.
type incidentList struct {
	New, Going, Closed []incidentRow
	Detail             *incidentView // nil: none is open
	Chart              any
	Log                []audit.Event
	Here               string // code of the one that is open
}

// logged is how many of the newest events the screen shows.
const logged = 8

func (s *Console) incidents(w http.ResponseWriter, r *request) error {
	page, err := s.incidentList(r, nil)
	if err != nil {
		return err
	}
	return s.show(w, r, "incidents", page)
}

// incidentList makes the screen, with one incident open beside the list.
func (s *Console) incidentList(r *request, open *incidentView) (incidentList, error) {
	page := incidentList{Detail: open}
	lit := ""
	if open != nil {
		page.Here = open.Code
		if open.May {
			lit = cmp.Or(open.Village, open.District)
		}
	}
	all, err := s.Incidents.List(r.Context())
	if err != nil {
		return page, err
	}
	var pins []chart.Pin
	for _, i := range all {
		row, err := s.row(r, i, len(page.New) < described)
		if err != nil {
			return page, err
		}
		switch i.Status {
		case scc.Unanswered:
			page.New = append(page.New, row)
		case scc.Closed:
			page.Closed = append(page.Closed, row)
		default:
			page.Going = append(page.Going, row)
		}
		if at, ok := s.point(i); ok && row.May && i.Status != scc.Closed {
			pins = append(pins, chart.Pin{Place: at, Class: string(i.Kind) + " " + string(i.Status), Text: i.Code, Title: i.Code + " " + row.Place, Round: i.Position != nil})
		}
	}
	if s.Chart != nil {
		page.Chart = s.Chart.SVG("Peta Kabupaten Soppeng", lit, pins)
	}
	page.Log, err = s.happened(r)
	return page, err
}

// happened returns the newest events about incidents, for who may read the audit.
func (s *Console) happened(r *request) ([]audit.Event, error) {
	if !r.session.Operator.Is(inspectors...) {
		return nil, nil
	}
	const searched = 50
	events, err := s.Stream.Latest(r.Context(), searched)
	events = slices.DeleteFunc(events, func(e audit.Event) bool { return !strings.HasPrefix(e.Kind, "incident.") })
	return events[:min(len(events), logged)], err
}

func (s *Console) row(r *request, i scc.Incident, describe bool) (incidentRow, error) {
	row := incidentRow{Incident: i, Place: s.place(i, true), May: mayRead(r.session.Operator, i.Kind)}
	if !row.May {
		row.Place = s.place(i, false)
		row.Landmark = ""
		return row, nil
	}
	if i.Status != scc.Unanswered || !describe {
		return row, nil
	}
	d, err := s.Incidents.Get(r.Context(), i.ID)
	if err != nil {
		return row, err
	}
	for _, m := range d.Messages {
		if m.Words != "" {
			row.Words = m.Words
			break
		}
	}
	if len(d.Reporters) > 0 {
		row.Channel = d.Reporters[0].Channel
	}
	similar, err := s.Incidents.Similar(r.Context(), i.ID)
	row.Similar = len(similar)
	return row, err
}

// place is where an incident is, in words: the kecamatan, and the desa.
func (s *Console) place(i scc.Incident, exact bool) string {
	d, known := s.Map.Unit(i.District)
	v, finer := s.Map.Unit(i.Village)
	switch {
	case exact && finer:
		return v.DistrictName + "/" + v.Name
	case known && exact:
		return d.Name + "/?"
	case known:
		return d.Name
	}
	return "?"
}

// point is where an incident is drawn.
func (s *Console) point(i scc.Incident) (bot.Location, bool) {
	if i.Position != nil {
		return *i.Position, true
	}
	return s.Map.Point(cmp.Or(i.Village, i.District))
}

// incidentView is an incident whole.
type incidentView struct {
	scc.Detail
	Place     string
	May       bool
	Mine      bool // this operator has it
	Thread    []heard
	Post      *choice // the post to send now; nil: there is none
	Others    []choice
	Similar   []scc.Incident
	Outcomes  []scc.Outcome
	Districts []district
	Words     []siaga.Word
	Standard  int
	Writable  bool // somebody can be written to
	Language  string
	Quick     []string // replies in the reporter's language, to choose by a digit
	Root      string   // code of the incident that this one was merged into
}

// heard is a message about an incident, with what came with it.
type heard struct {
	scc.Message
	Medium *medium
}

func (s *Console) heard(r *request, d scc.Detail) (thread []heard) {
	for _, m := range d.Messages {
		thread = append(thread, heard{m, s.medium(r, "/scc/insiden/"+d.Code, strconv.FormatInt(m.ID, 10), medium{Kind: m.Media, At: m.At, Channel: m.Channel, ref: m.MediaRef})})
	}
	return thread
}

// incidentMedium shows one of the media of an incident, for who may read it.
func (s *Console) incidentMedium(w http.ResponseWriter, r *request) error {
	i, err := s.readable(r)
	if err != nil {
		return err
	}
	d, err := s.Incidents.Get(r.Context(), i.ID)
	if err != nil {
		return incidentProblem(err)
	}
	for _, h := range s.heard(r, d) {
		if h.Medium.is(r) {
			if err := s.sawIncident(r, d, "incident "+d.Code+" "+h.Medium.ID); err != nil {
				return err
			}
			return s.serveMedium(w, r, h.Medium)
		}
	}
	return refusal{status: http.StatusNotFound, key: "no_page"}
}

// choice is a post that can be sent.
type choice struct {
	scc.Route
	Code    string
	Version int64
	First   bool
}

// choices are the posts that were not sent yet, or have refused: the best, and the others.
func choices(d scc.Detail) (next *choice, others []choice) {
	for _, r := range d.Routes {
		c := choice{Route: r, Code: d.Code, Version: d.Version}
		switch {
		case slices.ContainsFunc(d.Dispatches, func(sent scc.Dispatch) bool { return sent.Contact == r.Contact.ID && sent.Refused.IsZero() }):
		case next == nil:
			c.First = true
			next = &c
		default:
			others = append(others, c)
		}
	}
	return next, others
}

// district is a kecamatan with its desa, for a choice.
type district struct {
	darurat.Unit
	Villages []darurat.Unit
}

func (s *Console) incident(w http.ResponseWriter, r *request) error {
	i, err := s.named(r)
	if err != nil {
		return err
	}
	v := &incidentView{Place: s.place(i, false), May: mayRead(r.session.Operator, i.Kind)}
	if v.May {
		if v, err = s.incidentView(r, i); err != nil {
			return incidentProblem(err)
		}
	} else {
		v.Incident = i
		v.Landmark, v.Position, v.Reporter, v.Village = "", nil, "", ""
	}
	page, err := s.incidentList(r, v)
	if err != nil {
		return err
	}
	return s.show(w, r, "incidents", page)
}

// incidentView reads an incident for who may read it, and writes down that he did.
func (s *Console) incidentView(r *request, i scc.Incident) (*incidentView, error) {
	d, err := s.Incidents.Get(r.Context(), i.ID)
	if err != nil {
		return nil, err
	}
	if err := s.sawIncident(r, d, "incident "+d.Code); err != nil {
		return nil, err
	}
	v := &incidentView{
		Detail: d, Place: s.place(i, true), May: true, Mine: d.AckedBy == r.actor(), Outcomes: scc.Outcomes(), Standard: standard,
		Words: answers, Thread: s.heard(r, d),
	}
	v.Post, v.Others = choices(d)
	for _, u := range s.Map.Districts() {
		v.Districts = append(v.Districts, district{u, s.Map.Villages(u.Code)})
	}
	v.Writable = slices.ContainsFunc(d.Reporters, func(p scc.Reporter) bool {
		return p.Peer != "" && (p.Contact == darurat.Yes || p.Contact == "" && d.Kind != darurat.Violence)
	})
	if len(d.Reporters) > 0 {
		v.Language = d.Reporters[0].Language
	}
	if v.Quick, err = s.quickReplies(v); err != nil {
		return nil, err
	}
	if d.Incident.Merged != 0 {
		root, err := s.Incidents.Get(r.Context(), d.Incident.Merged)
		if err != nil {
			return nil, err
		}
		v.Root = root.Code
	}
	if d.Status == scc.Closed || d.Incident.Merged != 0 {
		return v, nil
	}
	v.Similar, err = s.Incidents.Similar(r.Context(), i.ID)
	return v, err
}

// quickReplies are what operators ask and tell most, in the words that the
// services have for it.
func (s *Console) quickReplies(v *incidentView) ([]string, error) {
	if !v.Writable || s.Words == nil {
		return nil, nil
	}
	place := "darurat.ask_place"
	if v.Kind == darurat.Violence {
		place = "darurat.ask_place_quiet"
	}
	asked := []struct {
		key  string
		data map[string]any
	}{{place, nil}, {"darurat.ask_danger", nil}}
	if v.Kind == darurat.Violence {
		asked = asked[:1]
	}
	for _, d := range v.Dispatches {
		if d.Refused.IsZero() && d.Done.IsZero() && v.Kind != darurat.Violence {
			asked = append(asked, struct {
				key  string
				data map[string]any
			}{"darurat.going", map[string]any{"post": d.Name, "code": v.Code}})
		}
	}
	const digits = 9
	var all []string
	for _, a := range asked[:min(len(asked), digits)] {
		text, err := s.Words.Text(cmp.Or(v.Language, "id"), a.key, "", a.data)
		if err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, nil
}

// sawIncident writes down who read what of an incident: every opening of a case of
// violence, otherwise one look in a while. The reporter can ask who has seen his
// data, but not of violence: whoever holds his telephone would learn of it.
func (s *Console) sawIncident(r *request, d scc.Detail, what string) error {
	if d.Kind == darurat.Violence {
		if r.Header.Get(refreshing) == "" {
			return s.record(r, "resident.seen", d.Code, what)
		}
		return s.saw(r, what)
	}
	if !s.looks.fresh(r.actor()+"|"+what, s.Clock()) {
		return nil
	}
	return s.DB.Do(r.Context(), func(tx *database.Tx) error {
		for _, p := range d.Reporters {
			if p.Resident == "" {
				continue
			}
			if err := privacy.Saw(tx, s.Clock(), p.Resident, privacy.Operator, privacy.Incident); err != nil {
				return err
			}
		}
		_, err := s.Stream.Append(tx, s.Clock(), r.actor(), "resident.seen", d.Code, what)
		return err
	})
}

// readable returns the incident that the address names, or the refusal for an
// operator who may not read it.
func (s *Console) readable(r *request) (scc.Incident, error) {
	i, err := s.named(r)
	if err == nil && !mayRead(r.session.Operator, i.Kind) {
		err = refusal{status: http.StatusForbidden, key: "no_role"}
	}
	return i, err
}

// named returns the incident that the address names.
func (s *Console) named(r *request) (scc.Incident, error) {
	i, err := s.Incidents.ByCode(r.Context(), strings.ToUpper(r.PathValue("code")))
	if err != nil {
		return i, incidentProblem(err)
	}
	return i, nil
}

// incidentAct does what a form asks.
func (s *Console) incidentAct(w http.ResponseWriter, r *request) error {
	i, err := s.readable(r)
	if err != nil {
		return err
	}
	act := r.PathValue("act")
	if act != "terima" && i.AckedBy != "" && i.AckedBy != r.actor() && i.Status != scc.Closed && act != "balas" && !r.session.Operator.Is(operators.Supervisor, operators.P2TP2A) {
		return refusal{http.StatusConflict, "held", i.AckedBy}
	}
	form := r.PostForm
	a := scc.Act{Operator: r.actor(), Incident: i.ID, Version: formInt(r, "version")}
	ctx := r.Context()
	switch act {
	case "terima":
		a.Version = 0 // whatever was added to it meanwhile, it is new or it is not
		err = s.Incidents.Acknowledge(ctx, a)
	case "kirim":
		err = s.Incidents.Dispatch(ctx, a, formInt(r, "contact"))
	case "status":
		err = s.Incidents.SetStatus(ctx, a, formInt(r, "contact"), siaga.Word(form.Get("word")))
	case "lokasi":
		err = s.Incidents.Locate(ctx, a, darurat.Where{Unit: form.Get("unit"), Landmark: bot.CleanText(form.Get("landmark"))})
	case "balas":
		a.Version = 0
		err = s.Incidents.Chat(ctx, a, form.Get("words"))
	case "gabung":
		err = s.Incidents.Merge(ctx, a, formInt(r, "into"))
	case "urungkan":
		a.Version = 0
		err = s.Incidents.Unmerge(ctx, a)
	case "tutup":
		err = s.Incidents.Close(ctx, a, scc.Outcome(form.Get("outcome")), form.Get("sentence"))
	default:
		return refusal{status: http.StatusNotFound, key: "no_page"}
	}
	if err != nil {
		return incidentProblem(err)
	}
	http.Redirect(w, r.Request, "/scc/insiden/"+i.Code, http.StatusSeeOther)
	return nil
}

// newIncidentPage is the form for a report by telephone.
func (s *Console) newIncidentPage(w http.ResponseWriter, r *request) error {
	var all []district
	for _, u := range s.Map.Districts() {
		all = append(all, district{u, s.Map.Villages(u.Code)})
	}
	return s.show(w, r, "incident_new", struct {
		Kinds     []darurat.Kind
		Districts []district
	}{s.kinds(r), all})
}

// kinds are those that an operator may write down.
func (s *Console) kinds(r *request) []darurat.Kind {
	return slices.DeleteFunc(darurat.Kinds(), func(k darurat.Kind) bool { return !mayRead(r.session.Operator, k) })
}

func (s *Console) newIncident(w http.ResponseWriter, r *request) error {
	form := r.PostForm
	kind := darurat.Kind(form.Get("kind"))
	if !slices.Contains(s.kinds(r), kind) {
		return refusal{status: http.StatusBadRequest, key: "bad_form"}
	}
	id, err := s.Incidents.Create(r.Context(), r.actor(), scc.Manual{
		Kind: kind, Words: form.Get("words"), Caller: strings.TrimSpace(form.Get("caller")), Danger: darurat.Answer(form.Get("danger")), Test: form.Get("test") == "1",
		Where: darurat.Where{Unit: form.Get("unit"), Landmark: bot.CleanText(form.Get("landmark"))},
	})
	if err != nil {
		return incidentProblem(err)
	}
	http.Redirect(w, r.Request, "/scc/insiden/"+darurat.Code(id), http.StatusSeeOther)
	return nil
}

// find answers the command bar: the code of an incident or of a complaint.
func (s *Console) find(w http.ResponseWriter, r *request) error {
	asked := strings.ToUpper(strings.TrimSpace(r.URL.Query().Get("q")))
	if i, err := s.Incidents.ByCode(r.Context(), asked); err == nil {
		http.Redirect(w, r.Request, "/scc/insiden/"+i.Code, http.StatusSeeOther)
		return nil
	} else if !errors.Is(err, scc.ErrUnknown) {
		return err
	}
	return refusal{http.StatusNotFound, "not_found", asked}
}

// contacts is the table of those who can be called.
func (s *Console) contacts(w http.ResponseWriter, r *request) error {
	all, err := s.Incidents.Contacts(r.Context())
	if err != nil {
		return err
	}
	names := map[string]string{}
	for _, u := range s.Map.Districts() {
		names[u.Code] = u.Name
	}
	return s.show(w, r, "contacts", struct {
		All   []scc.Contact
		Names map[string]string
		May   bool
	}{all, names, r.session.Operator.Is(operators.Supervisor)})
}

func (s *Console) verifyContact(w http.ResponseWriter, r *request) error {
	id, err := caseID(r)
	if err != nil {
		return err
	}
	if err := s.Incidents.VerifyContact(r.Context(), id, r.PostForm.Get("good") == "1", r.actor()); err != nil {
		return incidentProblem(err)
	}
	http.Redirect(w, r.Request, "/scc/kontak", http.StatusSeeOther)
	return nil
}

func formInt(r *request, name string) int64 {
	n, err := strconv.ParseInt(r.PostForm.Get(name), 10, 64)
	if err != nil {
		return 0 // names nothing
	}
	return n
}

// incidentProblem says what an operator is told.
func incidentProblem(err error) error {
	var taken scc.Taken
	switch {
	case errors.As(err, &taken):
		return refusal{http.StatusConflict, "taken", taken.By}
	case errors.Is(err, scc.ErrStale):
		return refusal{status: http.StatusConflict, key: "changed"}
	case errors.Is(err, scc.ErrUnknown):
		return refusal{status: http.StatusNotFound, key: "no_page"}
	case errors.Is(err, scc.ErrSilent):
		return refusal{status: http.StatusConflict, key: "silent"}
	case errors.Is(err, scc.ErrInput):
		return refusal{status: http.StatusBadRequest, key: "bad_form"}
	}
	return err
}
