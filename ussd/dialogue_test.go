package ussd_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tabe/bot"
	"tabe/ussd"
)

// told describes inputs: ! opens a dialogue, # is the menu.
func told(inputs []bot.Message) string {
	var parts []string
	for _, m := range inputs {
		switch {
		case m.Opens:
			parts = append(parts, "!"+m.Text)
		case m.Choice == bot.MenuValue:
			parts = append(parts, "#"+m.Text)
		default:
			parts = append(parts, m.Text)
		}
	}
	return strings.Join(parts, "|")
}

func TestWhatAChainAdds(t *testing.T) {
	for name, steps := range map[string][][3]string{ // dialogue, chain, inputs
		"one by one":         {{"a", "", "!"}, {"a", "1", "1"}, {"a", "1*2", "2"}, {"a", "1*2*7312", "7312"}},
		"dialled with more":  {{"a", "7*1", "!|#|7|1"}, {"a", "7*1*2", "2"}},
		"dialled again":      {{"a", "1*2", "!|#|1|2"}, {"b", "", "!"}, {"b", "3", "3"}},
		"a star was typed":   {{"a", "", "!"}, {"a", "1*2", "1*2"}, {"a", "1*2*", ""}, {"a", "1*2**", ""}},
		"a blank at the end": {{"a", "Budi", "!|#|Budi"}, {"a", "Budi *2", "2"}},
		"overtaken":          {{"a", "", "!"}, {"a", "1*2", "1*2"}, {"a", "1", "!"}, {"a", "1*2*3", "3"}},
		"rewritten":          {{"a", "", "!"}, {"a", "1", "1"}, {"a", "9*5", "5"}, {"a", "9*5*6", "6"}},
		"far too much":       {{"a", strings.Repeat("1*", 500), "!"}, {"a", strings.Repeat("1*", 500) + "*2", "2"}},
		"no dialogue":        {{"", "1*2", "1*2"}, {"", "", ""}},
	} {
		t.Run(name, func(t *testing.T) {
			var state json.RawMessage
			for _, step := range steps {
				var inputs []bot.Message
				inputs, state = ussd.Interpret(state, bot.Message{Dialogue: step[0], Text: step[1]})
				if got := told(inputs); got != step[2] {
					t.Errorf("%s %.20q: got %q, want %q", step[0], step[1], got, step[2])
				}
			}
			if strings.Contains(string(state), "7312") {
				t.Error("what was typed is kept in clear")
			}
		})
	}
}

func TestAnUnreadableMemoryBeginsAnew(t *testing.T) {
	for _, state := range []string{"", "null", "[]", "{", `{"d":"a","n":-5,"h":"x"}`, `{"d":"a","n":"x"}`} {
		inputs, next := ussd.Interpret(json.RawMessage(state), bot.Message{Dialogue: "a", Text: "1"})
		if len(inputs) == 0 || !json.Valid(next) {
			t.Errorf("%q: %v, %s", state, inputs, next)
		}
	}
}

func FuzzInterpret(f *testing.F) {
	f.Add("a", "", "1*2", []byte(nil))
	f.Add("a", "1*2", "1", []byte(`{"d":"a","n":3,"h":""}`))
	f.Fuzz(func(t *testing.T, dialogue, first, second string, state []byte) {
		_, next := ussd.Interpret(state, bot.Message{Dialogue: dialogue, Text: first})
		inputs, next := ussd.Interpret(next, bot.Message{Dialogue: dialogue, Text: second})
		if len(inputs) == 0 || len(inputs) > 10 {
			t.Errorf("%d inputs", len(inputs))
		}
		if dialogue != "" && !json.Valid(next) {
			t.Errorf("memory %q", next)
		}
	})
}

func ExampleInterpret() {
	m := bot.Message{Dialogue: "ATUid_1", Text: ""}
	inputs, state := ussd.Interpret(nil, m)
	fmt.Println(inputs[0].Opens)
	m.Text = "1"
	_, state = ussd.Interpret(state, m)
	m.Text = "1*2"
	inputs, _ = ussd.Interpret(state, m)
	fmt.Println(inputs[0].Text)
	// Output:
	// true
	// 2
}
