package chart_test

import (
	"bytes"
	"compress/gzip"
	"encoding/xml"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tabe/adapters/scc/chart"
	"tabe/adapters/scc/geo"
	"tabe/bot"
)

// elements counts the elements of a drawing by name, and fails if it is no XML.
func elements(t *testing.T, svg string) map[string]int {
	t.Helper()
	count := map[string]int{}
	d := xml.NewDecoder(strings.NewReader(svg))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return count
		}
		if err != nil {
			t.Fatalf("%v in %.200s", err, svg)
		}
		if e, ok := token.(xml.StartElement); ok {
			count[e.Name.Local]++
		}
	}
}

func zipped(t *testing.T, s string) int {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write([]byte(s)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Len()
}

var pins = []chart.Pin{
	{Place: bot.Location{Lat: -4.35, Lng: 119.883}, Class: "fire", Text: "A7K3", Title: `Kebakaran <b>"Botto"</b>`, Round: true},
	{Place: bot.Location{Lat: 40, Lng: 0}, Class: "medical", Text: "OCEAN"},
}

func TestCells(t *testing.T) {
	svg := string(chart.New(geo.New()).SVG("Kabupaten Soppeng", "73.12.04", pins))
	got := elements(t, svg)
	if got["svg"] != 1 || got["path"] != 70+1 || got["circle"] != 1 || got["text"] != 8+2 {
		t.Error(got)
	}
	if n := strings.Count(svg, " lit\""); n != 10 { // the desa and kelurahan of Lalabata
		t.Errorf("%d areas are lit", n)
	}
	for _, never := range []string{"<b>", "http", "NaN", "Inf"} {
		if strings.Contains(svg, never) {
			t.Errorf("the drawing has %q", never)
		}
	}
	if size := zipped(t, svg); size > 20<<10 {
		t.Errorf("%d bytes over the line", size)
	}
}

func TestOutlines(t *testing.T) {
	file, err := os.Open(filepath.Join("..", "..", "..", "..", "shared", "domain", "soppeng_desa_kelurahan.geojson"))
	if err != nil {
		t.Skip("NOT DRAWN with outlines: ../shared/domain/soppeng_desa_kelurahan.geojson is missing")
	}
	defer file.Close()
	m, err := geo.New().WithOutlines(file)
	if err != nil {
		t.Fatal(err)
	}
	svg := string(chart.New(m).SVG("Kabupaten Soppeng", "", pins))
	if got := elements(t, svg); got["path"] != 70+1 {
		t.Error(got)
	}
	if size := zipped(t, svg); size > 45<<10 {
		t.Errorf("%d bytes over the line", size)
	}
}
