package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"tabe/adapters/open311"
	"tabe/adapters/redis"
	"tabe/adapters/webchat"
	"tabe/bot"
	"tabe/bot/ident"
	"tabe/ussd"
)

// config is what the environment says. The names are a contract: design notes
// and deployments rely on them.
type config struct {
	addr        string // TABE_ADDR
	boundaries  string // TABE_BOUNDARIES
	publicURL   string // without a slash at the end; empty: nobody can call us
	dataDir     string
	databaseURL string
	redisURL    string
	spool       string // TABE_SPOOL: the folder of messages that wait for the database, or noSpool
	secretKey   []byte

	twilio struct {
		accountSID, authToken, smsFrom, whatsappFrom, voiceFrom, templates, apiURL string
	}
	telegram struct {
		token, secret, apiURL string
	}
	whatsapp struct { // Meta's Cloud API
		token, phoneID, appSecret, verifyToken, apiURL, templates string
	}
	kannel struct {
		url, username, password, from, callback, allow string
	}
	interfaces  interfaces
	gammuURL    string // of the tables of gammu-smsd
	ussdSecret  string
	ussdDialect string        // a key of ussd.Dialects
	open311Keys []open311.Key // who may file complaints from outside
	agencies    agencies
	metricsKey  string
	limits      map[bot.ChannelID]float64 // messages a second
	traces      bool                      // OpenTelemetry's own environment names a collector
	webChat     *webchat.Config           // nil: off
}

// noSpool says that no disk outlives the process: providers are told to come again.
const noSpool = "none"

// secretKeyLength is the number of bytes of TABE_SECRET_KEY.
const secretKeyLength = 32

// minFeedKey is the least length of the key of an agency.
const minFeedKey = 24

// environment reads settings and collects what is wrong with them, so that an
// operator sees all of it at once. Each NAME may also be given as NAME_FILE,
// the path of a file that holds it, as container secrets are.
type environment struct {
	getenv   func(string) string
	problems []error
}

func (e *environment) value(name string) string {
	if v := strings.TrimSpace(e.getenv(name)); v != "" {
		return v
	}
	path := e.getenv(name + "_FILE")
	if path == "" {
		return ""
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		e.wrong(name+"_FILE", "cannot be read")
		return ""
	}
	return strings.TrimSpace(string(raw))
}

// needed is a value that must be there because of reason.
func (e *environment) needed(name, reason string) string {
	v := e.value(name)
	if v == "" {
		e.wrong(name, "is missing"+reason)
	}
	return v
}

// wrong notes a problem. It never shows the value, which may be a secret.
func (e *environment) wrong(name, problem string) {
	e.problems = append(e.problems, fmt.Errorf("%s %s", name, problem))
}

func (e *environment) address(name string) string { return e.isAddress(name, e.value(name)) }

func (e *environment) isAddress(name, v string) string {
	if v = strings.TrimRight(v, "/"); v == "" {
		return ""
	}
	u, err := url.Parse(v)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "" {
		e.wrong(name, "is not an http or https address")
	}
	return v
}

func (e *environment) key(name string) []byte {
	v := e.value(name)
	if v == "" {
		return nil
	}
	key, err := hex.DecodeString(v)
	if err != nil || len(key) != secretKeyLength {
		e.wrong(name, fmt.Sprintf("is not %d bytes in hex (openssl rand -hex %d makes one)", secretKeyLength, secretKeyLength))
	}
	return key
}

// limits reads how many messages a second channels bear: sms=10,whatsapp=80.
func (e *environment) limits(name string) map[bot.ChannelID]float64 {
	all := map[bot.ChannelID]float64{}
	for _, one := range strings.FieldsFunc(e.value(name), func(r rune) bool { return r == ',' || r == ' ' }) {
		channel, number, _ := strings.Cut(one, "=")
		perSecond, err := strconv.ParseFloat(number, 64)
		if channel == "" || err != nil || !(perSecond > 0 && perSecond <= maxPerSecond) {
			e.wrong(name, "is not CHANNEL=MESSAGES A SECOND, with commas between")
			return nil
		}
		all[bot.ChannelID(channel)] = perSecond
	}
	return all
}

