package whatsapp

// Approves tells whether Meta approved a text for a message of ours in either
// language, so that it can be sent at any time.
func (a *Account) Approves(message string) bool {
	_, id := a.config.Templates(message, "id")
	_, bug := a.config.Templates(message, "bug")
	return id && bug
}
