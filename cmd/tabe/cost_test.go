package main

import (
	"fmt"
	"testing"

	"tabe/adapters/testserver"
	"tabe/bot"
)

// The tests of this file keep what docs/performance.md reports from getting
// lost. They count and compare within one run: how fast the machine is does
// not matter.

// TestATurnTakesLittleMemory counts the allocations of understanding and one
// turn. Today there are 161.
func TestATurnTakesLittleMemory(t *testing.T) {
	const most = 200
	e := memoryEngine(t)
	n := 0
	allocations := testing.AllocsPerRun(500, func() {
		n++
		from := fmt.Sprintf("+62811%08d", n)
		if _, err := e.Converse(t.Context(), bot.Message{ID: from, Channel: smsChannel, Peer: from, Subject: "tel:" + from, Text: question}); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > most {
		t.Errorf("%v allocations for a turn, %d are agreed", allocations, most)
	}
}

// TestATurnCostsFewBareHandlers compares the processor time of a turn, from the
// webhook to the outbox, with that of a handler which only writes the message
// down. The turn takes about four times as much; work that is done again for
// each message (a template, a table, an expression) takes it far beyond.
func TestATurnCostsFewBareHandlers(t *testing.T) {
	if testing.Short() {
		t.Skip("runs thousands of turns")
	}
	const messages, connections, residents, most = 4000, 16, 100_000, 8
	s := serveTwilio(t, options{databaseURL: testserver.SQLiteURL(t)}, false)
	s.round(t, s.forms(messages/4, residents), connections)
	ours, bare := s.forms(messages, residents), s.forms(messages, residents)
	begun := cpuTime()
	s.round(t, ours, connections)
	between := cpuTime()
	drive(t, s.bareAddr, bare, connections)
	ratio := float64(between-begun) / float64(cpuTime()-between)
	t.Logf("a turn costs %.1f bare handlers", ratio)
	if ratio > most {
		t.Errorf("a turn costs %.1f bare handlers, %d are agreed", ratio, most)
	}
}

// TestIdleResidentsTakeNoMemory: whoever was answered is on disk.
func TestIdleResidentsTakeNoMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("runs thousands of turns")
	}
	const residents, most = 5000, 2 << 10
	s := serveTwilio(t, options{databaseURL: testserver.SQLiteURL(t)}, true)
	s.round(t, s.forms(residents/2, 1<<30), 16) // pools are full, statements prepared
	before := inUse()
	s.round(t, s.forms(residents, 1<<30), 16)
	after := inUse()
	each := (int64(after) - int64(before)) / residents
	t.Logf("%d bytes for each", each)
	if each > most {
		t.Errorf("%d bytes for each idle resident, %d are agreed", each, most)
	}
}
