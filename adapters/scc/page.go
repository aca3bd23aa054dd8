package scc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tabe/adapters/database"
	"tabe/bot"
	"tabe/flows/darurat"
	"tabe/flows/siaga"
)

// Limits of a page on its way.
const (
	arrivesIn  = 60 * time.Second // without a receipt by then it goes over the next channel as well
	tries      = 3                // that fail, then the next channel
	watchFrom  = 2 * time.Second  // nothing can have failed before
	maxWatched = 1000
)

// page posts an alarm to a contact by the first channel that can reach it. The
// tag tells pages of the same incident apart; the same one is posted once. It
// returns nil if that was done before.
func (c *Center) page(tx *database.Tx, i Incident, tag, target string, r Route, wanted []string, now time.Time) (*pageRef, error) {
	channels := c.canReach(r.Contact, wanted)
	if len(channels) == 0 {
		return nil, nil
	}
	name := fmt.Sprint(i.ID, ":", tag, ":", target, ":", r.Contact.ID)
	if i.Step > 0 || i.Loops > 0 {
		if many, err := c.many(tx, r.Contact.Phone, channels[0], now); err != nil || many {
			return c.bundle(tx, i, name, target, r, channels[0], now, err)
		}
	}
	return c.pageBy(tx, i, name, target, r, channels, siaga.Paged, now)
}

// maxRepeats is how many alarms that are no first ones a phone gets in a
// minute. What comes on top is told in one message with a number: in a flood
// nobody reads a hundred of them, and the first pages of others wait behind.
const (
	maxRepeats = 3
	bundled    = "bundled"
)

func (c *Center) many(tx *database.Tx, phone, channel string, now time.Time) (bool, error) {
	var n int
	err := tx.QueryRow(`select count(*) from (select 1 from pages where phone = $1 and channel = $2 and posted > $3 and reason <> $4 limit $5) as lately`,
		[]any{phone, channel, database.Micros(now.Add(-time.Minute)), bundled, maxRepeats}, &n)
	return n == maxRepeats, err
}

// bundle notes a page that is told together with others.
func (c *Center) bundle(tx *database.Tx, i Incident, name, target string, r Route, channel string, now time.Time, err error) (*pageRef, error) {
	if err != nil {
		return nil, err
	}
	changed, err := tx.Exec(`insert into pages (id, incident, target, contact, phone, channel, rest, reason, posted, watched)
		values ($1, $2, $3, $4, $5, $6, '', $7, $8, false) on conflict do nothing`,
		name+":"+channel, i.ID, target, r.Contact.ID, r.Contact.Phone, channel, bundled, database.Micros(now))
	if err != nil || changed == 0 {
		return nil, err
	}
	id := fmt.Sprint("bundle:", r.Contact.ID, ":", channel, ":", now.Unix()/60)
	if err := c.alarm(tx, i, id, bot.ChannelID(channel), r.Contact.Phone, siaga.Bundled, true); err != nil {
		return nil, err
	}
	return &pageRef{target, r.Contact.ID, channel, bundled, int(r.Metres)}, nil
}

// pageBy posts an alarm by the first of some channels and keeps the rest for
// when it does not arrive.
func (c *Center) pageBy(tx *database.Tx, i Incident, name, target string, r Route, channels []string, kind string, now time.Time) (*pageRef, error) {
	id := name + ":" + channels[0]
	var before int
	if err := tx.QueryRow(`select count(*) from pages where incident = $1 and phone = $2`, []any{i.ID, r.Contact.Phone}, &before); err != nil {
		return nil, err
	}
	changed, err := tx.Exec(`insert into pages (id, incident, target, contact, phone, channel, rest, reason, posted)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9) on conflict do nothing`,
		id, i.ID, target, r.Contact.ID, r.Contact.Phone, channels[0], strings.Join(channels[1:], ","), r.Why, database.Micros(now))
	if err != nil || changed == 0 {
		return nil, err
	}
	if err := c.alarm(tx, i, id, bot.ChannelID(channels[0]), r.Contact.Phone, kind, before > 0); err != nil {
		return nil, err
	}
	return &pageRef{target, r.Contact.ID, channels[0], r.Why, int(r.Metres)}, nil
}

