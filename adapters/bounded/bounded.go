// Package bounded reads what came over HTTP up to a limit.
package bounded

import (
	"errors"
	"io"
	"net/http"
)

// ErrTooLarge is returned for what is longer than the limit.
var ErrTooLarge = errors.New("body too large")

// Body reads the body of a request. What is wrong with it goes to refuse, with
// the status to answer; then ok is false.
func Body(w http.ResponseWriter, r *http.Request, limit int64, refuse func(status int, reason string)) (body []byte, ok bool) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if tooBig := (*http.MaxBytesError)(nil); errors.As(err, &tooBig) {
		refuse(http.StatusRequestEntityTooLarge, ErrTooLarge.Error())
	} else if err != nil {
		refuse(http.StatusBadRequest, "body cut off")
	}
	return body, err == nil
}

// Read reads all of r, or returns ErrTooLarge.
func Read(r io.Reader, limit int64) ([]byte, error) {
	all, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err == nil && int64(len(all)) > limit {
		return nil, ErrTooLarge
	}
	return all, err
}
