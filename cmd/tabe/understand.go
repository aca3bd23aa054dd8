package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"tabe/bot/understand"
)

// understandCommand tells what utterances mean without any context.
type understandCommand struct {
	JSON bool `help:"Print one JSON object for each line." name:"json"`
}

// meaning is what --json prints for one utterance. A slot that was found more
// than once has a list of values.
type meaning struct {
	Text       string            `json:"text"`
	Language   string            `json:"language"`
	Intent     understand.Intent `json:"intent"`
	Confidence float64           `json:"confidence"`
	Slots      map[string]any    `json:"slots"`
}

func (c *understandCommand) Run(ctx context.Context, std streams) error {
	ears, err := understand.New()
	if err != nil {
		return err
	}
	out := bufio.NewWriter(std.out)
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	lines := bufio.NewReader(std.in)
	for ctx.Err() == nil {
		line, err := readLine(lines)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		u := ears.Understand(line)
		if c.JSON {
			err = encoder.Encode(meaning{line, u.Language, u.Intent, u.Confidence, slotMap(u.Slots)})
		} else {
			_, err = fmt.Fprintf(out, "%-3s %-20s %.2f %v\n", u.Language, u.Intent, u.Confidence, u.Slots)
		}
		// Whoever pipes line by line waits for each answer.
		if err = errors.Join(err, out.Flush()); err != nil {
			return err
		}
	}
	return nil
}

// slotMap gives each slot the type that it has by nature: coordinates and
// years are numbers, everything else text.
func slotMap(slots understand.Slots) map[string]any {
	all := make(map[string]any, len(slots))
	for _, s := range slots {
		var value any = s.Value
		switch s.Name {
		case "tahun":
			if number, err := strconv.Atoi(s.Value); err == nil {
				value = number
			}
		case "lat", "lng":
			if number, err := strconv.ParseFloat(s.Value, 64); err == nil {
				value = number
			}
		}
		switch old := all[s.Name].(type) {
		case nil:
			all[s.Name] = value
		case []any:
			all[s.Name] = append(old, value)
		default:
			all[s.Name] = []any{old, value}
		}
	}
	return all
}
