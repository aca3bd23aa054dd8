package main

import (
	"fmt"

	"tabe/bot"
)

// flowsCommand prints the state machines.
type flowsCommand struct{}

// diagram is a flow that can draw itself.
type diagram interface {
	bot.Flow
	// Mermaid returns the state machine as a Mermaid state diagram.
	Mermaid() (string, error)
}

func (c *flowsCommand) Run(std streams) error {
	list, _, err := services{}.flows()
	if err != nil {
		return err
	}
	for _, f := range list {
		d, ok := f.(diagram)
		if !ok {
			return fmt.Errorf("flow %s has no diagram", f.Name())
		}
		text, err := d.Mermaid()
		if err != nil {
			return fmt.Errorf("flow %s: %w", f.Name(), err)
		}
		if _, err := fmt.Fprintf(std.out, "## %s\n\n```mermaid\n%s```\n\n", f.Name(), text); err != nil {
			return err
		}
	}
	return nil
}
