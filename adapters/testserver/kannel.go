package testserver

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Kannel is a running gateway: a bearerbox with an SMPP line to an operator,
// and a smsbox that calls us.
type Kannel struct {
	SendURL            string // of sendsms
	Username, Password string // of its user
	bearerbox, smsbox  *server
	statusURL          string
}

// kannelConfig has %s for: admin, smsbox, SMPP and sendsms ports, folder (twice
// for the logs and the store), address of the application.
const kannelConfig = `group = core
admin-port = %[1]s
admin-interface = "127.0.0.1"
admin-password = admin
status-password = admin
smsbox-port = %[2]s
smsbox-interface = "127.0.0.1"
box-deny-ip = "*.*.*.*"
box-allow-ip = "127.0.0.1"
log-file = "%[5]s/bearerbox.log"
log-level = 1
dlr-storage = internal
store-type = spool
store-location = "%[5]s/store"
sms-resend-freq = 2

group = smsc
smsc = smpp
smsc-id = OPERATOR
host = 127.0.0.1
port = %[3]s
transceiver-mode = true
smsc-username = kannel
smsc-password = secret
system-type = "VMA"
interface-version = 34
source-addr-autodetect = true
enquire-link-interval = 10
reconnect-delay = 1

group = smsbox
bearerbox-host = 127.0.0.1
sendsms-port = %[4]s
sendsms-interface = "127.0.0.1"
sendsms-chars = "0123456789 +-"
log-file = "%[5]s/smsbox.log"
log-level = 1
mo-recode = true
http-request-retry = 3
http-queue-delay = 1

group = sendsms-user
username = tabe
password = gateway
max-messages = 8
concatenation = true
user-deny-ip = "*.*.*.*"
user-allow-ip = "127.0.0.1"

group = sms-service
keyword = default
catch-all = true
get-url = "%[6]s?from=%%p&to=%%P&text=%%a&id=%%I&smsc=%%i&charset=%%C&time=%%T"
max-messages = 0
concatenation = true
omit-empty = true
`

// StartKannel runs a Kannel whose operator listens on smppPort of this machine,
// and that hands incoming messages to the address getURL. It returns once the
// line to the operator stands.
func StartKannel(t testing.TB, smppPort, getURL string) *Kannel {
	t.Helper()
	bearerbox, err := program("bearerbox", "/usr/sbin")
	if err != nil {
		t.Skip("NOT TESTED with a real Kannel: bearerbox is not installed")
	}
	smsbox, err := program("smsbox", "/usr/sbin")
	if err != nil {
		t.Skip("NOT TESTED with a real Kannel: smsbox is not installed")
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "store"), 0o700); err != nil {
		t.Fatal(err)
	}
	admin, box, send := freePort(t), freePort(t), freePort(t)
	config := filepath.Join(dir, "kannel.conf")
	if err := os.WriteFile(config, fmt.Appendf(nil, kannelConfig, admin, box, smppPort, send, dir, getURL), 0o600); err != nil {
		t.Fatal(err)
	}
	k := &Kannel{
		SendURL: "http://" + net.JoinHostPort("127.0.0.1", send) + "/cgi-bin/sendsms", Username: "tabe", Password: "gateway",
		statusURL: "http://" + net.JoinHostPort("127.0.0.1", admin) + "/status.txt?password=admin",
	}
	k.bearerbox = start(t, filepath.Join(dir, "bearerbox.out"), exec.Command(bearerbox, "-v", "4", config))
	t.Cleanup(func() { k.bearerbox.signal(t, syscall.SIGKILL) })
	awaitTrue(t, "bearerbox", k.bearerbox.ended, func(ctx context.Context) error { return k.status(ctx, "OPERATOR") })
	k.smsbox = start(t, filepath.Join(dir, "smsbox.out"), exec.Command(smsbox, "-v", "4", config))
	t.Cleanup(func() { k.smsbox.signal(t, syscall.SIGKILL) })
	awaitTrue(t, "Kannel", k.smsbox.ended, func(ctx context.Context) error {
		if err := k.status(ctx, "(online "); err != nil {
			return err
		}
		c, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort("127.0.0.1", send))
		if err == nil {
			err = c.Close()
		}
		return err
	})
	return k
}

// status asks for a word on the status page.
func (k *Kannel) status(ctx context.Context, word string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, k.statusURL, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	page, err := io.ReadAll(answer.Body)
	if err == nil && !strings.Contains(string(page), word) {
		err = fmt.Errorf("no %q on its status page", word)
	}
	return err
}
