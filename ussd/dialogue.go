package ussd

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"strings"

	"tabe/bot"
)

// maxDialled is how many choices a dialled code may carry: *384*7*1*2#.
const maxDialled = 8

// memory is what the channel remembers of the dialogue. Of what was typed it
// keeps a fingerprint only, because residents type their identity numbers.
type memory struct {
	Dialogue string `json:"d"`
	Typed    uint   `json:"n"` // bytes of the chain that are answered
	Print    string `json:"h"` // fingerprint of those bytes
}

// Interpret implements bot.ChannelFormat.Interpret. A gateway that repeats all
// that was typed sets Message.Dialogue, and Text is the whole chain ("1*2*731…");
// the input is what the chain has grown by. It may contain a * itself: nobody can
// tell one that was typed from one that the gateway put in. A message without
// Dialogue is an input as it stands.
func Interpret(state json.RawMessage, m bot.Message) ([]bot.Message, json.RawMessage) {
	if m.Dialogue == "" {
		return []bot.Message{m}, state
	}
	var seen memory
	if len(state) > 0 && json.Unmarshal(state, &seen) != nil {
		seen = memory{}
	}
	next, err := json.Marshal(memory{m.Dialogue, uint(len(m.Text)), fingerprint(m.Text)})
	if err != nil { // three plain fields
		return []bot.Message{m}, state
	}
	look := m // shows where the resident is
	look.Opens, look.Text = true, ""
	switch {
	case seen.Dialogue != m.Dialogue:
		return append([]bot.Message{look}, dialled(m)...), next
	case uint(len(m.Text)) < seen.Typed: // overtaken by a later request, which was answered
		return []bot.Message{look}, state
	case fingerprint(m.Text[:seen.Typed]) != seen.Print: // the gateway rewrote it
		m.Text = m.Text[strings.LastIndexByte(m.Text, '*')+1:]
		return []bot.Message{m}, next
	}
	// A blank at the end of the chain was cut off as long as it stood there.
	added := strings.TrimLeft(m.Text[seen.Typed:], " ")
	if seen.Typed > 0 {
		added = strings.TrimPrefix(added, "*")
	}
	m.Text = added
	return []bot.Message{m}, next
}

// dialled returns what was dialled behind the code, which leads from the menu
// and not from where an earlier dialogue dropped.
func dialled(m bot.Message) []bot.Message {
	pieces := strings.Split(m.Text, "*")
	if m.Text == "" || len(pieces) > maxDialled {
		return nil
	}
	menu := m
	menu.Text, menu.Choice = "", bot.MenuValue
	inputs := []bot.Message{menu}
	for _, piece := range pieces {
		input := m
		input.Text = piece
		inputs = append(inputs, input)
	}
	return inputs
}

func fingerprint(typed string) string {
	sum := sha256.Sum256([]byte(typed))
	return hex.EncodeToString(sum[:8])
}
