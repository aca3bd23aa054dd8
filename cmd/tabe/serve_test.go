package main

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
)

// TestServeCarriesASignedMessageAllTheWay starts the production system against
// a stand-in for Twilio's REST API, sends a signed webhook as Twilio does, waits
// for the answer to arrive there, and stops the system as systemd would.
func TestServeCarriesASignedMessageAllTheWay(t *testing.T) {
	sent := make(chan url.Values, 10)
	twilio := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		sent <- r.PostForm
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusCreated)
		fmt.Fprint(w, `{"sid":"SM00000000000000000000000000000001","status":"queued"}`)
	}))
	defer twilio.Close()

	dir := t.TempDir()
	if _, errs, code := tabe(t, nil, "", "import", "pbb", writeFile(t, "pbb.csv", unseen), "--data", dir); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	const public = "https://tabe.example"
	env := settings{
		"TABE_SECRET_KEY": goodKey, "TABE_ADDR": "127.0.0.1:0", "TABE_PUBLIC_URL": public,
		"TABE_TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000000", "TABE_TWILIO_AUTH_TOKEN": "token", "TABE_TWILIO_SMS_FROM": "+6281100000400",
		"TABE_TWILIO_API_URL": twilio.URL,
	}
	base, stop := startServe(t, env, dir)
	defer stop()

	const number, nop = "+6281100000498", "731207100200490780"
	form := url.Values{
		"AccountSid": {env["TABE_TWILIO_ACCOUNT_SID"]}, "MessageSid": {"SM00000000000000000000000000000099"},
		"From": {number}, "To": {"+6281100000400"}, "Body": {"berapa pbb " + nop}, "NumMedia": {"0"},
	}
	for range 2 { // Twilio repeats what it thinks was lost
		if code := post(t, base+"/channels/twilio", form, sign(public+"/channels/twilio", form, "token")); code >= 300 {
			t.Fatalf("the webhook answers %d", code)
		}
	}
	if code := post(t, base+"/channels/twilio", form, sign(public+"/channels/twilio", form, "forged")); code != http.StatusForbidden {
		t.Errorf("a forged webhook gets %d", code)
	}
	answer := <-sent
	if answer.Get("To") != number || !strings.Contains(answer.Get("Body"), "2 Mei 2026") {
		t.Errorf("sent %v", answer)
	}
	if resp, err := http.Get(base + "/readyz"); err != nil || resp.StatusCode != http.StatusOK {
		t.Errorf("readyz: %v, %v", resp, err)
	}
	log := stop()
	if len(sent) > 0 {
		t.Errorf("the repeated message was answered again: %v", <-sent)
	}
	if strings.Contains(log, number[3:]) || strings.Contains(log, nop) || strings.Contains(log, "token") {
		t.Errorf("the log tells what it must not:\n%s", log)
	}
}

// startServe starts the production system and returns where it listens. stop
// ends it as systemd would and returns its log; a second time it does nothing.
func startServe(t *testing.T, env settings, dir string) (base string, stop func() (log string)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	logs, write := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{"serve", "--data", dir}, streams{strings.NewReader(""), io.Discard, write, env.getenv})
		_ = write.Close()
	}()
	var lines []string
	scanner := bufio.NewScanner(logs)
	for base == "" && scanner.Scan() {
		lines = append(lines, scanner.Text())
		if _, rest, ok := strings.Cut(scanner.Text(), `"addr":"`); ok {
			addr, _, _ := strings.Cut(rest, `"`)
			base = "http://" + addr
		}
	}
	if base == "" {
		t.Fatalf("exit %d: %s", <-ended, lines)
	}
	rest := make(chan string, 1)
	go func() {
		all, _ := io.ReadAll(logs)
		rest <- string(all)
	}()
	return base, sync.OnceValue(func() string {
		cancel()
		if code := <-ended; code != 0 {
			t.Errorf("exit %d", code)
		}
		return strings.Join(lines, "\n") + "\n" + <-rest
	})
}

func post(t *testing.T, address string, form url.Values, signature string) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("X-Twilio-Signature", signature)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	return resp.StatusCode
}

// sign is Twilio's signature as its documentation describes it.
func sign(address string, form url.Values, token string) string {
	names := make([]string, 0, len(form))
	for name := range form {
		names = append(names, name)
	}
	slices.Sort(names)
	mac := hmac.New(sha1.New, []byte(token))
	io.WriteString(mac, address)
	for _, name := range names {
		io.WriteString(mac, name+form.Get(name))
	}
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
