package testserver

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf16"
)

// Gammu is a running gammu-smsd with a phone that is only a folder.
type Gammu struct {
	DatabaseURL string
	phone       string
	mail        int
}

const gammuConfig = `[gammu]
model = dummy
connection = none
device = %[1]s/phone

[smsd]
service = sql
driver = sqlite3
dbdir = %[1]s/
database = smsd.db
logfile = %[1]s/smsd.log
debuglevel = 1
commtimeout = 1
receivefrequency = 1
loopsleep = 1
checkbattery = 0
checksignal = 0
phoneid = TEST
`

// StartGammu runs gammu-smsd on tables of its own in SQLite. Incoming messages
// are put into its phone with Gammu.Receive.
func StartGammu(t testing.TB) *Gammu {
	t.Helper()
	smsd, err := program("gammu-smsd", "/usr/bin")
	if err != nil {
		t.Skip("NOT TESTED with a real gammu-smsd: it is not installed")
	}
	tables, err := exec.Command("sh", "-c", "zcat -f /usr/share/doc/gammu-smsd/examples/sqlite.sql*").Output()
	if err != nil || len(tables) == 0 {
		t.Skip("NOT TESTED with a real gammu-smsd: its sqlite.sql is missing")
	}
	dir := t.TempDir()
	g := &Gammu{DatabaseURL: "sqlite://" + filepath.Join(dir, "smsd.db"), phone: filepath.Join(dir, "phone")}
	for folder := 1; folder <= 5; folder++ {
		if err := os.MkdirAll(filepath.Join(g.phone, "sms", strconv.Itoa(folder)), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "smsd.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(string(tables)); err != nil {
		t.Fatal(err)
	}
	config := filepath.Join(dir, "smsdrc")
	if err := os.WriteFile(config, fmt.Appendf(nil, gammuConfig, dir), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(smsd, "-c", config)
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8")
	s := start(t, filepath.Join(dir, "smsd.out"), cmd)
	t.Cleanup(func() { s.signal(t, syscall.SIGKILL) })
	awaitTrue(t, "gammu-smsd", s.ended, func(ctx context.Context) error {
		var n int
		if err := db.QueryRowContext(ctx, `select count(*) from phones`).Scan(&n); err != nil {
			return err
		}
		if n == 0 {
			return fmt.Errorf("it knows no phone yet")
		}
		return nil
	})
	return g
}

// Receive puts a text, in as many parts as are given, into the phone, as the
// network would.
func (g *Gammu) Receive(t testing.TB, sender string, unicode bool, parts ...string) {
	t.Helper()
	g.mail++
	coding := "Default_No_Compression"
	if unicode {
		coding = "Unicode_No_Compression"
	}
	for n, part := range parts {
		units := utf16.Encode([]rune(part))
		lines := []string{
			"[SMSBackup000]", "PDU = Deliver", `SMSC = "+62811000000"`, "SMSCUnicode = " + inHex("+62811000000"),
			"Sent = " + time.Now().UTC().Format("20060102T150405Z"), "State = UnRead", fmt.Sprintf("Number = %q", sender), "NumberUnicode = " + inHex(sender),
			`Name = ""`, "NameUnicode = ",
		}
		encoded := inHex(part)
		for i := 0; i*200 < len(encoded); i++ {
			lines = append(lines, fmt.Sprintf("Text%02d = %s", i, encoded[i*200:min(len(encoded), (i+1)*200)]))
		}
		lines = append(lines, "Coding = "+coding, "Folder = 1", fmt.Sprintf("Length = %d", len(units)), "Class = -1", "ReplySMSC = False",
			"RejectDuplicates = False", "ReplaceMessage = 0", "MessageReference = 0")
		if len(parts) > 1 {
			lines = append(lines, fmt.Sprintf("UDH = 050003%02X%02X%02X", g.mail, len(parts), n+1))
		}
		draft := filepath.Join(g.phone, "draft")
		if err := os.WriteFile(draft, []byte(strings.Join(lines, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(draft, filepath.Join(g.phone, "sms", "1", strconv.Itoa(1000*g.mail+n))); err != nil {
			t.Fatal(err)
		}
	}
}

func inHex(s string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		fmt.Fprintf(&b, "%04X", u)
	}
	return b.String()
}
