package scc_test

import (
	"testing"

	"tabe/adapters/scc"
	"tabe/flows/darurat"
)

// A report becomes an incident, the post of the kecamatan is paged, its "1"
// acknowledges, and the reporter learns that somebody comes.
func TestAReportReachesThePost(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		h.send(marioriawa, "menu") // the phone is in the middle of something else
		h.expect(marioriawa, "1 DARURAT")
		h.send(resident, "kebakaran di desa kaca! ada orang terjebak")
		h.expect(resident, "DITERIMA", "0811-0000-0911")
		h.expect(resident, "Kaca, Marioriawa (Batu-Batu). Betul?")
		page := h.expect(marioriawa, "KEBAKARAN", "Kaca, Marioriawa", "ADA KORBAN", "1 Terima", "4 Selesai")
		i := h.only()
		if i.Status != scc.Unanswered || i.Kind != darurat.Fire || i.Village != "73.12.05.1002" || i.Danger != darurat.Yes {
			t.Errorf("%+v", i)
		}
		h.send(marioriawa, "1")
		h.expect(marioriawa, i.Code, "diterima")
		h.expect(resident, "Pos Marioriawa berangkat")
		if i = h.only(); i.Status != scc.Dispatched || i.AckedBy != "Pos Marioriawa" || !i.Next.IsZero() {
			t.Errorf("after %q: %+v", page, i)
		}
		h.send(marioriawa, "3")
		h.expect(marioriawa, "di lokasi")
		h.send(marioriawa, "4 "+i.Code)
		h.expect(marioriawa, "selesai")
		d, err := h.center.Get(t.Context(), i.ID)
		if err != nil {
			t.Fatal(err)
		}
		if len(d.Dispatches) != 1 || d.Dispatches[0].Accepted.IsZero() || d.Dispatches[0].OnScene.IsZero() || d.Dispatches[0].Done.IsZero() {
			t.Errorf("%+v", d.Dispatches)
		}
		if len(d.Messages) != 1 || d.Messages[0].Words != "kebakaran di desa kaca! ada orang terjebak" {
			t.Errorf("%+v", d.Messages)
		}
		if err := h.center.Close(t.Context(), scc.Act{Operator: "andi", Incident: i.ID}, scc.Handled, "Padam, tidak ada korban."); err != nil {
			t.Fatal(err)
		}
		h.expect(resident, i.Code, "sudah ditangani")
		h.quiet()
	})
}

// What the reporter tells after the first page reaches the post, too: the
// landmark, and that people are in danger. Once each.
func TestThePostLearnsWhatComesLater(t *testing.T) {
	databases(t, func(t *testing.T, h *house) {
		h.watched()
		h.send(resident, "kebakaran di desa kaca")
		h.expect(resident, "DITERIMA")
		h.expect(resident, "Betul?")
		h.expect(marioriawa, "KEBAKARAN")
		h.send(resident, "1")
		h.expect(resident, "Ada orang terjebak")
		h.send(resident, "1")
		h.expect(resident, "ada pada petugas")
		h.expect(marioriawa, "tempatnya: Kaca, Marioriawa", "ADA KORBAN")
		h.send(resident, "apinya di belakang pasar, nenek terjebak")
		h.expect(resident, "Diteruskan")
		h.expect(marioriawa, "belakang pasar")
		h.send(resident, "di belakang pasar, masih terjebak")
		h.expect(resident, "Diteruskan")
		h.quiet()
	})
}
