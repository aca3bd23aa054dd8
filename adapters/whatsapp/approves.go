package whatsapp

// Approves tells whether Meta approved a text for a message of ours in either
// language, so that it can be sent at any time.
func (a *Account) Approves(message string) bool {
	return a.config.Templates.Has(message)
}
