package scc

import (
	"context"
	"database/sql"
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

// Duty is the center as duty phones see it. It implements siaga.Pages.
type Duty struct{ *Center }

var _ siaga.Pages = Duty{}

// Open implements siaga.Pages.
func (c Duty) Open(ctx context.Context, phone string) ([]siaga.Page, error) {
	rows, err := c.DB.Query(ctx, `select i.id, i.code, i.village, i.district, d.accepted is not null or i.acked_by = k.name from incidents i
		join (select incident, min(contact) as contact from pages where phone = $1 group by incident) p on p.incident = i.id
		join contacts k on k.id = p.contact
		left join dispatches d on d.incident = i.id and d.contact = p.contact
		where i.status <> 'closed' and d.refused is null and d.done is null order by i.opened desc, i.id desc limit 500`, phone)
	if err != nil {
		return nil, fmt.Errorf("scc: pages: %w", err)
	}
	defer rows.Close()
	var pages []siaga.Page
	for rows.Next() {
		var p siaga.Page
		var village, district string
		if err := rows.Scan(&p.Incident, &p.Code, &village, &district, &p.Answered); err != nil {
			return nil, fmt.Errorf("scc: pages: %w", err)
		}
		if u, ok := c.Map.Unit(village); ok {
			p.Place = u.Name
		} else if u, ok := c.Map.Unit(district); ok {
			p.Place = u.Name
		}
		pages = append(pages, p)
	}
	return pages, rows.Err()
}

// Answer applies the answer of a duty phone in the transaction of its turn.
func (c *Center) Answer(tx *database.Tx, _ bot.Entry, a siaga.Answer) error {
	now, err := c.now(tx)
	if err != nil {
		return err
	}
	i, err := c.load(tx, a.Incident)
	if errors.Is(err, sql.ErrNoRows) || err == nil && i.Status == Closed {
		return nil
	}
	if err != nil {
		return fmt.Errorf("scc: answer: %w", err)
	}
	var contact int64
	var target, name string
	err = tx.QueryRow(`select p.contact, p.target, k.name from pages p join contacts k on k.id = p.contact
		where p.incident = $1 and p.phone = $2 order by p.posted desc, p.id desc limit 1`, []any{i.ID, a.Phone}, &contact, &target, &name)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // it was never paged: the flow does not ask us then
	}
	if err == nil {
		if isPost(target) {
			err = c.postAnswers(tx, i, contact, name, a.Word, now)
		} else {
			err = c.othersAnswer(tx, i, name, a.Word, now)
		}
	}
	if err != nil {
		return fmt.Errorf("scc: answer: %w", err)
	}
	return nil
}

// marks are the columns of dispatches in which each answer is noted.
var marks = map[siaga.Word]string{
	siaga.Accept:  `accepted = coalesce(accepted, $1), refused = null`,
	siaga.Refuse:  `refused = $1`,
	siaga.OnScene: `accepted = coalesce(accepted, $1), on_scene = coalesce(on_scene, $1), refused = null`,
	siaga.Done:    `accepted = coalesce(accepted, $1), done = coalesce(done, $1), refused = null`,
}

// postAnswers notes what a post says. Its "1" is an acknowledgement by a human
// being: it ends the escalation. Its "2" goes on to the next post at once.
func (c *Center) postAnswers(tx *database.Tx, i Incident, contact int64, name string, w siaga.Word, now time.Time) error {
	if _, err := tx.Exec(`insert into dispatches (incident, contact, sent_by, sent) values ($1, $2, 'post', $3) on conflict do nothing`,
		i.ID, contact, database.Micros(now)); err != nil {
		return err
	}
	if _, err := tx.Exec(`update dispatches set `+marks[w]+` where incident = $2 and contact = $3`, database.Micros(now), i.ID, contact); err != nil {
		return err
	}
	if w == siaga.Refuse {
		var going int
		if err := tx.QueryRow(`select count(*) from dispatches where incident = $1 and refused is null`, []any{i.ID}, &going); err != nil {
			return err
		}
		if going == 0 && i.Status != Acked {
			if err := c.again(tx, i, now); err != nil {
				return err
			}
		}
		return c.event(tx, now, name, "unit.refuse", i.Code, map[string]any{"contact": contact})
	}
	if _, err := tx.Exec(`update incidents set status = 'dispatched', acked = coalesce(acked, $1), acked_by = case when acked is null then $2 else acked_by end,
		dispatched = coalesce(dispatched, $1), next_at = null, version = version + 1 where id = $3`, database.Micros(now), name, i.ID); err != nil {
		return err
	}
	if w == siaga.Accept {
		if err := c.notify(tx, i, "going:"+fmt.Sprint(contact), darurat.ToldGoing, darurat.News{Post: name}); err != nil {
			return err
		}
	}
	return c.event(tx, now, name, "unit."+string(w), i.Code, map[string]any{"contact": contact})
}

