package understand

// readCommands returns the texts that are commands as a whole, by their key
// without spaces. They work whatever language was recognised.
func readCommands() map[string]Intent {
	m := map[string]Intent{}
	for intent, texts := range map[Intent][]string{
		Greeting: {"menu", "mulai", "start", "halo", "bantuan", "help", "tolong menu", "menu utama", "kembali ke menu", "bantuang", "assalamualaikum", "assalamu alaikum", "p", "lisu ri menu"},
		Cancel: {"0", "batal", "batalkan", "cancel", "ndak jadi", "tidak jadi", "nda jadi", "gak jadi", "ga jadi", "tdk jadi", "denajaji", "de najaji", "de na jaji",
			"keluar", "selesai", "kembali", "batala", "pajani"},
		ChangeLanguage: {"bahasa", "basa", "basa ugi", "bahasa bugis", "bhs bugis", "bugis", "ugi", "bahasa indonesia", "bhs indonesia", "basa indonesia", "indonesia", "ganti bahasa", "selle basa"},
		DeleteData:     {"hapus", "hapus data", "hapus data saya", "hapus dataku", "stop", "unreg", "berhenti", "unsubscribe", "hapus datata", "hapus data ku"},
		HumanAgent:     {"petugas", "operator", "cs", "admin"},
	} {
		for _, text := range texts {
			m[key(text)] = intent
		}
	}
	return m
}

// command tells whether the whole text is a command.
func (u *Understander) command(s *utterance) (Intent, bool) {
	var b [4 * maxWord]byte
	whole := b[:0]
	for i := range s.tokens {
		if len(whole)+len(s.tokens[i].key) > len(b) {
			return "", false
		}
		whole = append(whole, s.tokens[i].key...)
	}
	intent, ok := u.commands[string(whole)]
	return intent, ok
}
