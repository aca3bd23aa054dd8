package survei

// Element is one of the nine that the satisfaction of residents is measured
// by (SKM, PermenPANRB 14/2017).
type Element string

// The elements, as the regulation numbers them.
const (
	Requirements Element = "u1" // persyaratan
	Procedure    Element = "u2" // sistem, mekanisme dan prosedur
	Time         Element = "u3" // waktu penyelesaian
	Cost         Element = "u4" // biaya/tarif
	Product      Element = "u5" // produk spesifikasi jenis pelayanan
	Competence   Element = "u6" // kompetensi pelaksana
	Behaviour    Element = "u7" // perilaku pelaksana
	Complaints   Element = "u8" // penanganan pengaduan, saran dan masukan
	Facilities   Element = "u9" // sarana dan prasarana
)

// Elements lists all nine in their order.
var Elements = []Element{Requirements, Procedure, Time, Cost, Product, Competence, Behaviour, Complaints, Facilities}

// Lowest and Highest are the borders of a score.
const (
	Lowest  = 1
	Highest = 4
)

// PerResident is how many elements one resident is asked about at a time.
const PerResident = 2

// Answer is the effect of a score that a resident gave.
type Answer struct {
	Service string // name of the flow that had served him
	Element Element
	Score   int // Lowest … Highest
}