// othersAnswer notes what somebody says who does not go there: an operator at
// home, a coordinator. Their "1" is the center's acknowledgement.
func (c *Center) othersAnswer(tx *database.Tx, i Incident, name string, w siaga.Word, now time.Time) error {
	if w == siaga.Accept && i.Status == Unanswered {
		if _, err := tx.Exec(`update incidents set status = 'acked', acked = $1, acked_by = $2, set_at = $1, next_at = $3, version = version + 1 where id = $4`,
			database.Micros(now), name, database.Micros(now.Add(ackedFor)), i.ID); err != nil {
			return err
		}
		return c.event(tx, now, name, "incident.acked", i.Code, map[string]any{"by": "phone"})
	}
	return c.event(tx, now, name, "phone."+string(w), i.Code, nil)
}

// notify tells the reporters of an incident. Who reported violence is written
// to only if he agreed, and nobody who refused.
func (c *Center) notify(tx *database.Tx, i Incident, id, kind string, news darurat.News) error {
	quiet := i.Kind == darurat.Violence
	reporters, err := c.reporters(tx, i.ID)
	if err != nil {
		return err
	}
	news.Code, news.Quiet = i.Code, quiet
	body, err := json.Marshal(news)
	if err != nil {
		return err
	}
	for n, r := range reporters {
		channel, ok := c.way(r)
		if !ok || !r.mayWrite(quiet) {
			continue
		}
		if _, err := c.Mail().Post(tx, bot.Message{
			ID: fmt.Sprint("darurat:", i.ID, ":", id, ":", n), Channel: channel, Peer: r.Peer, Subject: r.Subject,
			Notice: &bot.Notice{Flow: "darurat", Kind: kind, Body: body},
		}, time.Time{}); err != nil {
			return err
		}
	}
	return nil
}

// Reporter is who reported an incident.
type Reporter struct {
	Resident bot.ResidentID
	Channel  bot.ChannelID
	Contact  darurat.Answer // may he be written to?
	Language string
	Peer     string // empty: erased
	Subject  string
	Since    time.Time
}

// reporterCell names the sealed address of a reporter.
func reporterCell(incident int64, resident bot.ResidentID, channel bot.ChannelID) string {
	return cell("incident_reporters.body", fmt.Sprint(incident, "|", resident, "|", channel))
}

func (r Reporter) mayWrite(quiet bool) bool {
	if r.Peer == "" || quiet {
		return r.Peer != "" && r.Contact == darurat.Yes
	}
	return r.Contact != darurat.No
}

// way is the channel by which a reporter can be written to: his own or, where
// that carries nothing out (a dialled code), the first that reaches his number.
func (c *Center) way(r Reporter) (bot.ChannelID, bool) {
	if slices.Contains(c.Channels, r.Channel) {
		return r.Channel, true
	}
	if !strings.HasPrefix(r.Subject, "tel:") {
		return "", false
	}
	for _, channel := range []bot.ChannelID{"sms", "whatsapp"} {
		if slices.Contains(c.Channels, channel) {
			return channel, true
		}
	}
	return "", false
}

// reporters returns each person once, by the channel that he used first.
func (c *Center) reporters(tx *database.Tx, incident int64) ([]Reporter, error) {
	rows, err := tx.Query(reportersOf, incident)
	if err != nil {
		return nil, err
	}
	all, err := c.readReporters(rows)
	var once []Reporter
	for _, r := range all {
		if !slices.ContainsFunc(once, func(o Reporter) bool { return o.Resident == r.Resident }) {
			once = append(once, r)
		}
	}
	return once, err
}

const reportersOf = `select incident, resident, channel, contact, language, body, since from incident_reporters where incident = $1 order by since, resident, channel`

func (c *Center) readReporters(rows *sql.Rows) (all []Reporter, err error) {
	defer rows.Close()
	for rows.Next() {
		var r Reporter
		var body []byte
		var incident, since int64
		if err := rows.Scan(&incident, &r.Resident, &r.Channel, &r.Contact, &r.Language, &body, &since); err != nil {
			return nil, err
		}
		var a address
		if _, err := c.opened(body, reporterCell(incident, r.Resident, r.Channel), &a); err != nil {
			return nil, err
		}
		r.Peer, r.Subject, r.Since = a.Peer, a.Subject, database.Time(since)
		all = append(all, r)
	}
	return all, rows.Err()
}
