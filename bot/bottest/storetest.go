package bottest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/bot"
)

// Opened is an empty store under test.
type Opened struct {
	Store  bot.Store
	Outbox bot.Outbox
	// Status tells how far an outgoing message has come.
	Status func(id int64) bot.Status
	// Reopen closes the store and opens it again, as a new process would; nil
	// for a store that forgets.
	Reopen func() Opened
}

// StoreSuite checks that an implementation of bot.Store and bot.Outbox keeps
// what the ports say. open returns a new, empty store that reads the given clock.
func StoreSuite(t *testing.T, open func(t *testing.T, clock func() time.Time) Opened) {
	for _, c := range []struct {
		name string
		test func(t *testing.T, s *bench)
	}{
		{"AcceptKeepsEverything", acceptKeepsEverything},
		{"AcceptTellsWhatTheTurnBeginsWith", acceptTellsWhatTheTurnBeginsWith},
		{"ASecondDeliveryIsTheFirst", aSecondDeliveryIsTheFirst},
		{"ConcurrentDeliveries", concurrentDeliveries},
		{"Identity", identity},
		{"PendingIsInOrder", pendingIsInOrder},
		{"Unanswered", unanswered},
		{"CommitMovesTheState", commitMovesTheState},
		{"AStaleCommitChangesNothing", aStaleCommitChangesNothing},
		{"OneOfManyCommitsWins", oneOfManyCommitsWins},
		{"InlineAnswersAreKept", inlineAnswersAreKept},
		{"Erase", erase},
		{"WhatCommitHandsOutIsClaimed", whatCommitHandsOutIsClaimed},
		{"RepliesWaitBehindEarlierOnes", repliesWaitBehindEarlierOnes},
		{"APairIsNotSentTwice", aPairIsNotSentTwice},
		{"LinesDoNotWaitForEachOther", linesDoNotWaitForEachOther},
		{"Retry", retry},
		{"Bury", bury},
		{"LateReports", lateReports},
		{"ALostReportStrandsNothing", aLostReportStrandsNothing},
		{"ClaimLimit", claimLimit},
		{"UrgentLeavesApart", urgentLeavesApart},
		{"WhatStandsBeforeUrgentHurries", whatStandsBeforeUrgentHurries},
		{"Receipts", receipts},
		{"ReceiptsNameOneChannel", receiptsNameOneChannel},
		{"NothingIsClaimedTwice", nothingIsClaimedTwice},
		{"ManyAtOnce", manyAtOnce},
		{"ANewProcess", aNewProcess},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := &bench{t: t, now: time.Date(2026, 11, 25, 4, 0, 0, 0, time.UTC)}
			s.Opened = open(t, s.clock)
			c.test(t, s)
		})
	}
}

// bench is a store with what the tests do to it.
type bench struct {
	Opened
	t *testing.T

	mu  sync.Mutex
	now time.Time
	n   int
}

func (s *bench) clock() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.now
}

func (s *bench) pass(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now = s.now.Add(d)
}

// message returns a new message of somebody.
func (s *bench) message(subject string) bot.Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.n++
	return bot.Message{ID: fmt.Sprint("m", s.n), Channel: "sms", Peer: "peer of " + subject, Subject: subject, At: s.now, Text: fmt.Sprint("text ", s.n)}
}

func (s *bench) accept(m bot.Message) bot.Entry {
	s.t.Helper()
	e, fresh, err := s.Store.Accept(context.Background(), m)
	if err != nil {
		s.t.Fatal(err)
	}
	if !fresh {
		s.t.Fatalf("message %s is not fresh", m.ID)
	}
	return e
}

// turn answers a new message of somebody and returns what may be sent at once.
func (s *bench) turn(subject string, replies ...string) []bot.Outbound {
	s.t.Helper()
	send, err := s.commit(s.accept(s.message(subject)), replies...)
	if err != nil {
		s.t.Fatal(err)
	}
	return send
}

func (s *bench) commit(e bot.Entry, replies ...string) ([]bot.Outbound, error) {
	state, err := s.Store.Load(context.Background(), e.Resident)
	if err != nil {
		return nil, err
	}
	return s.Store.Commit(context.Background(), done(e, state.Version, replies...))
}

func done(e bot.Entry, before int64, replies ...string) bot.Done {
	d := bot.Done{Entry: e, Before: before, State: fmt.Appendf(nil, "state %d", before+1)}
	for _, r := range replies {
		d.Replies = append(d.Replies, bot.Text{Body: r})
	}
	return d
}

