package twilio

// Approves tells whether the channel carries a message of ours at any time, in
// either language: SMS carries all, WhatsApp those for which it approved a text.
func (c channel) Approves(message string) bool {
	if c.id != WhatsApp {
		return true
	}
	templates := c.account.config.Templates
	_, id := templates[templateKey{message, "id"}]
	_, bug := templates[templateKey{message, "bug"}]
	return id && bug
}
