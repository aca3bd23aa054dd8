package kantor

// errandOffice says by its code which office arranges an errand of errands.toml.
var errandOffice = map[string]string{
	"ktp": "disdukcapil", "kk": "disdukcapil", "birth": "disdukcapil", "death": "disdukcapil", "move": "disdukcapil", "childcard": "disdukcapil",
	"health": "dinsos", "poor": "desa", "jobseeker": "nakertrans", "tax": "bpkd", "permit": "dpmptsp", "school": "disdik", "farm": "distan",
	"business": "dppkukm", "house": "dppk", "research": "dpmptsp", "marriage": "kua", "land": "bpn", "vehicle": "samsat", "licence": "polres",
}

// papers are the errands that are offered by name when somebody asks for the
// office of civil registration, which most people go to.
var papers = []string{"ktp", "kk", "birth", "death", "move", "childcard"}

// groups are the topics under which the offices are listed, in this order.
var groups = []string{"papers", "social", "business", "field", "school", "kecamatan", "government"}