func (s *bench) state(id bot.ResidentID) bot.State {
	s.t.Helper()
	state, err := s.Store.Load(s.t.Context(), id)
	if err != nil {
		s.t.Fatal(err)
	}
	return state
}

func (s *bench) pending(id bot.ResidentID, limit int) []int64 {
	s.t.Helper()
	entries, err := s.Store.Pending(s.t.Context(), id, limit)
	if err != nil {
		s.t.Fatal(err)
	}
	var seqs []int64
	for _, e := range entries {
		seqs = append(seqs, e.Seq)
	}
	return seqs
}

const lease = time.Minute

func (s *bench) claim() []bot.Outbound {
	s.t.Helper()
	rows, err := s.Outbox.Claim(s.t.Context(), "sms", false, lease, 100)
	if err != nil {
		s.t.Fatal(err)
	}
	return rows
}

// claims fails unless exactly these bodies can be claimed.
func (s *bench) claims(want ...string) []bot.Outbound {
	s.t.Helper()
	rows := s.claim()
	if got := bodies(rows); !slices.Equal(got, want) {
		s.t.Fatalf("claimed %q, want %q", got, want)
	}
	return rows
}

func bodies(rows []bot.Outbound) []string {
	var got []string
	for _, o := range rows {
		got = append(got, o.Text.Body)
	}
	return got
}

func (s *bench) sent(id int64) {
	s.must(s.Outbox.Sent(context.Background(), id, bot.Handover{ProviderID: fmt.Sprint("p", id)}))
}

func (s *bench) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func acceptKeepsEverything(t *testing.T, s *bench) {
	m := bot.Message{
		ID: "id", Channel: "telegram", Peer: "4711", Subject: "telegram:4711", At: time.Date(2026, 11, 25, 3, 59, 58, 123456000, time.UTC),
		Dialogue: "d", Text: "siaga pajakku? é ᨕ 🙂", Choice: "pay", Media: "photo", Opens: true,
	}
	e := s.accept(m)
	if !same(e.Message, m) || e.Seq <= 0 || e.Resident != s.Store.ID(m.Subject) || !e.Due.Equal(s.clock()) {
		t.Errorf("accepted as %+v", e)
	}
	s.pass(time.Minute)
	entries, err := s.Store.Pending(t.Context(), e.Resident, 10)
	if err != nil || len(entries) != 1 || !same(entries[0].Message, m) || entries[0].Seq != e.Seq || entries[0].Resident != e.Resident || !entries[0].Due.Equal(e.Due) {
		t.Errorf("pending as %+v, %v", entries, err)
	}
}

// same compares messages; the zone of At does not count.
func same(a, b bot.Message) bool {
	at := a.At.Equal(b.At)
	a.At, b.At = time.Time{}, time.Time{}
	return at && a == b
}

func acceptTellsWhatTheTurnBeginsWith(t *testing.T, s *bench) {
	for _, subject := range []string{"tel:+6281100000401", "telegram:4711"} {
		s.accept(s.message("somebody else"))
		first := s.accept(s.message(subject))
		if b := first.Before; b == nil || b.Version != 0 || len(b.Blob) > 0 {
			t.Errorf("%s: the first message of a stranger begins with %+v", subject, b)
		}
		second := s.accept(s.message(subject))
		if second.Before != nil {
			t.Errorf("%s: the second message may be answered before the first", subject)
		}
		for _, e := range []bot.Entry{first, second} {
			_, err := s.commit(e)
			s.must(err)
		}
		third := s.accept(s.message(subject))
		if b := third.Before; b == nil || b.Version != 2 || string(b.Blob) != "state 2" {
			t.Errorf("%s: after two turns one begins with %+v", subject, b)
		}
	}
}

func aSecondDeliveryIsTheFirst(t *testing.T, s *bench) {
	m := s.message("a")
	first := s.accept(m)
	other := m
	other.Text, other.Peer = "something else", "somebody else"
	for range 2 { // also after it was answered
		e, fresh, err := s.Store.Accept(t.Context(), other)
		if err != nil || fresh || e.Seq != first.Seq || e.Resident != first.Resident || !same(e.Message, m) {
			t.Errorf("the second delivery is %+v, fresh %v, %v", e, fresh, err)
		}
		_, err = s.commit(first, "x")
		if err != nil && !errors.Is(err, bot.ErrStale) {
			t.Fatal(err)
		}
	}
	if got := s.pending(first.Resident, 10); len(got) > 0 {
		t.Errorf("answered, and pending again: %v", got)
	}
	m.Channel = "whatsapp" // ids are the channel's own
	if e := s.accept(m); e.Seq == first.Seq {
		t.Error("two channels share an id")
	}
}

