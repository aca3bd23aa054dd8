package console

import (
	"errors"
	"net/http"

	"tabe/adapters/scc/operators"
)

// accountRow is an account with where it is signed in.
type accountRow struct {
	operators.Operator
	Sessions []operators.Session
}

// accounts shows an admin who may sign in. New accounts are made on the terminal,
// where their secrets are seen by nobody else.
func (s *Console) accounts(w http.ResponseWriter, r *request) error {
	all, err := s.Accounts.List(r.Context())
	if err != nil {
		return err
	}
	var rows []accountRow
	for _, o := range all {
		sessions, err := s.Accounts.Sessions(r.Context(), o.Name)
		if err != nil {
			return err
		}
		rows = append(rows, accountRow{o, sessions})
	}
	return s.show(w, r, "accounts", rows)
}

func (s *Console) accountAct(w http.ResponseWriter, r *request) error {
	name := r.PathValue("name")
	var err error
	switch r.PathValue("act") {
	case "tutup":
		err = s.Accounts.Disable(r.Context(), r.actor(), name)
	case "buka":
		err = s.Accounts.Enable(r.Context(), r.actor(), name)
	case "keluarkan":
		err = s.Accounts.Revoke(r.Context(), r.actor(), name, r.PostForm.Get("id"))
	default:
		return refusal{status: http.StatusNotFound, key: "no_page"}
	}
	switch {
	case errors.Is(err, operators.ErrLastAdmin):
		return refusal{status: http.StatusConflict, key: "last_admin"}
	case errors.Is(err, operators.ErrUnknown), errors.Is(err, operators.ErrNoSession):
		return refusal{status: http.StatusNotFound, key: "changed"}
	case err != nil:
		return err
	}
	s.Stream.Wake()
	http.Redirect(w, r.Request, "/scc/operator", http.StatusSeeOther)
	return nil
}