// alarm posts the notice to a duty phone. again tells that it was told before.
func (c *Center) alarm(tx *database.Tx, i Incident, id string, channel bot.ChannelID, phone, kind string, again bool) error {
	village, district := c.place(i)
	a := siaga.Alarm{
		Incident: i.ID, Code: i.Code, Kind: string(i.Kind), Place: village, District: district, Position: i.Position,
		At: i.Opened, Again: again, Danger: i.Danger == darurat.Yes, Test: i.Test,
	}
	if i.Kind == darurat.Violence {
		a.Danger = false
	} else if _, err := c.opened(i.landmark, cell("incidents.landmark", i.ID), &a.Landmark); err != nil {
		a.Landmark = "" // the alarm goes out without
	}
	body, err := json.Marshal(a)
	if err != nil {
		return err
	}
	_, err = c.Mail().Post(tx, bot.Message{
		ID: "siaga:" + id, Channel: channel, Peer: phone, Subject: "tel:" + phone, Notice: &bot.Notice{Flow: "siaga", Kind: kind, Body: body},
	}, time.Time{})
	return err
}

// follow tells what became known after somebody was told already, where it is
// or that people are in danger: the post that is the right one now is paged at
// once, and those who were told before learn it.
func (c *Center) follow(tx *database.Tx, i Incident, now time.Time) error {
	if i.Status == Closed || i.Test {
		return nil
	}
	rows, _, err := policy(tx, i)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(rows, func(t tier) bool { return t.target == "post" })
	if _, err := c.opened(i.landmark, cell("incidents.landmark", i.ID), &i.Landmark); err != nil {
		return err
	}
	told, err := c.told(tx, i.ID)
	if err != nil {
		return err
	}
	if at >= 0 && i.Status == Unanswered && i.Step >= 0 { // otherwise the first step is still to come
		routes, _, err := c.routes(tx, i, rows[at].channels)
		if err != nil {
			return err
		}
		if len(routes) > 0 && !slices.ContainsFunc(told, func(t toldPhone) bool { return t.phone == routes[0].Contact.Phone }) {
			if _, err := c.page(tx, i, "place"+c.tag(i), "post", routes[0], rows[at].channels, now); err != nil {
				return err
			}
		}
	}
	for _, t := range told {
		if !t.going {
			continue
		}
		id := fmt.Sprint(i.ID, ":moved:", c.tag(i), ":", t.contact)
		if err := c.alarm(tx, i, id, t.channel, t.phone, siaga.Moved, true); err != nil {
			return err
		}
	}
	return nil
}

// tag tells what is known of incidents apart, in the ids of messages. It is a
// hash: ids are kept in clear.
func (c *Center) tag(i Incident) string {
	var at bot.Location
	if i.Position != nil {
		at = *i.Position
	}
	return c.seal.Hash(fmt.Sprint(i.District, "|", i.Village, "|", at, "|", i.Landmark, "|", i.Danger))[:12]
}

type toldPhone struct {
	contact int64
	phone   string
	channel bot.ChannelID
	going   bool // one that goes there, and has not refused or finished
}

// told are the phones that were paged about an incident, each once.
func (c *Center) told(tx *database.Tx, incident int64) (all []toldPhone, err error) {
	rows, err := tx.Query(`select p.contact, p.phone, p.channel, p.target, d.refused is not null or d.done is not null from pages p
		left join dispatches d on d.incident = p.incident and d.contact = p.contact where p.incident = $1 order by p.posted, p.id`, incident)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var t toldPhone
		var target string
		var over bool
		if err := rows.Scan(&t.contact, &t.phone, &t.channel, &target, &over); err != nil {
			return nil, err
		}
		t.going = isPost(target) && !over
		if at := slices.IndexFunc(all, func(o toldPhone) bool { return o.phone == t.phone }); at >= 0 {
			all[at].going = all[at].going || t.going
			continue
		}
		all = append(all, t)
	}
	return all, rows.Err()
}