func concurrentDeliveries(t *testing.T, s *bench) {
	const messages, copies = 20, 8
	var wg sync.WaitGroup
	var mu sync.Mutex
	fresh, seqs := map[string]int{}, map[string]map[int64]bool{}
	for n := range messages {
		m := s.message(fmt.Sprint("resident ", n%3))
		for range copies {
			wg.Go(func() {
				e, isFresh, err := s.Store.Accept(context.Background(), m)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				defer mu.Unlock()
				if isFresh {
					fresh[m.ID]++
				}
				if seqs[m.ID] == nil {
					seqs[m.ID] = map[int64]bool{}
				}
				seqs[m.ID][e.Seq] = true
			})
		}
	}
	wg.Wait()
	for id, n := range fresh {
		if n != 1 || len(seqs[id]) != 1 {
			t.Errorf("%s was fresh %d times and has %d numbers", id, n, len(seqs[id]))
		}
	}
	if len(fresh) != messages {
		t.Errorf("%d of %d messages were fresh", len(fresh), messages)
	}
}

func identity(t *testing.T, s *bench) {
	const subject = "tel:+6281100000001"
	id := s.Store.ID(subject)
	if id == "" || id != s.Store.ID(subject) || id == s.Store.ID("tel:+6281100000002") {
		t.Errorf("ids are not one for each subject: %s", id)
	}
	if strings.Contains(string(id), "811") {
		t.Errorf("the id %s tells the number", id)
	}
}

func pendingIsInOrder(t *testing.T, s *bench) {
	var want []int64
	var entries []bot.Entry
	for range 5 {
		e := s.accept(s.message("a"))
		s.accept(s.message("b"))
		entries, want = append(entries, e), append(want, e.Seq)
	}
	id := s.Store.ID("a")
	if got := s.pending(id, 10); !slices.Equal(got, want) || !slices.IsSorted(got) {
		t.Errorf("pending %v, want %v", got, want)
	}
	if got := s.pending(id, 2); !slices.Equal(got, want[:2]) {
		t.Errorf("the first two are %v of %v", got, want)
	}
	if _, err := s.commit(entries[0], "x"); err != nil {
		t.Fatal(err)
	}
	if got := s.pending(id, 10); !slices.Equal(got, want[1:]) {
		t.Errorf("after one answer %v, want %v", got, want[1:])
	}
	if got := s.pending("nobody", 10); len(got) > 0 {
		t.Errorf("nobody has %v", got)
	}
}

func unanswered(t *testing.T, s *bench) {
	ids := func(before time.Time, limit int) []bot.ResidentID {
		got, err := s.Store.Unanswered(t.Context(), before, limit)
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(got)
		return got
	}
	sorted := func(subjects ...string) []bot.ResidentID {
		var want []bot.ResidentID
		for _, subject := range subjects {
			want = append(want, s.Store.ID(subject))
		}
		slices.Sort(want)
		return want
	}
	old := s.accept(s.message("a"))
	s.accept(s.message("a"))
	s.pass(time.Minute)
	s.accept(s.message("b"))
	if got := ids(s.clock(), 10); !slices.Equal(got, sorted("a")) {
		t.Errorf("before now: %v", got)
	}
	s.pass(time.Second)
	s.accept(s.message("a")) // new, but an old one waits
	if got := ids(s.clock(), 10); !slices.Equal(got, sorted("a", "b")) {
		t.Errorf("a second later: %v", got)
	}
	if got := ids(s.clock(), 1); len(got) != 1 {
		t.Errorf("one at most: %v", got)
	}
	if got := ids(old.At, 10); len(got) > 0 {
		t.Errorf("before the first: %v", got)
	}
	for _, subject := range []string{"a", "b"} {
		entries, err := s.Store.Pending(t.Context(), s.Store.ID(subject), 10)
		s.must(err)
		for _, e := range entries {
			_, err := s.commit(e, "x")
			s.must(err)
		}
	}
	s.pass(time.Hour)
	if got := ids(s.clock(), 10); len(got) > 0 {
		t.Errorf("all are answered, but %v", got)
	}
}

