package twilio

// Approves tells whether the channel carries a message of ours at any time, in
// either language: SMS carries all, WhatsApp those for which it approved a text.
func (c channel) Approves(message string) bool {
	return c.id != WhatsApp || c.account.config.Templates.Has(message)
}
