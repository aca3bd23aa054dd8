package console

import (
	"strings"

	"tabe/adapters/scc/operators"
)

// board is what every page shows: what waits for a person.
type board struct {
	Ring    int // incidents that nobody has acknowledged: the alarm
	Waiting int // conversations that wait for a person
}

// tab is a part of the console that the operator's roles open to him.
type tab struct {
	Name, Path string
	Count      int
	Here       bool
}

func (s *Console) board(r *request) (board, error) {
	return board{}, nil
}

func (s *Console) tabs(r *request, b board) []tab {
	all := []tab{}
	if r.session.Operator.Is(operators.Auditor, operators.Supervisor) {
		all = append(all, tab{Name: "audit"})
	}
	all = append(all, tab{Name: "akun"})
	for i := range all {
		all[i].Path = "/scc/" + all[i].Name
		all[i].Here = r.URL.Path == all[i].Path || strings.HasPrefix(r.URL.Path, all[i].Path+"/")
	}
	return all
}