func commitMovesTheState(t *testing.T, s *bench) {
	if state := s.state(s.Store.ID("a")); state.Version != 0 || len(state.Blob) != 0 {
		t.Errorf("a stranger has %+v", state)
	}
	for version := int64(1); version <= 3; version++ {
		s.turn("a", "x")
		want := bot.State{Version: version, Blob: fmt.Appendf(nil, "state %d", version)}
		if state := s.state(s.Store.ID("a")); !reflect.DeepEqual(state, want) {
			t.Errorf("%d %q, want %d %q", state.Version, state.Blob, want.Version, want.Blob)
		}
	}
	if state := s.state(s.Store.ID("b")); state.Version != 0 {
		t.Errorf("a neighbour has %+v", state)
	}
}

func aStaleCommitChangesNothing(t *testing.T, s *bench) {
	s.turn("a")
	e := s.accept(s.message("a"))
	for _, before := range []int64{0, 2, 7} {
		if _, err := s.Store.Commit(t.Context(), done(e, before, "stale")); !errors.Is(err, bot.ErrStale) {
			t.Errorf("from version %d: %v", before, err)
		}
	}
	if got := s.pending(e.Resident, 10); !slices.Equal(got, []int64{e.Seq}) {
		t.Errorf("pending %v", got)
	}
	if _, err := s.Store.Commit(t.Context(), done(e, 1)); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Store.Commit(t.Context(), done(e, 2, "again")); !errors.Is(err, bot.ErrStale) {
		t.Errorf("an answered message: %v", err)
	}
	e.Seq += 1000
	if _, err := s.Store.Commit(t.Context(), done(e, 2, "unknown")); !errors.Is(err, bot.ErrStale) {
		t.Errorf("an unknown message: %v", err)
	}
	if state := s.state(e.Resident); state.Version != 2 || string(state.Blob) != "state 2" {
		t.Errorf("the state is %d %q", state.Version, state.Blob)
	}
	s.pass(time.Hour)
	s.claims()
}

