package database_test

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestMigrationsOnlyAdd keeps the rule by which a new version can migrate while
// the one before it serves: see CONTRIBUTING.md.
func TestMigrationsOnlyAdd(t *testing.T) {
	files, err := filepath.Glob("migrations/*/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var number int
		if _, err := fmt.Sscanf(filepath.Base(file), "%05d_", &number); err != nil {
			t.Errorf("%s has no number", file)
		}
		if problem := notAdding(string(raw), number, strings.Contains(file, "postgres")); problem != "" {
			t.Errorf("%s: %s", file, problem)
		}
	}
}

var (
	comment    = regexp.MustCompile(`--[^\n]*`)
	contracts  = regexp.MustCompile(`(?m)^-- contract: nothing uses it since (\d{5})\b`)
	created    = regexp.MustCompile(`\bcreate table (?:if not exists )?(\w+)`)
	index      = regexp.MustCompile(`^create (?:unique )?index (concurrently )?(?:if not exists )?\w+ on (\w+)`)
	takesAway  = regexp.MustCompile(`^(drop|truncate|delete|update)\b|^alter\b.*\b(drop|rename|alter|type)\b`)
	addsColumn = regexp.MustCompile(`^alter table .*\badd\b`)
)

// notAdding tells what in a migration the version before it could not live
// with, "" if it can.
func notAdding(sql string, number int, postgres bool) string {
	if m := contracts.FindStringSubmatch(sql); m != nil && m[1] < fmt.Sprintf("%05d", number) {
		return ""
	}
	plain := strings.ToLower(comment.ReplaceAllString(sql, ""))
	fresh := map[string]bool{} // tables that nobody writes to yet
	for _, m := range created.FindAllStringSubmatch(plain, -1) {
		fresh[m[1]] = true
	}
	for statement := range strings.SplitSeq(plain, ";") {
		statement = strings.Join(strings.Fields(statement), " ")
		switch m := index.FindStringSubmatch(statement); {
		case m != nil && !fresh[m[2]] && strings.HasPrefix(statement, "create unique"):
			return "a unique index refuses what the version before writes: " + statement
		case m != nil && !fresh[m[2]] && m[1] == "" && postgres:
			return "PostgreSQL locks the table out while it builds this index, unless it is built concurrently: " + statement
		case takesAway.MatchString(statement):
			return "it takes away or changes: " + statement
		case addsColumn.MatchString(statement) && strings.Contains(statement, "not null") && !strings.Contains(statement, "default"):
			return "the version before does not fill this column: " + statement
		}
	}
	return ""
}

func TestWhatIsNotAdding(t *testing.T) {
	for sql, adds := range map[string]bool{
		"create table a (n bigint); create unique index a_n on a (n);":            true,
		"alter table a add column n bigint not null default 0;":                   true,
		"create index concurrently a_n on a (n); -- drop later":                   true,
		"create index a_n on a (n);":                                              false,
		"create trigger x before update on a begin select raise(abort, ''); end;": true,
		"-- contract: nothing uses it since 00019\nalter table a drop column n;":  true,
		"-- contract: nothing uses it since 00020\nalter table a drop column n;":  false,
		"alter table a add column n bigint not null;":                             false,
		"alter table a\n\tdrop column n;":                                         false,
		"alter table a rename to b;":                                              false,
		"alter table a alter column n set not null;":                              false,
		"create unique index a_n on a (n);":                                       false,
		"drop table a;":                                                           false,
		"update a set n = 1;":                                                     false,
	} {
		if problem := notAdding(sql, 20, true); (problem == "") != adds {
			t.Errorf("%q: %q", sql, problem)
		}
	}
}
