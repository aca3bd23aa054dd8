package redis_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tabe/adapters/redis"
	"tabe/adapters/testserver"
)

func TestAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"redis://host":                   "",
		"redis://:s3cret@host:7000/2":    "",
		"rediss://user:s3cret@host":      "",
		"redis://host?cluster=true":      "",
		"redis://[::1]:7000/":            "",
		"rediss://a:7000?addr=b:7001":    "",
		"redis://a?addr=b:1&addr=[::]:2": "",
		"redis://:s3cret@a/3?master_name=tabe&addr=b:26379&username=u&password=s3cret": "",

		"":                                             "not a redis:// or rediss:// address",
		"http://host":                                  "not a redis:// or rediss:// address",
		"host:6379":                                    "not a redis:// or rediss:// address",
		"redis:///0":                                   "not a redis:// or rediss:// address",
		"redis://:s3cret@host:port":                    "not a redis:// or rediss:// address",
		"redis://:s3cret#more@host":                    "not a redis:// or rediss:// address",
		"redis://host?addr=%zz":                        "not a redis:// or rediss:// address",
		"redis://host/s3cret":                          "not the number of a database",
		"redis://host/-1":                              "not the number of a database",
		"redis://host?s3cret=1":                        "a parameter is none of addr,",
		"redis://host?mastername=s3cret":               "a parameter is none of addr,",
		"redis://host?master_name=":                    "master_name= is there twice, or empty",
		"redis://a?cluster=true&addr=b":                "addr= is not HOST:PORT",
		"redis://host?cluster=s3cret":                  "cluster= is something else than true",
		"redis://host/1?cluster=true":                  "a cluster has only database 0",
		"redis://host/1?addr=b:6379":                   "a cluster has only database 0",
		"redis://host?password=s3cret":                 "behind sentinels",
		"redis://host?cluster=true&master_name=s3cret": "exclude each other",
	} {
		err := redis.Validate(address)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", address, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%v shows a secret", err)
		}
	}
}

// TestTLS speaks to a server that wants TLS and a password. Its certificate is
// believed because SSL_CERT_FILE names it, as for an authority of the regency.
func TestTLS(t *testing.T) {
	cert, key := certificate(t)
	t.Setenv("SSL_CERT_FILE", cert) // read once in a process: this is its only test that asks
	server := testserver.StartRedisTLS(t, cert, key, "s3cret")
	host := strings.TrimPrefix(server.URL(), "redis://")
	if err := open(t, "rediss://:s3cret@"+host).Ping(t.Context()); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"redis://:s3cret@" + host, "rediss://:other@" + host, "rediss://:s3cret@" + strings.Replace(host, "127.0.0.1", "localhost", 1)} {
		s, err := redis.Open(wrong, secret)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Ping(t.Context()); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s answers %v", wrong, err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// certificate writes a certificate for 127.0.0.1, signed by itself, and its key.
func certificate(t *testing.T) (cert, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Redis"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), BasicConstraintsValid: true, IsCA: true,
	}
	body, err := x509.CreateCertificate(rand.Reader, &template, &template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	secretKey, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	cert, key = filepath.Join(folder, "cert.pem"), filepath.Join(folder, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: body}, key: {Type: "PRIVATE KEY", Bytes: secretKey}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}
