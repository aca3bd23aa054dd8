package understand

import "strings"

// Where a thing is that has no name of its own: a relation ("depan"), a head
// ("pasar"), and what is the matter with it ("cabenge"). The Bugis words stand
// for the Indonesian ones, because who is sent there reads those.
var (
	relations = keyed(map[string]string{
		"depan": "depan", "dpn": "depan", "dpan": "depan", "olo": "depan", "olona": "depan", "belakang": "belakang", "blakang": "belakang", "blkg": "belakang", "monri": "belakang", "monrinna": "belakang",
		"samping": "samping", "smping": "samping", "sebelah": "sebelah", "sblh": "sebelah", "sedde": "sebelah", "dekat": "dekat", "dkt": "dekat", "dkat": "dekat", "deket": "dekat", "seddena": "dekat", "macawe": "dekat",
		"halaman": "halaman", "parkiran": "parkiran", "toilet": "toilet", "lorong": "lorong", "awana": "bawah"})
	heads = keyed(map[string]string{
		"pasar": "pasar", "psr": "pasar", "pasa": "pasar", "masjid": "masjid", "mesjid": "mesjid", "masigi": "masjid", "musala": "musala", "sekolah": "sekolah", "skolah": "sekolah", "sikola": "sekolah",
		"kantor": "kantor", "kantoro": "kantor", "kntr": "kantor", "puskesmas": "puskesmas", "terminal": "terminal", "jembatan": "jembatan", "lapangan": "lapangan", "sma": "SMA", "smp": "SMP", "sd": "SD", "tk": "TK", "smk": "SMK",
		"alfamidi": "alfamidi", "alfamart": "alfamart", "indomaret": "indomaret", "spbu": "SPBU", "pertamina": "pertamina", "bank": "bank", "kampus": "kampus", "stadion": "stadion", "polsek": "polsek", "polres": "polres",
		"alun": "alun", "rsud": "RSUD", "bendungan": "bendungan", "gor": "GOR", "gudang": "gudang", "toko": "toko", "pangkalan": "pangkalan", "btn": "BTN", "dusun": "dusun", "dusung": "dusun", "posko": "posko", "kuburan": "kuburan",
		"rs": "RS", "taman": "taman", "hotel": "hotel", "balai": "balai", "gedung": "gedung", "ruko": "ruko"})
	open      = setOf("pasar pasa masjid mesjid masigi sekolah skolah sikola terminal jembatan lapangan kampus stadion bendungan spbu")
	needsName = setOf("toko gudang pangkalan btn dusun dusung taman hotel ruko rs bank gedung balai")
	belongs   = setOf("camat lurah desa bupati pos dprd urusan agama pengadilan olahraga sentral lamataesso raya besar baru lama alun kota emas sulselbar bri polisi muhammadiyah negeri")
	reach     = setOf("di d ri okko ko ke dari pole lao dalam")
)

func keyed(m map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		out[key(k)] = v
	}
	return out
}

// landmark returns where a text says that something is, besides the desa. The
// places from..to that its name takes up are no longer places of their own.
func (u *Understander) landmark(s *utterance, intent Intent) (value string, from, to int, ok bool) {
	for i := range s.tokens {
		relation, related := lookUp(relations, s.tokens[i].key)
		h := i
		if related {
			h++
		}
		if h >= len(s.tokens) || s.tokens[h].kind != word {
			continue
		}
		head, ok := lookUp(heads, s.tokens[h].key)
		if !ok {
			if related && relation == "dekat" && s.tokens[h].place && isEmergency(intent) {
				return "dekat " + strings.ToLower(s.source[s.tokens[h].start:s.tokens[h].end]), i, h + 1, true
			}
			continue
		}
		named := false
		end := h + 1
		for end < len(s.tokens) && end < h+4 && (s.tokens[end].gap == ' ' || s.tokens[end].gap == '-') {
			t := &s.tokens[end]
			if t.place {
				if ownName(string(s.tokens[h].key)) {
					named = true
					end++
					continue
				}
				break
			}
			if !belongs[string(t.key)] && (t.kind != number || len(t.low) > 2 || !isSchool(head)) && !u.proper(s, end) {
				break
			}
			named = true
			end++
		}
		at := i > 0 && reach[string(s.tokens[i-1].key)]
		switch {
		case !isEmergency(intent) && !(named && head != "kantor"):
			continue
		case intent == Complaint && head == "puskesmas", intent == OfficeDirectory:
			continue
		case related && !named && needsName[string(s.tokens[h].key)] && relation != "depan" && relation != "belakang" && relation != "dekat":
			continue
		case !related && !named && !(at && open[string(s.tokens[h].key)]), !related && head == "kantor":
			continue
		}
		value = head
		if related {
			value = relation + " " + head
		}
		for j := h + 1; j < end; j++ {
			value += " " + s.source[s.tokens[j].start:s.tokens[j].end]
		}
		return value, i, end, true
	}
	if p, a, b, ok := u.landmarks.find(s, intent); ok && intent != OfficeDirectory {
		return p.value, a, b, true
	}
	return "", 0, 0, false
}

func lookUp(m map[string]string, k []byte) (string, bool) {
	if v, ok := m[string(k)]; ok {
		return v, true
	}
	for n := 1; n <= 3 && n+3 <= len(k); n++ {
		if clitics[string(k[len(k)-n:])] {
			if v, ok := m[string(k[:len(k)-n])]; ok {
				return v, true
			}
		}
	}
	return "", false
}

func isSchool(head string) bool {
	return head == "SMA" || head == "SMP" || head == "SD" || head == "SMK" || head == "TK"
}

// ownName tells which things take the name of their village as their own.
func ownName(k string) bool {
	return k == "pasar" || k == "pasa" || k == "puskesmas" || k == "btn" || k == "masjid" || k == "masigi"
}

func (u *Understander) proper(s *utterance, at int) bool {
	_, ok := u.landmarks.first[string(s.tokens[at].key)]
	return ok
}