// watched is a page that has not arrived yet.
type watched struct {
	id, target, phone, channel, rest string
	incident, contact                int64
	posted                           time.Time
	waiting                          bool // the incident still needs it
}

// watch looks after the pages that have not arrived: after three failures, or
// a minute without a receipt, the next channel is taken. On the last one the
// sender goes on trying, and the last tier repeats.
func (c *Center) watch(ctx context.Context) error {
	now, err := c.time(ctx)
	if err != nil {
		return fmt.Errorf("scc: %w", err)
	}
	pages, err := c.watchedPages(ctx, now)
	if err != nil {
		return fmt.Errorf("scc: watch: %w", err)
	}
	var problems []error
	for _, p := range pages {
		if err := c.lookAfter(ctx, p, now); err != nil {
			problems = append(problems, fmt.Errorf("scc: watch: %w", err))
		}
	}
	return errors.Join(problems...)
}

func (c *Center) watchedPages(ctx context.Context, now time.Time) (pages []watched, err error) {
	rows, err := c.DB.Query(ctx, `select p.id, p.target, p.phone, p.channel, p.rest, p.incident, p.contact, p.posted,
		i.status = 'new' or i.status <> 'closed' and p.target = 'sent'
		from pages p join incidents i on i.id = p.incident where p.watched and p.posted < $1 order by p.posted limit $2`,
		database.Micros(now.Add(-watchFrom)), maxWatched)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var p watched
		var posted int64
		if err := rows.Scan(&p.id, &p.target, &p.phone, &p.channel, &p.rest, &p.incident, &p.contact, &posted, &p.waiting); err != nil {
			return nil, err
		}
		p.posted = database.Time(posted)
		pages = append(pages, p)
	}
	return pages, rows.Err()
}

func (c *Center) lookAfter(ctx context.Context, p watched, now time.Time) error {
	d, err := c.Mail().Delivery(ctx, bot.ChannelID(p.channel), "siaga:"+p.id)
	if err != nil {
		return err
	}
	why := ""
	switch {
	case d.Status == bot.Delivered, d.Status == bot.Read:
	case d.Answered && d.Status == "":
		why = "silent" // an alarm is never told in silence: something is broken
	case d.Status == bot.Dead, d.Status == bot.Failed:
		why = "failed"
	case !p.waiting:
	case d.Attempts >= tries:
		why = "tries"
	case now.Sub(p.posted) > arrivesIn:
		why = "late"
	default:
		return nil // give it time
	}
	return c.do(ctx, func(tx *database.Tx, now time.Time) error {
		changed, err := tx.Exec(`update pages set watched = false where id = $1 and watched`, p.id)
		if err != nil || changed == 0 || why == "" || !p.waiting {
			return err
		}
		i, err := c.load(tx, p.incident)
		if err != nil {
			return err
		}
		body := map[string]any{"contact": p.contact, "target": p.target, "channel": p.channel, "why": why}
		rest, err := untried(tx, p)
		if err != nil {
			return err
		}
		if len(rest) > 0 {
			name := strings.TrimSuffix(p.id, ":"+p.channel)
			r := Route{Contact: Contact{ID: p.contact, Phone: p.phone}}
			if _, err := c.pageBy(tx, i, name, p.target, r, rest, siaga.Paged, now); err != nil {
				return err
			}
			body["next"] = rest[0]
		}
		return c.event(tx, now, "engine", "page.missed", i.Code, body)
	})
}

// untried are the channels that a page can still take: without those over
// which the phone was told of the incident since, by a later tier.
func untried(tx *database.Tx, p watched) (rest []string, err error) {
	for _, channel := range list(p.rest) {
		var later int
		if err := tx.QueryRow(`select count(*) from pages where incident = $1 and phone = $2 and channel = $3 and posted > $4`,
			[]any{p.incident, p.phone, channel, database.Micros(p.posted)}, &later); err != nil {
			return nil, err
		}
		if later == 0 {
			rest = append(rest, channel)
		}
	}
	return rest, nil
}
