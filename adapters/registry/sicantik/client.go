package sicantik

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tabe/adapters/registry/remote"
	"tabe/flows/perizinan"
)

// Config is where SiCantik keeps the regency's applications.
type Config struct {
	// TrackerURL is the template that tells the steps of one application,
	// …/api/TemplateData/keluaran/10916.json; the number differs by regency.
	TrackerURL string
	// BulkURL is the template that lists the applications of some days; empty:
	// there is none.
	BulkURL string
	Key     string // bearer token of the gateway in front of it; empty: none
	Limits  remote.Limits
	Log     *slog.Logger
}

func (c Config) validate() error {
	if c.TrackerURL == "" {
		return errors.New("sicantik: the address of the tracker is needed")
	}
	for _, address := range []string{c.TrackerURL, c.BulkURL} {
		if u, err := url.Parse(address); address != "" && (err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https") {
			return errors.New("sicantik: an address is not http(s)://host…")
		}
	}
	return nil
}

// client asks the templates.
type client struct {
	config  Config
	service *remote.Service
}

// ask returns what a template says under "data".
func (q *client) ask(ctx context.Context, address string, params url.Values) (json.RawMessage, error) {
	object, err := q.service.Ask(ctx, func(ctx context.Context) (*http.Request, error) {
		u, err := url.Parse(address)
		if err != nil {
			return nil, err
		}
		query := u.Query()
		for name, values := range params {
			query[name] = values
		}
		u.RawQuery = query.Encode()
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
		if err != nil {
			return nil, err
		}
		request.Header.Set("Accept", "application/json")
		if q.config.Key != "" {
			request.Header.Set("Authorization", "Bearer "+q.config.Key)
		}
		return request, nil
	}, "data")
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data json.RawMessage `json:"data"`
	}
	if err := remote.Unmarshal(object, &answer); err != nil {
		return nil, q.service.Fail("answer without data")
	}
	return answer.Data, nil
}

// askable tells whether a number may be sent: what is no number could be a
// question of another kind to whoever builds SQL from it.
func askable(n perizinan.Number) bool {
	return n != "" && strings.Trim(string(n), "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789/.-") == ""
}

// track returns the application of a number; known is false if there is none.
func (q *client) track(ctx context.Context, n perizinan.Number) (application, bool, error) {
	if !askable(n) {
		return application{}, false, nil
	}
	ctx, cancel := q.service.LookUp(ctx)
	defer cancel()
	data, err := q.ask(ctx, q.config.TrackerURL, url.Values{"no_permohonan": {string(n)}})
	if err != nil {
		return application{}, false, err
	}
	steps, err := read[step](q, data, "berkas")
	if err != nil {
		return application{}, false, err
	}
	own := make([]step, 0, len(steps))
	for _, s := range steps {
		number, _ := perizinan.ParseNumber(string(s.Number))
		switch {
		case s.Number == "", number.Key() == n.Key():
			own = append(own, s)
		default: // not to tell one man of another's
			return application{}, false, q.service.Fail("answer for another number")
		}
	}
	if len(own) == 0 {
		return application{}, false, nil
	}
	a := summarize(own)
	if a.Status == "" {
		return a, false, q.service.Fail("answer without a status")
	}
	if a.Number == "" {
		a.Number = n
	}
	return a, true, nil
}

// entered returns the numbers of the applications of one day.
func (q *client) entered(ctx context.Context, day time.Time) ([]perizinan.Number, error) {
	ctx, cancel := q.service.LookUp(ctx)
	defer cancel()
	quoted := "'" + day.Format(time.DateOnly) + "'"
	data, err := q.ask(ctx, q.config.BulkURL, url.Values{"key1": {quoted}, "key2": {quoted}})
	if err != nil {
		return nil, err
	}
	rows, err := read[struct {
		Number remote.Text `json:"no_permohonan"`
		Day    remote.Text `json:"tgl_pengajuan"`
	}](q, data, "data")
	if err != nil {
		return nil, err
	}
	var numbers []perizinan.Number
	for _, r := range rows {
		n, ok := perizinan.ParseNumber(string(r.Number))
		if on, err := r.Day.Day(); ok && askable(n) && err == nil && (on.IsZero() || on.Equal(day)) {
			numbers = append(numbers, n)
		}
	}
	return numbers, nil
}

// maxRows is more than a regency enters in a day, or an application has steps.
const maxRows = 5000

// read returns the list under a name. PHP has one empty list for everything,
// so where data itself is one, there is nothing under any name.
func read[T any](q *client, data json.RawMessage, name string) ([]T, error) {
	var named map[string]json.RawMessage
	var nothing []json.RawMessage
	if remote.Unmarshal(data, &named) != nil || remote.Unmarshal(data, &nothing) != nil {
		return nil, q.service.Fail("answer without data")
	}
	if named == nil && nothing != nil && len(nothing) == 0 {
		return nil, nil
	}
	raw, there := named[name]
	var list []T
	if !there || remote.Unmarshal(raw, &list) != nil || list == nil && string(raw) != "null" || len(list) > maxRows {
		return nil, q.service.Fail("answer without a list")
	}
	return list, nil
}
