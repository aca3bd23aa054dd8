package main

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport says which part of the house each part may know. Whatever is not
// listed here is not ours: the standard library and modules of others.
var mayImport = map[string][]string{
	"bot":      {"bot"},
	"locales":  {},
	"ussd":     {"bot", "ussd"},
	"flows":    {"bot", "flows"},
	"adapters": {"bot", "flows", "ussd", "adapters"},
	"cmd":      {"bot", "flows", "ussd", "locales", "adapters", "cmd"},
}

// Flows know no network, no database and no other process: what they need they
// ask of their ports.
var notForFlows = []string{"net/http", "database/sql", "os/exec"}

func TestDependenciesPointOneWay(t *testing.T) {
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "tabe/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	seen := 0
	for {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		part := partOf(p.ImportPath)
		allowed, known := mayImport[part]
		if !known {
			t.Errorf("%s belongs to no part of the house", p.ImportPath)
			continue
		}
		seen++
		for _, i := range p.Imports {
			if other := partOf(i); other != "" && !slices.Contains(allowed, other) {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
			if (part == "flows" || part == "bot") && slices.Contains(notForFlows, i) {
				t.Errorf("%s imports %s", p.ImportPath, i)
			}
		}
	}
	if seen < len(mayImport) {
		t.Errorf("only %d packages of ours were found", seen)
	}
}

// partOf returns the top folder of one of our packages, "" for those of others.
func partOf(path string) string {
	ours, ok := strings.CutPrefix(path, "tabe/")
	if !ok {
		return ""
	}
	part, _, _ := strings.Cut(ours, "/")
	return part
}
