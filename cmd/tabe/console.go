package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"tabe/adapters/complaints"
	"tabe/adapters/database"
	"tabe/adapters/privacy"
	"tabe/adapters/scc/chart"
	"tabe/adapters/scc/console"
	"tabe/adapters/scc/operators"
	"tabe/adapters/store"
	"tabe/bot"
	"tabe/flows/pengaduan"
)

// mountConsole opens the command center's screens at /scc. https tells that the
// operators reach it so.
func (a *app) mountConsole(mux *http.ServeMux, o options, https bool) (*operators.Store, error) {
	accounts, err := operators.New(a.db, o.secretKey, o.clock)
	if err != nil {
		return nil, err
	}
	catalogue, err := complaintKinds(o.dataDir)
	if err != nil {
		return nil, err
	}
	screens, err := console.New(console.Config{
		DB: a.db, Accounts: accounts, Stream: a.stream, Clock: o.clock, Log: o.log, HTTPS: https,
		Incidents: a.center, Reports: a.center, Alerts: a.alerts, Broadcasts: a.broadcasts(o.clock), Map: a.center.Map, Chart: chart.New(a.center.Map), Words: a.words,
		Conversations: a.desk, Complaints: complaints.NewDesk(a.complaints, catalogue, a.store, sawComplaint, o.clock),
		Catalogue: catalogue, Shift: a.center, Deliveries: a.store, Costs: a.ledger, Media: o.media,
	})
	if err != nil {
		return nil, err
	}
	handler := screens.Handler()
	mux.Handle("/scc", handler)
	mux.Handle("/scc/", handler)
	return accounts, nil
}

// sawComplaint writes down for the resident that an operator, whose name he is
// not told, read his complaint.
func sawComplaint(tx *database.Tx, at time.Time, resident bot.ResidentID, _, _ string) error {
	return privacy.Saw(tx, at, resident, privacy.Operator, privacy.Complaint)
}

// complaintEvents tells the consoles what residents do with complaints.
func (a *app) complaintEvents() []store.Effect {
	const resident = "resident"
	return []store.Effect{
		store.On(func(tx *database.Tx, e bot.Entry, f pengaduan.Filed) error {
			_, err := a.stream.Append(tx, e.At, resident, "complaint.filed", "", string(f.Number))
			return err
		}),
		store.On(func(tx *database.Tx, e bot.Entry, f pengaduan.Added) error {
			_, err := a.stream.Append(tx, e.At, resident, "complaint.added", "", string(f.Number))
			return err
		}),
	}
}

// demoOperator is the account of the demo.
const demoOperator = "operator"

// demoSignIn makes the account of the demo anew at each start, prints how to
// sign in and, because nobody has its secret on a telephone, shows the code
// of the moment at /demo/code.
func demoSignIn(ctx context.Context, mux *http.ServeMux, accounts *operators.Store, out io.Writer, address string) error {
	password := "demo-" + strings.ToLower(rand.Text()[:12])
	enrolment, err := accounts.Add(ctx, byTerminal, operators.Draft{
		Name: demoOperator, FullName: "Andi Besse", Password: password,
		Roles: []operators.Role{operators.Dispatcher, operators.Supervisor, operators.P2TP2A, operators.Auditor},
	})
	if err != nil { // it is there, from the last time
		if err = accounts.SetPassword(ctx, byTerminal, demoOperator, password); err == nil {
			enrolment, err = accounts.Enrol(ctx, byTerminal, demoOperator)
		}
	}
	if err != nil {
		return err
	}
	mux.HandleFunc("GET /demo/code", func(w http.ResponseWriter, _ *http.Request) {
		code, err := operators.Code(enrolment.Secret, time.Now())
		if err != nil {
			http.Error(w, "no code", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		fmt.Fprintln(w, code)
	})
	fmt.Fprintf(out, "The command center: %s/scc  account %s, password %s, code %s/demo/code\n", address, demoOperator, password, address)
	return nil
}