// maxPerSecond is more than any provider takes.
const maxPerSecond = 10_000

// readConfig reads the environment of tabe serve. dataDir is where the
// embedded database is when no other is named. The error names every setting
// that is missing or wrong.
func readConfig(getenv func(string) string, dataDir string) (config, error) {
	e := &environment{getenv: getenv}
	c := config{dataDir: dataDir}
	if c.addr = e.value("TABE_ADDR"); c.addr == "" {
		c.addr = ":8080"
	} else if _, _, err := net.SplitHostPort(c.addr); err != nil {
		e.wrong("TABE_ADDR", "is not HOST:PORT or :PORT")
	}
	c.publicURL = e.address("TABE_PUBLIC_URL")
	if c.databaseURL = e.value("TABE_DATABASE_URL"); c.databaseURL == "" {
		c.databaseURL = embedded(dataDir)
	} else if !strings.HasPrefix(c.databaseURL, "sqlite://") && !strings.HasPrefix(c.databaseURL, "postgres://") && !strings.HasPrefix(c.databaseURL, "postgresql://") {
		e.wrong("TABE_DATABASE_URL", "is neither sqlite:///path nor postgres://…")
	}
	if c.redisURL = e.value("TABE_REDIS_URL"); c.redisURL != "" {
		if err := redis.Validate(c.redisURL); err != nil {
			e.problems = append(e.problems, fmt.Errorf("TABE_REDIS_URL: %w", err))
		}
	}
	if c.spool = e.value("TABE_SPOOL"); c.spool == "" {
		c.spool = filepath.Join(dataDir, "spool")
	}
	c.boundaries = e.value("TABE_BOUNDARIES")
	if c.secretKey = e.key("TABE_SECRET_KEY"); c.secretKey == nil {
		e.needed("TABE_SECRET_KEY", ": residents' data is kept under this key")
	}

	if c.twilio.accountSID = e.value("TABE_TWILIO_ACCOUNT_SID"); c.twilio.accountSID != "" {
		const reason = ", which Twilio needs"
		c.twilio.authToken = e.needed("TABE_TWILIO_AUTH_TOKEN", reason)
		c.twilio.smsFrom = e.value("TABE_TWILIO_SMS_FROM")
		c.twilio.whatsappFrom = e.value("TABE_TWILIO_WHATSAPP_FROM")
		c.twilio.voiceFrom = e.value("TABE_TWILIO_VOICE_FROM")
		if c.twilio.smsFrom == "" && c.twilio.whatsappFrom == "" {
			e.wrong("TABE_TWILIO_SMS_FROM", "and TABE_TWILIO_WHATSAPP_FROM are both missing; Twilio needs one")
		}
		for _, name := range []string{"TABE_TWILIO_SMS_FROM", "TABE_TWILIO_WHATSAPP_FROM", "TABE_TWILIO_VOICE_FROM"} {
			if v := e.value(name); v != "" && !strings.HasPrefix(v, "MG") && len(v) > 11 { // longer than a sender's name or short code
				if _, err := ident.ParsePhone(v); err != nil {
					e.wrong(name, "is no telephone number")
				}
			}
		}
		c.twilio.templates = e.value("TABE_TWILIO_TEMPLATES")
		c.twilio.apiURL = e.address("TABE_TWILIO_API_URL")
		if c.publicURL == "" {
			e.wrong("TABE_PUBLIC_URL", "is missing"+reason+" to sign its requests")
		}
	}
	if c.telegram.token = e.value("TABE_TELEGRAM_TOKEN"); c.telegram.token != "" {
		if c.publicURL != "" {
			c.telegram.secret = e.needed("TABE_TELEGRAM_SECRET", ", which Telegram's webhook needs")
		}
		c.telegram.apiURL = e.address("TABE_TELEGRAM_API_URL")
	}
	if c.whatsapp.token = e.value("TABE_WHATSAPP_TOKEN"); c.whatsapp.token != "" {
		const reason = ", which WhatsApp needs"
		c.whatsapp.phoneID = e.needed("TABE_WHATSAPP_PHONE_ID", reason)
		c.whatsapp.appSecret = e.needed("TABE_WHATSAPP_APP_SECRET", reason+" to sign its requests")
		c.whatsapp.verifyToken = e.needed("TABE_WHATSAPP_VERIFY_TOKEN", reason+" for its handshake")
		c.whatsapp.apiURL = e.address("TABE_WHATSAPP_API_URL")
		c.whatsapp.templates = e.value("TABE_WHATSAPP_TEMPLATES")
	}
	if c.kannel.url = e.address("TABE_KANNEL_URL"); c.kannel.url != "" {
		const reason = ", which Kannel needs"
		c.kannel.username = e.needed("TABE_KANNEL_USERNAME", reason)
		c.kannel.password = e.needed("TABE_KANNEL_PASSWORD", reason)
		c.kannel.from = e.value("TABE_KANNEL_FROM")
		c.kannel.allow = e.value("TABE_KANNEL_ALLOW")
		if c.kannel.callback = e.address("TABE_KANNEL_CALLBACK_URL"); c.kannel.callback == "" {
			_, port, _ := net.SplitHostPort(c.addr)
			c.kannel.callback = "http://" + net.JoinHostPort("127.0.0.1", port) // Kannel is on this machine
		}
	}
	c.interfaces = readInterfaces(e)
	c.limits = e.limits("TABE_SEND_LIMITS")
	c.gammuURL = e.value("TABE_GAMMU_DATABASE_URL")
	c.ussdSecret = e.value("TABE_USSD_SECRET")
	if c.ussdDialect = e.value("TABE_USSD_DIALECT"); c.ussdDialect == "" {
		c.ussdDialect = "africastalking"
	} else if ussd.Dialects[c.ussdDialect] == nil {
		e.wrong("TABE_USSD_DIALECT", "is neither africastalking nor hubtel")
	}
	keys, err := open311.ParseKeys(e.value("TABE_OPEN311_KEYS"))
	if err != nil {
		e.wrong("TABE_OPEN311_KEYS", err.Error())
	}
	c.open311Keys = keys
	c.metricsKey = e.value("TABE_METRICS_KEY")
	c.traces = readTraces(e)
	if sites := e.value("TABE_WEBCHAT_ORIGINS"); sites != "" {
		origins, err := webchat.ParseOrigins(sites)
		if err != nil {
			e.wrong("TABE_WEBCHAT_ORIGINS", err.Error())
		}
		c.webChat = &webchat.Config{Origins: origins}
	}
	c.agencies.feedKeys = strings.FieldsFunc(e.value("TABE_SCC_FEED_KEYS"), func(r rune) bool { return r == ',' || r == ' ' })
	for _, key := range c.agencies.feedKeys {
		if len(key) < minFeedKey {
			e.wrong("TABE_SCC_FEED_KEYS", fmt.Sprintf("has a key of less than %d characters", minFeedKey))
		}
	}
	if c.agencies.peers, err = readPeers(e.value("TABE_EXCHANGE")); err != nil {
		e.problems = append(e.problems, err)
	}
	if len(e.problems) > 0 {
		return c, errors.Join(e.problems...)
	}
	return c, nil
}

// embedded is the address of the database file in a folder.
func embedded(dataDir string) string {
	if absolute, err := filepath.Abs(dataDir); err == nil {
		dataDir = absolute
	}
	return "sqlite://" + filepath.ToSlash(filepath.Join(dataDir, "tabe.db"))
}
