package alerts_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The schemas of OASIS, and a stricter one, which belong to others and are not
// kept here.
var schemas = []string{"CAP-v1.2.xsd", "cap12_extended.xsd"}

// validator is a schema validator that this project did not write: Java's.
const validator = `
import java.io.File;
import javax.xml.XMLConstants;
import javax.xml.transform.stream.StreamSource;
import javax.xml.validation.SchemaFactory;
public class V {
  public static void main(String[] a) throws Exception {
    var v = SchemaFactory.newInstance(XMLConstants.W3C_XML_SCHEMA_NS_URI).newSchema(new File(a[0])).newValidator();
    for (int i = 1; i < a.length; i++) {
      try { v.validate(new StreamSource(new File(a[i]))); System.out.println("valid"); }
      catch (org.xml.sax.SAXException e) { System.out.println("invalid " + e.getMessage().replace('\n', ' ')); }
    }
  }
}`

// verdicts returns what each schema says of each document: "valid", or why not.
func verdicts(t *testing.T, documents ...[]byte) map[string][]string {
	t.Helper()
	if _, err := exec.LookPath("java"); err != nil {
		t.Skip("NOT CHECKED against the schema: there is no java on this machine")
	}
	dir := t.TempDir()
	program := filepath.Join(dir, "V.java")
	if err := os.WriteFile(program, []byte(validator), 0o600); err != nil {
		t.Fatal(err)
	}
	var files []string
	for i, d := range documents {
		file := filepath.Join(dir, string(rune('a'+i))+".xml")
		if err := os.WriteFile(file, d, 0o600); err != nil {
			t.Fatal(err)
		}
		files = append(files, file)
	}
	said := map[string][]string{}
	for _, name := range schemas {
		schema := filepath.Join("..", "..", "..", "..", "shared", "standards", name)
		if _, err := os.Stat(schema); err != nil {
			t.Skip("NOT CHECKED against the schema: ../shared/standards is missing")
		}
		out, err := exec.Command("java", append([]string{program, schema}, files...)...).CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		said[name] = strings.Split(strings.TrimSpace(string(out)), "\n")
	}
	return said
}
