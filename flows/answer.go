package flows

import _ "embed"

//go:embed answers.toml
var answersFile []byte

var answers = must(ParseCues(answersFile))

// The answers to a question that can be answered with yes or no; they are also
// the values of its two options.
const (
	Yes = "yes"
	No  = "no"
)

// YesOrNo returns Yes or No if a text says that and nothing else, in either
// language ("iya puang", "de'"), and "" otherwise.
func YesOrNo(text string) string { return answers.Only(text) }

// must is for files inside the binary: the tests have read them.
func must(c *Cues, err error) *Cues {
	if err != nil {
		panic(err)
	}
	return c
}
