package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// settings is an environment.
type settings map[string]string

func (s settings) getenv(name string) string { return s[name] }

var goodKey = strings.Repeat("0f", secretKeyLength)

func TestEveryProblemIsNamedAndNoSecretIsShown(t *testing.T) {
	for name, c := range map[string]struct {
		env  settings
		want []string
	}{
		"nothing":   {settings{}, []string{"TABE_SECRET_KEY is missing"}},
		"short key": {settings{"TABE_SECRET_KEY": "s3cret"}, []string{"TABE_SECRET_KEY is not 32 bytes"}},
		"twilio": {settings{"TABE_SECRET_KEY": goodKey, "TABE_TWILIO_ACCOUNT_SID": "AC0"},
			[]string{"TABE_TWILIO_AUTH_TOKEN is missing", "TABE_TWILIO_SMS_FROM", "TABE_PUBLIC_URL is missing"}},
		"telegram": {settings{"TABE_SECRET_KEY": goodKey, "TABE_TELEGRAM_TOKEN": "1:s3cret", "TABE_PUBLIC_URL": "https://tabe.example"},
			[]string{"TABE_TELEGRAM_SECRET is missing"}},
		"addresses": {settings{"TABE_SECRET_KEY": goodKey, "TABE_ADDR": "8080", "TABE_PUBLIC_URL": "tabe.example", "TABE_DATABASE_URL": "mysql://s3cret@host"},
			[]string{"TABE_ADDR", "TABE_PUBLIC_URL", "TABE_DATABASE_URL"}},
		"whatsapp": {settings{"TABE_SECRET_KEY": goodKey, "TABE_WHATSAPP_TOKEN": "s3cret"},
			[]string{"TABE_WHATSAPP_PHONE_ID is missing", "TABE_WHATSAPP_APP_SECRET is missing", "TABE_WHATSAPP_VERIFY_TOKEN is missing"}},
		"kannel": {settings{"TABE_SECRET_KEY": goodKey, "TABE_KANNEL_URL": "http://127.0.0.1:13013/cgi-bin/sendsms"},
			[]string{"TABE_KANNEL_USERNAME is missing", "TABE_KANNEL_PASSWORD is missing"}},
		"redis":  {settings{"TABE_SECRET_KEY": goodKey, "TABE_REDIS_URL": "redis://:s3cret@a:7000/1?addr=b:7000"}, []string{"TABE_REDIS_URL: redis: a cluster has only database 0"}},
		"limits": {settings{"TABE_SECRET_KEY": goodKey, "TABE_SEND_LIMITS": "sms=many"}, []string{"TABE_SEND_LIMITS is not CHANNEL="}},
		"traces": {settings{"OTEL_EXPORTER_OTLP_ENDPOINT": "collector:4318", "OTEL_TRACES_EXPORTER": "zipkin", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
			"OTEL_TRACES_SAMPLER": "sometimes", "OTEL_TRACES_SAMPLER_ARG": "10%"},
			[]string{"OTEL_EXPORTER_OTLP_ENDPOINT is not an http", "OTEL_TRACES_EXPORTER is neither", "OTEL_EXPORTER_OTLP_PROTOCOL is not", "OTEL_TRACES_SAMPLER is none of", "OTEL_TRACES_SAMPLER_ARG is not a share"}},
		"file": {settings{"TABE_SECRET_KEY_FILE": "/nowhere"}, []string{"TABE_SECRET_KEY_FILE cannot be read"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := readConfig(c.env.getenv, "data")
			if err == nil {
				t.Fatal("accepted")
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
			if strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%q shows a secret", err)
			}
		})
	}
}

func TestACompleteConfiguration(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(goodKey+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := readConfig(settings{
		"TABE_SECRET_KEY_FILE": key, "TABE_PUBLIC_URL": "https://tabe.example/",
		"TABE_TWILIO_ACCOUNT_SID": "AC0", "TABE_TWILIO_AUTH_TOKEN": "t", "TABE_TWILIO_SMS_FROM": "+6281100000400",
		"TABE_SEND_LIMITS": "sms=0.5, whatsapp=80",
	}.getenv, "data")
	if err != nil {
		t.Fatal(err)
	}
	if c.publicURL != "https://tabe.example" || c.addr != ":8080" || !strings.HasPrefix(c.databaseURL, "sqlite:///") || len(c.secretKey) != secretKeyLength ||
		len(c.limits) != 2 || c.limits["sms"] != 0.5 {
		t.Errorf("%+v", c)
	}
}

func TestOneChannelHasOneCarrier(t *testing.T) {
	env := settings{
		"TABE_SECRET_KEY": goodKey, "TABE_PUBLIC_URL": "https://tabe.example",
		"TABE_TWILIO_ACCOUNT_SID": "AC0", "TABE_TWILIO_AUTH_TOKEN": "t", "TABE_TWILIO_WHATSAPP_FROM": "+6281100000400",
		"TABE_KANNEL_URL": "http://127.0.0.1:13013/cgi-bin/sendsms", "TABE_KANNEL_USERNAME": "u", "TABE_KANNEL_PASSWORD": "p",
	}
	open := func() (ways, error) {
		c, err := readConfig(env.getenv, "data")
		if err != nil {
			t.Fatal(err)
		}
		w, err := newWays(c, slog.New(slog.DiscardHandler))
		w.close()
		return w, err
	}
	if w, err := open(); err != nil || len(w.out()) != 2 {
		t.Errorf("%d channels, %v", len(w.out()), err)
	}
	env["TABE_TWILIO_SMS_FROM"] = "+6281100000400"
	if _, err := open(); err == nil || !strings.Contains(err.Error(), "twilio and kannel") {
		t.Error("two carry sms:", err)
	}
}

func TestTheKeyBesideTheDataIsMadeOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	first, err := keyFor(settings{}.getenv, dir)
	if err != nil {
		t.Fatal(err)
	}
	again, err := keyFor(settings{}.getenv, dir)
	if err != nil || string(again) != string(first) {
		t.Errorf("the second use has another key (%v)", err)
	}
	info, err := os.Stat(filepath.Join(dir, "secret.key"))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info.Mode(), err)
	}
	if key, err := keyFor(settings{"TABE_SECRET_KEY": goodKey}.getenv, dir); err != nil || string(key) == string(first) {
		t.Errorf("the environment does not come first (%v)", err)
	}
}
