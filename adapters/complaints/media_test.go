package complaints

import (
	"encoding/json"
	"testing"
)

// What was filed before the channel was kept with it came by that of the
// complaint; of other systems nothing comes by a channel.
func TestMediaOfBefore(t *testing.T) {
	var b body
	if err := json.Unmarshal([]byte(`{"m":[{"k":"photo","r":"one"},{"k":"photo","r":"two","c":"telegram"}]}`), &b); err != nil {
		t.Fatal(err)
	}
	for source, want := range map[string]string{sourceResident: "whatsapp", "SP4N": ""} {
		c := Complaint{Summary: Summary{Source: source}, Media: append([]Media(nil), b.Media...), History: []Event{{Media: []Media{{}}}}}
		c.bringBack("whatsapp")
		if c.Media[0].Ref != "one" || string(c.Media[0].Channel) != want || c.Media[1].Channel != "telegram" || string(c.History[0].Media[0].Channel) != want {
			t.Errorf("%s: %+v", source, c)
		}
	}
}
