package flows

import _ "embed"

//go:embed answers.toml
var answersFile []byte

var answers = MustCues(answersFile)

// The answers to a question that can be answered with yes or no; they are also
// the values of its two options.
const (
	Yes = "yes"
	No  = "no"
)

// YesOrNo returns Yes or No if a text says that and nothing else, in either
// language ("iya puang", "de'"), and "" otherwise.
func YesOrNo(text string) string { return answers.Only(text) }
