package open311

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"strings"
)

// The documents of GeoReport v2. In XML they have a root, in JSON they are what
// is inside of it. Numbers of complaints and codes are strings in both; what is
// unknown is null in JSON and missing in XML.

type services []service

type service struct {
	XMLName     xml.Name `xml:"service" json:"-"`
	Code        string   `xml:"service_code" json:"service_code"`
	Name        string   `xml:"service_name" json:"service_name"`
	Description string   `xml:"description" json:"description"`
	Metadata    bool     `xml:"metadata" json:"metadata"`
	Type        string   `xml:"type" json:"type"`
	Keywords    string   `xml:"keywords" json:"keywords"`
	Group       *string  `xml:"group,omitempty" json:"group"`
}

type serviceDefinition struct {
	XMLName    xml.Name    `xml:"service_definition" json:"-"`
	Code       string      `xml:"service_code" json:"service_code"`
	Attributes []attribute `xml:"attributes>attribute" json:"attributes"`
}

type attribute struct {
	Variable    bool             `xml:"variable" json:"variable"`
	Code        string           `xml:"code" json:"code"`
	Datatype    string           `xml:"datatype" json:"datatype"`
	Required    bool             `xml:"required" json:"required"`
	Hint        *string          `xml:"datatype_description,omitempty" json:"datatype_description"`
	Order       int              `xml:"order" json:"order"`
	Description string           `xml:"description" json:"description"`
	Values      []attributeValue `xml:"values>value,omitempty" json:"values,omitempty"`
}

type attributeValue struct {
	Key  string `xml:"key" json:"key"`
	Name string `xml:"name" json:"name"`
}

type requests []request

type request struct {
	XMLName     xml.Name `xml:"request" json:"-"`
	ID          string   `xml:"service_request_id" json:"service_request_id"`
	Status      string   `xml:"status" json:"status"`
	StatusNotes *string  `xml:"status_notes,omitempty" json:"status_notes"`
	Name        string   `xml:"service_name" json:"service_name"`
	Code        string   `xml:"service_code" json:"service_code"`
	Description *string  `xml:"description,omitempty" json:"description"`
	Agency      string   `xml:"agency_responsible" json:"agency_responsible"`
	Notice      *string  `xml:"service_notice,omitempty" json:"service_notice"`
	Requested   string   `xml:"requested_datetime" json:"requested_datetime"`
	Updated     string   `xml:"updated_datetime" json:"updated_datetime"`
	Expected    *string  `xml:"expected_datetime,omitempty" json:"expected_datetime"`
	Address     *string  `xml:"address,omitempty" json:"address"`
	AddressID   *string  `xml:"address_id,omitempty" json:"address_id"`
	Zipcode     *string  `xml:"zipcode,omitempty" json:"zipcode"`
	Lat         *float64 `xml:"lat,omitempty" json:"lat"`
	Long        *float64 `xml:"long,omitempty" json:"long"`
	MediaURL    *string  `xml:"media_url,omitempty" json:"media_url"`
}

type receipts []receipt

// receipt answers a filed complaint. There are no tokens: it has its number at once.
type receipt struct {
	XMLName xml.Name `xml:"request" json:"-"`
	ID      string   `xml:"service_request_id" json:"service_request_id"`
	Notice  *string  `xml:"service_notice,omitempty" json:"service_notice"`
	Account *string  `xml:"account_id,omitempty" json:"account_id"`
}

type discovery struct {
	XMLName    xml.Name   `xml:"discovery" json:"-"`
	Changeset  string     `xml:"changeset" json:"changeset"`
	Contact    string     `xml:"contact" json:"contact"`
	KeyService string     `xml:"key_service" json:"key_service"`
	Endpoints  []endpoint `xml:"endpoints>endpoint" json:"endpoints"`
}

type endpoint struct {
	Specification string   `xml:"specification" json:"specification"`
	URL           string   `xml:"url" json:"url"`
	Changeset     string   `xml:"changeset" json:"changeset"`
	Type          string   `xml:"type" json:"type"`
	Formats       []string `xml:"formats>format" json:"formats"`
}

type faults []oneFault

type oneFault struct {
	XMLName     xml.Name `xml:"error" json:"-"`
	Code        int      `xml:"code" json:"code"`
	Description string   `xml:"description" json:"description"`
}

// roots are the XML documents of the lists.
func root(what any) any {
	switch list := what.(type) {
	case services:
		return struct {
			XMLName xml.Name `xml:"services"`
			List    services
		}{List: list}
	case requests:
		return struct {
			XMLName xml.Name `xml:"service_requests"`
			List    requests
		}{List: list}
	case receipts:
		return struct {
			XMLName xml.Name `xml:"service_requests"`
			List    receipts
		}{List: list}
	case faults:
		return struct {
			XMLName xml.Name `xml:"errors"`
			List    faults
		}{List: list}
	}
	return what
}

// format cuts the ending off a file name and returns how to write what it asks
// for; nil if it asks for neither format.
func format(name string) (file string, write func(w http.ResponseWriter, code int, what any)) {
	if file, ok := strings.CutSuffix(name, ".xml"); ok {
		return file, writeXML
	}
	if file, ok := strings.CutSuffix(name, ".json"); ok {
		return file, writeJSON
	}
	return name, nil
}

func writeXML(w http.ResponseWriter, code int, what any) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	if err := xml.NewEncoder(&b).Encode(root(what)); err != nil { // only a type without an XML form can fail
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	send(w, code, "text/xml; charset=utf-8", b.Bytes())
}

func writeJSON(w http.ResponseWriter, code int, what any) {
	b, err := json.Marshal(what)
	if err != nil {
		http.Error(w, "", http.StatusInternalServerError)
		return
	}
	send(w, code, "application/json; charset=utf-8", b)
}

func send(w http.ResponseWriter, code int, kind string, body []byte) {
	w.Header().Set("Content-Type", kind)
	w.WriteHeader(code)
	_, _ = w.Write(body) // the caller is gone, then
}
