package console

import (
	"errors"
	"net/http"
	"strconv"

	"tabe/adapters/unanswered"
	"tabe/bot/understand"
)

// unansweredShown is how many utterances are on the page.
const unansweredShown = 50

// unansweredPage shows what nobody understood. It holds nothing personal.
func (s *Console) unansweredPage(w http.ResponseWriter, r *request) error {
	items, err := unanswered.Open(r.Context(), s.DB, unansweredShown)
	if err != nil {
		return err
	}
	return s.show(w, r, "unanswered", struct {
		Items   []unanswered.Item
		Intents []understand.Intent
		None    string
	}{items, understand.Intents(), unanswered.None})
}

// label says what an utterance meant.
func (s *Console) label(w http.ResponseWriter, r *request) error {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return refusal{status: http.StatusNotFound, key: "no_page"}
	}
	if err := unanswered.Label(r.Context(), s.DB, id, r.PostForm.Get("label")); errors.Is(err, unanswered.ErrLabel) {
		return refusal{status: http.StatusBadRequest, key: "bad_form"}
	} else if err != nil {
		return err
	}
	if err := s.record(r, "unanswered.labelled", "", strconv.FormatInt(id, 10)); err != nil {
		return err
	}
	http.Redirect(w, r.Request, "/scc/tak-terjawab", http.StatusSeeOther)
	return nil
}