func oneOfManyCommitsWins(t *testing.T, s *bench) {
	const rivals = 8
	for version := range int64(5) {
		same := s.accept(s.message("a"))
		other := s.accept(s.message("a"))
		var wg sync.WaitGroup
		var mu sync.Mutex
		won := 0
		for i := range rivals {
			e := same
			if i%2 == 1 {
				e = other
			}
			wg.Go(func() {
				_, err := s.Store.Commit(context.Background(), done(e, version, "x"))
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					won++
				} else if !errors.Is(err, bot.ErrStale) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if won != 1 || s.state(same.Resident).Version != version+1 {
			t.Fatalf("%d of %d won, version %d", won, rivals, s.state(same.Resident).Version)
		}
	}
}

func inlineAnswersAreKept(t *testing.T, s *bench) {
	e := s.accept(s.message("a"))
	if _, ok, err := s.Store.Answer(t.Context(), e.Seq); ok || err != nil {
		t.Errorf("unanswered: %v, %v", ok, err)
	}
	d := done(e, 0)
	d.Inline = true
	d.Replies = []bot.Text{{Body: "one", Options: []bot.Option{{Key: "1", Value: "pay", Label: "bayar"}}}, {Body: "two", End: true}}
	send, err := s.Store.Commit(t.Context(), d)
	if err != nil || len(send) > 0 {
		t.Errorf("handed out %v, %v", send, err)
	}
	texts, ok, err := s.Store.Answer(t.Context(), e.Seq)
	if err != nil || !ok || !reflect.DeepEqual(texts, d.Replies) {
		t.Errorf("%+v, %v, %v", texts, ok, err)
	}
	s.pass(time.Hour)
	s.claims()

	e = s.accept(s.message("a"))
	if _, err := s.commit(e, "by the outbox"); err != nil {
		t.Fatal(err)
	}
	if _, ok, err := s.Store.Answer(t.Context(), e.Seq); !ok || err != nil {
		t.Errorf("answered through the outbox: %v, %v", ok, err)
	}
	if _, ok, err := s.Store.Answer(t.Context(), e.Seq+1000); ok || err != nil {
		t.Errorf("unknown: %v, %v", ok, err)
	}
}

func erase(t *testing.T, s *bench) {
	inline := s.message("a")
	e := s.accept(inline)
	d := done(e, 0, "secret")
	d.Inline = true
	_, err := s.Store.Commit(t.Context(), d)
	s.must(err)
	neighbour := s.message("b")
	s.accept(neighbour)
	s.turn("a", "waits")
	later := s.message("a")
	eraser, last := s.accept(s.message("a")), s.accept(later)
	d = done(eraser, 2, "erased")
	d.Effects = []bot.Effect{bot.Erase{}}
	_, err = s.Store.Commit(t.Context(), d)
	s.must(err)

	first, fresh, err := s.Store.Accept(t.Context(), inline)
	if err != nil || fresh || first.Seq != e.Seq {
		t.Errorf("the id is forgotten: %+v, fresh %v, %v", first, fresh, err)
	}
	if first.Text != "" {
		t.Errorf("the text is still there: %q", first.Text)
	}
	if texts, ok, err := s.Store.Answer(t.Context(), e.Seq); !ok || err != nil || len(texts) > 0 {
		t.Errorf("the answer is still there: %+v, %v, %v", texts, ok, err)
	}
	if got := s.pending(eraser.Resident, 10); !slices.Equal(got, []int64{last.Seq}) {
		t.Errorf("what came later is not pending: %v", got)
	}
	if entries, err := s.Store.Pending(t.Context(), last.Resident, 1); err != nil || len(entries) != 1 || entries[0].Text != later.Text {
		t.Errorf("what came later is erased: %+v, %v", entries, err)
	}
	if got, fresh, err := s.Store.Accept(t.Context(), neighbour); err != nil || fresh || got.Text != neighbour.Text {
		t.Errorf("a neighbour is erased: %+v, %v", got, err)
	}
	if state := s.state(e.Resident); state.Version != 3 || string(state.Blob) != "state 3" {
		t.Errorf("the state is %d %q", state.Version, state.Blob)
	}
	s.pass(time.Hour)
	s.sent(s.claims("waits")[0].ID) // what was on its way still leaves
	s.sent(s.claims("erased")[0].ID)
}

func whatCommitHandsOutIsClaimed(t *testing.T, s *bench) {
	e := s.accept(s.message("a"))
	d := done(e, 0)
	d.Replies = []bot.Text{{Body: "x", Options: []bot.Option{{Key: "1", Value: "v", Label: "l"}}}}
	rows, err := s.Store.Commit(t.Context(), d)
	s.must(err)
	want := bot.Outbound{Resident: e.Resident, Channel: "sms", Peer: e.Peer, Text: d.Replies[0]}
	if len(rows) != 1 {
		t.Fatalf("handed out %+v", rows)
	}
	want.ID = rows[0].ID
	if !reflect.DeepEqual(rows[0], want) || s.Status(want.ID) != bot.Queued {
		t.Errorf("handed out %+v, want %+v; %s", rows[0], want, s.Status(want.ID))
	}
	s.claims()
	s.pass(time.Hour) // whoever had it died
	if rows := s.claims("x"); !reflect.DeepEqual(rows[0], want) {
		t.Errorf("claimed %+v, want %+v", rows[0], want)
	}
	s.claims()
	s.pass(lease - time.Second)
	s.claims()
	s.pass(time.Second)
	s.claims("x")
	s.sent(want.ID)
	if status := s.Status(want.ID); status != bot.Sent {
		t.Errorf("it is %s", status)
	}
	s.pass(time.Hour)
	s.claims()
}

func repliesWaitBehindEarlierOnes(t *testing.T, s *bench) {
	first := s.turn("a", "1")
	for i := 2; i <= 4; i++ {
		if rows := s.turn("a", fmt.Sprint(i)); len(rows) > 0 {
			t.Fatalf("handed out %v before its turn", bodies(rows))
		}
	}
	s.claims()
	s.sent(first[0].ID)
	for _, body := range []string{"2", "3", "4"} {
		rows := s.claims(body)
		s.claims()
		s.sent(rows[0].ID)
	}
	s.claims()
	if rows := s.turn("a", "5"); len(rows) != 1 {
		t.Error("all are sent, and the next one waits")
	}
}

func aPairIsNotSentTwice(t *testing.T, s *bench) {
	rows := s.turn("a", "1", "2")
	if !slices.Equal(bodies(rows), []string{"1", "2"}) {
		t.Fatalf("handed out %v", bodies(rows))
	}
	s.turn("a", "3")
	s.sent(rows[0].ID)
	s.claims() // the second is still in the hands of the first sender
	s.sent(rows[1].ID)
	s.claims("3")

	rows = s.turn("b", "4", "5")
	s.pass(time.Hour)
	s.claims("3", "4") // not 5, whose turn has not come
	s.sent(rows[0].ID)
	s.claims("5")
}

func linesDoNotWaitForEachOther(t *testing.T, s *bench) {
	s.turn("a", "1")
	if rows := s.turn("b", "2"); len(rows) != 1 {
		t.Error("one resident waits for another")
	}
	m := s.message("a")
	m.Channel = "whatsapp"
	rows, err := s.commit(s.accept(m), "3")
	if err != nil || len(rows) != 1 {
		t.Errorf("one channel waits for another: %v, %v", rows, err)
	}
	s.pass(time.Hour)
	s.claims("1", "2")
}

func retry(t *testing.T, s *bench) {
	rows := s.turn("a", "1")
	s.turn("a", "2")
	for attempt := 1; attempt <= 3; attempt++ {
		s.must(s.Outbox.Retry(t.Context(), rows[0].ID, s.clock().Add(10*time.Minute), "busy"))
		s.claims()
		s.pass(10*time.Minute - time.Second)
		s.claims()
		s.pass(time.Second)
		if rows = s.claims("1"); rows[0].Attempt != attempt {
			t.Errorf("attempt %d, want %d", rows[0].Attempt, attempt)
		}
	}
	s.sent(rows[0].ID)
	s.claims("2")
}

func bury(t *testing.T, s *bench) {
	rows := s.turn("a", "1", "2")
	s.must(s.Outbox.Bury(t.Context(), rows[0].ID, "blocked"))
	if status := s.Status(rows[0].ID); status != bot.Dead {
		t.Errorf("it is %s", status)
	}
	s.pass(time.Hour)
	s.claims("2")
}

func lateReports(t *testing.T, s *bench) {
	id := s.turn("a", "1")[0].ID
	s.turn("a", "2")
	s.sent(id)
	second := s.claims("2")[0].ID
	// A slower sender reports on the first once more.
	s.sent(id)
	s.must(s.Outbox.Retry(t.Context(), id, s.clock(), "busy"))
	s.must(s.Outbox.Bury(t.Context(), id, "blocked"))
	if status := s.Status(id); status != bot.Sent {
		t.Errorf("it is %s", status)
	}
	s.claims()
	s.sent(second)
	s.must(s.Outbox.Sent(t.Context(), 1<<40, bot.Handover{ProviderID: "unknown"}))
	s.must(s.Outbox.Retry(t.Context(), 1<<40, s.clock(), "unknown"))
	s.must(s.Outbox.Bury(t.Context(), 1<<40, "unknown"))
	s.pass(time.Hour)
	s.claims()
}

func aLostReportStrandsNothing(t *testing.T, s *bench) {
	rows := s.turn("a", "1", "2", "3")
	s.turn("a", "4")
	s.sent(rows[1].ID) // that 1 was sent could not be written down
	s.sent(rows[2].ID)
	s.pass(time.Hour)
	left := map[string]bool{}
	for range 10 {
		for _, o := range s.claim() {
			left[o.Text.Body] = true
			s.sent(o.ID)
		}
	}
	if !left["1"] || !left["4"] || len(left) != 2 {
		t.Errorf("sent after the crash: %v", left)
	}
	if rows := s.turn("a", "5"); len(rows) != 1 {
		t.Error("5 waits for nothing")
	}
}

func claimLimit(t *testing.T, s *bench) {
	var want []string
	for i := range 5 {
		want = append(want, fmt.Sprint(i))
		s.turn(fmt.Sprint("resident ", i), want[i])
		s.pass(time.Second)
	}
	s.pass(time.Hour)
	for i := 0; i < 5; i += 2 {
		rows, err := s.Outbox.Claim(t.Context(), "sms", false, lease, 2)
		if err != nil || !slices.Equal(bodies(rows), want[i:min(i+2, 5)]) {
			t.Errorf("claimed %v, %v, want %v", bodies(rows), err, want[i:min(i+2, 5)])
		}
	}
	rows, err := s.Outbox.Claim(t.Context(), "whatsapp", false, lease, 2)
	if err != nil || len(rows) > 0 {
		t.Errorf("another channel has %v, %v", rows, err)
	}
}

// urgent answers a new message of somebody with what cannot wait.
func (s *bench) urgent(subject string, replies ...string) []bot.Outbound {
	s.t.Helper()
	e := s.accept(s.message(subject))
	state, err := s.Store.Load(context.Background(), e.Resident)
	s.must(err)
	d := done(e, state.Version, replies...)
	d.Urgent = true
	send, err := s.Store.Commit(context.Background(), d)
	s.must(err)
	return send
}

func (s *bench) claimsUrgent(want ...string) []bot.Outbound {
	s.t.Helper()
	rows, err := s.Outbox.Claim(context.Background(), "sms", true, lease, 100)
	s.must(err)
	if got := bodies(rows); !slices.Equal(got, want) {
		s.t.Fatalf("claimed %q as urgent, want %q", got, want)
	}
	for _, o := range rows {
		if !o.Urgent {
			s.t.Errorf("%q does not say that it is urgent", o.Text.Body)
		}
	}
	return rows
}

func urgentLeavesApart(t *testing.T, s *bench) {
	if rows := s.turn("a", "usual"); len(rows) != 1 || rows[0].Urgent {
		t.Errorf("handed out %+v", rows)
	}
	if rows := s.urgent("b", "fire", "where"); len(rows) != 2 || !rows[0].Urgent || !rows[1].Urgent {
		t.Errorf("handed out %+v", rows)
	}
	s.pass(time.Minute)
	fire := s.claimsUrgent("fire")
	s.claims("usual")
	s.claimsUrgent()
	s.sent(fire[0].ID)
	s.pass(time.Second)
	s.claimsUrgent("where")
}

func whatStandsBeforeUrgentHurries(t *testing.T, s *bench) {
	first := s.turn("a", "1")
	s.turn("a", "2")
	s.turn("b", "other")
	s.must(s.Outbox.Retry(t.Context(), first[0].ID, s.clock().Add(10*time.Minute), "busy"))
	s.pass(time.Minute)
	s.claims("other")
	if rows := s.urgent("a", "fire"); len(rows) != 0 {
		t.Fatalf("%q leave before what was said earlier", bodies(rows))
	}
	s.claims()
	for _, next := range []string{"1", "2", "fire"} {
		rows := s.claimsUrgent(next)
		s.sent(rows[0].ID)
		s.pass(time.Second)
	}
	// What is being sent is left to whoever does it.
	under := s.turn("c", "under way")
	s.urgent("c", "flood")
	s.claimsUrgent()
	s.sent(under[0].ID)
	s.pass(time.Second)
	s.claimsUrgent("flood")
}

func receipts(t *testing.T, s *bench) {
	for _, c := range []struct {
		come []bot.Status
		want bot.Status
	}{
		{[]bot.Status{bot.Delivered, bot.Read}, bot.Read},
		{[]bot.Status{bot.Read, bot.Delivered}, bot.Read},
		{[]bot.Status{bot.Delivered, bot.Sent}, bot.Delivered},
		{[]bot.Status{bot.Failed, bot.Delivered, bot.Read}, bot.Failed},
		{[]bot.Status{bot.Delivered, bot.Failed}, bot.Failed},
		{[]bot.Status{bot.Queued, "strange", bot.Dead}, bot.Sent},
	} {
		id := s.turn("a", "x")[0].ID
		s.sent(id)
		for _, status := range c.come {
			s.must(s.Outbox.Receipt(t.Context(), "sms", fmt.Sprint("p", id), status, "reason"))
		}
		if got := s.Status(id); got != c.want {
			t.Errorf("after %v it is %s, want %s", c.come, got, c.want)
		}
	}
}

func receiptsNameOneChannel(t *testing.T, s *bench) {
	id := s.turn("a", "x")[0].ID
	s.must(s.Outbox.Sent(t.Context(), id, bot.Handover{})) // a provider without ids
	other := s.turn("b", "y")[0].ID
	s.sent(other)
	for _, providerID := range []string{"", "unknown"} {
		s.must(s.Outbox.Receipt(t.Context(), "sms", providerID, bot.Delivered, ""))
	}
	s.must(s.Outbox.Receipt(t.Context(), "whatsapp", fmt.Sprint("p", other), bot.Delivered, ""))
	if a, b := s.Status(id), s.Status(other); a != bot.Sent || b != bot.Sent {
		t.Errorf("they are %s and %s", a, b)
	}
}

func nothingIsClaimedTwice(t *testing.T, s *bench) {
	const residents, claimers = 60, 6
	for i := range residents {
		s.turn(fmt.Sprint("resident ", i), "x")
	}
	s.pass(time.Hour)
	var wg sync.WaitGroup
	var mu sync.Mutex
	times := map[int64]int{}
	for range claimers {
		wg.Go(func() {
			for range residents { // enough, even if others take most
				rows, err := s.Outbox.Claim(context.Background(), "sms", false, lease, 7)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				for _, o := range rows {
					times[o.ID]++
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for id, n := range times {
		if n != 1 {
			t.Errorf("%d was claimed %d times", id, n)
		}
	}
	if len(times) != residents {
		t.Errorf("%d of %d were claimed", len(times), residents)
	}
}

// manyAtOnce lets turns, claims and reports of a few residents meet in every
// way, and then looks whether each reply left once, and in its order.
func manyAtOnce(t *testing.T, s *bench) {
	const residents, turns, senders = 4, 25, 4
	var mu sync.Mutex
	left := map[bot.ResidentID][]int64{} // as they were reported
	total := 0
	send := func(o bot.Outbound) error {
		ctx := context.Background()
		luck := rand.IntN(4)
		if luck == 0 {
			return s.Outbox.Retry(ctx, o.ID, s.clock(), "busy")
		}
		mu.Lock()
		left[o.Resident] = append(left[o.Resident], o.ID)
		mu.Unlock()
		if luck == 1 {
			return s.Outbox.Bury(ctx, o.ID, "blocked")
		}
		return s.Outbox.Sent(ctx, o.ID, bot.Handover{})
	}
	var talking, sending sync.WaitGroup
	for r := range residents {
		talking.Go(func() {
			for n := range turns {
				e, _, err := s.Store.Accept(context.Background(), s.message(fmt.Sprint("resident ", r)))
				if err != nil {
					t.Error(err)
					return
				}
				replies := []string{"x", "y"}[:1+n%2]
				rows, err := s.commit(e, replies...)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				total += len(replies)
				mu.Unlock()
				if len(rows) > 0 { // the second one of a pair is given back
					if err := send(rows[0]); err != nil {
						t.Error(err)
					}
					for _, o := range rows[1:] {
						if err := s.Outbox.Retry(context.Background(), o.ID, s.clock(), "waits"); err != nil {
							t.Error(err)
						}
					}
				}
			}
		})
	}
	stop := make(chan struct{})
	for range senders {
		sending.Go(func() {
			for {
				rows, err := s.Outbox.Claim(context.Background(), "sms", false, lease, 3)
				if err != nil {
					t.Error(err)
					return
				}
				for _, o := range rows {
					if err := send(o); err != nil {
						t.Error(err)
						return
					}
				}
				select {
				case <-stop:
					if len(rows) == 0 {
						return
					}
				default:
				}
			}
		})
	}
	talking.Wait()
	close(stop)
	sending.Wait()
	sum := 0
	for id, ids := range left {
		sum += len(ids)
		if !slices.IsSorted(ids) {
			t.Errorf("the replies to %s left in the order %v", id, ids)
		}
		if n := len(slices.Compact(slices.Clone(ids))); n != len(ids) {
			t.Errorf("of the replies to %s %d left twice", id, len(ids)-n)
		}
	}
	if sum != total {
		t.Errorf("%d of %d replies left", sum, total)
	}
}

func aNewProcess(t *testing.T, s *bench) {
	if s.Reopen == nil {
		t.Skip("this store forgets")
	}
	m := s.message("a")
	e := s.accept(m)
	s.turn("b", "1", "2")
	inline := s.accept(s.message("c"))
	d := done(inline, 0, "answer")
	d.Inline = true
	_, err := s.Store.Commit(t.Context(), d)
	s.must(err)
	id := s.Store.ID("b")

	s.Opened = s.Reopen()
	if got, fresh, err := s.Store.Accept(t.Context(), m); err != nil || fresh || got.Seq != e.Seq || !same(got.Message, m) {
		t.Errorf("%+v, fresh %v, %v", got, fresh, err)
	}
	if got := s.pending(e.Resident, 10); !slices.Equal(got, []int64{e.Seq}) {
		t.Errorf("pending %v", got)
	}
	if s.Store.ID("b") != id {
		t.Error("the same person has another id")
	}
	if state := s.state(id); state.Version != 1 || string(state.Blob) != "state 1" {
		t.Errorf("the state is %d %q", state.Version, state.Blob)
	}
	if texts, ok, err := s.Store.Answer(t.Context(), inline.Seq); err != nil || !ok || len(texts) != 1 || texts[0].Body != "answer" {
		t.Errorf("%+v, %v, %v", texts, ok, err)
	}
	s.pass(time.Hour)
	s.sent(s.claims("1")[0].ID)
	s.claims("2")
}
