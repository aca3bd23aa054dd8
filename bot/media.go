package bot

// The kinds of Message.Media, on every channel.
const (
	MediaPhoto    = "photo"
	MediaVoice    = "voice" // and music
	MediaVideo    = "video"
	MediaDocument = "document"
	MediaSticker  = "sticker" // and what else says nothing: polls, dice
	MediaContact  = "contact"
	MediaLocation = "location" // see Message.Location
)
