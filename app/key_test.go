package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"polylens/indexer/catalog"
	"polylens/internal/needs"
	"polylens/web"
)

// TestKeyCommands need no server.
func TestKeyCommands(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	f := newFolders(t)
	made := objects[web.NewKey](t, f.succeed(t, "key", "create", "photo frame", "--scope", "search,index", "--collection", "a,b",
		"--expires", "30d", "--rate", "2.5", "--burst", "7", "--json"))[0]
	if id, ok := catalog.KeyIDOf(made.Secret); !ok || id != made.Key.ID {
		t.Errorf("the key %+v has the secret %q", made.Key, made.Secret)
	}
	plain := f.run(t, "key", "create", "second", "--scope", "admin")
	secret := strings.TrimSpace(plain.stdout)
	if id, ok := catalog.KeyIDOf(secret); !ok || !strings.Contains(plain.stderr, id) || strings.Contains(plain.stderr, secret) {
		t.Errorf("printed %q and %q", plain.stdout, plain.stderr)
	}
	listed := f.succeed(t, "key", "list")
	for _, word := range []string{"photo frame", "search", "a,b", "active", "second", "all", "never"} {
		if !strings.Contains(listed, word) {
			t.Errorf("%q is not in\n%s", word, listed)
		}
	}
	f.succeed(t, "key", "revoke", made.Key.ID)
	for _, key := range objects[web.Key](t, f.succeed(t, "key", "list", "--json")) {
		if want := map[bool]string{true: "revoked", false: "active"}[key.ID == made.Key.ID]; key.State != want {
			t.Errorf("%s is %s, want %s", key.Name, key.State, want)
		}
	}
	audit, err := os.ReadFile(filepath.Join(f.data, auditName))
	if err != nil || !strings.Contains(string(audit), `"operation":"create-key"`) || !strings.Contains(string(audit), made.Key.ID) {
		t.Errorf("%v; the audit log is\n%s", err, audit)
	}
	for _, all := range []string{listed, string(audit)} {
		for _, secret := range []string{secret, made.Secret} {
			if strings.Contains(all, secret[len(secret)-40:]) {
				t.Errorf("a key is shown again in\n%s", all)
			}
		}
	}
}

func TestKeyCommandsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	f := newFolders(t)
	for _, test := range []struct {
		code      int
		words     []string
		arguments []string
	}{
		{exitUsage, []string{"scope"}, []string{"create", "x"}},
		{exitUsage, []string{"root"}, []string{"create", "x", "--scope", "root"}},
		{exitUsage, []string{"--expires", "90d"}, []string{"create", "x", "--scope", "search", "--expires", "soon"}},
		{exitUsage, []string{"--burst", "--rate"}, []string{"create", "x", "--scope", "search", "--burst", "3"}},
		{exitUsage, []string{"by its ID"}, []string{"revoke", catalog.NewKeyText()}},
		{exitUsage, []string{"ended already"}, []string{"token", "--key", "x", "--filter", "{}", "--expires=-1h"}},
		{exitFailure, []string{"no API key"}, []string{"token", "--key", "x", "--filter", `{"field":"a","eq":1}`}},
		{exitFailure, []string{"filter"}, []string{"token", "--key", catalog.NewKeyText(), "--filter", `{}`}},
	} {
		f.fail(t, test.code, test.words, append([]string{"key"}, test.arguments...)...)
	}
}

// TestServeWithKeys: who comes over the network needs a key, whoever it is; the commands of
// the server's own user on the machine itself do not.
func TestServeWithKeys(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f := newFolders(t)
	server := f.serve(t, "--addr", "0.0.0.0:0")
	_, port, err := net.SplitHostPort(server.address)
	if err != nil {
		t.Fatal(err)
	}
	server.address = net.JoinHostPort("127.0.0.1", port)
	server.get(t, "/healthz", http.StatusOK)
	server.get(t, "/", http.StatusOK)
	server.get(t, "/api/v1/collections", http.StatusUnauthorized)
	server.get(t, "/readyz", http.StatusUnauthorized)
	pictures := t.TempDir()
	drawFolder(t, pictures, 1, 3)
	if got := f.index(t, pictures); got.Progress.Indexed != 3 {
		t.Errorf("%+v", got)
	}
	made := objects[web.NewKey](t, f.succeed(t, "key", "create", "x", "--scope", "search", "--json"))[0]
	ask := func(key string) (int, string) {
		return askWith(t, http.DefaultClient, "http://"+server.address+"/api/v1/collections/c/search?q=picture", key)
	}
	if status, body := ask(made.Secret); status != http.StatusOK || !strings.Contains(body, `"hits":[{`) {
		t.Errorf("with a key: %d %s", status, body)
	}
	command := f
	command.env = append(command.env, "POLYLENS_KEY="+made.Secret)
	token := strings.TrimSpace(command.succeed(t, "key", "token", "--filter", `{"field":"parity","eq":1}`))
	if status, body := ask(token); status != http.StatusOK || !strings.Contains(body, `"parity":1`) || strings.Contains(body, `"parity":0`) {
		t.Errorf("with a token: %d %s", status, body)
	}
	f.succeed(t, "key", "revoke", made.Key.ID)
	for _, credentials := range []string{made.Secret, token} {
		if status, body := ask(credentials); status != http.StatusUnauthorized {
			t.Errorf("with a revoked key: %d %s", status, body)
		}
	}
	if strings.Contains(server.log(), made.Secret) || !strings.Contains(server.log(), "in the clear") {
		t.Errorf("the log is\n%s", server.log())
	}
	if code := server.stop(t, syscall.SIGTERM); code != exitSuccess {
		t.Errorf("ended with %d", code)
	}
}

func askWith(t *testing.T, client *http.Client, url, key string) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		request.Header.Set("Authorization", "Bearer "+key)
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

// TestServeTLS: the certificate is read again when it is another one, and commands find the
// server all the same.
func TestServeTLS(t *testing.T) {
	t.Parallel()
	needs.ONNXRuntime(t)
	needs.Milvus(t)
	f := newFolders(t)
	folder := t.TempDir()
	certificate, key := filepath.Join(folder, "certificate.pem"), filepath.Join(folder, "key.pem")
	first := writeCertificate(t, certificate, key)
	server := f.serve(t, "--tls-certificate", certificate, "--tls-key", key)
	if status, body := askWith(t, trusting(first), "https://"+server.address+"/healthz", ""); status != http.StatusOK {
		t.Errorf("%d %s", status, body)
	}
	if status, body := askWith(t, trusting(first), "https://"+server.address+"/api/v1/info", ""); status != http.StatusOK || !strings.Contains(body, `"folders":true`) {
		t.Errorf("its own user over TLS: %d %s", status, body)
	}
	f.succeed(t, "collection", "list")
	second := writeCertificate(t, certificate, key)
	for end := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		response, err := trusting(second).Get("https://" + server.address + "/healthz")
		if err == nil {
			response.Body.Close()
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the new certificate is not used: %v\n%s", err, server.log())
		}
	}
	if code := server.stop(t, syscall.SIGTERM); code != exitSuccess {
		t.Errorf("ended with %d", code)
	}
}

func TestServeRefusesABrokenCertificate(t *testing.T) {
	t.Parallel()
	f := newFolders(t)
	folder := t.TempDir()
	certificate, key := filepath.Join(folder, "certificate.pem"), filepath.Join(folder, "key.pem")
	f.fail(t, exitFailure, []string{certificate}, "serve", "--tls-certificate", certificate, "--tls-key", key)
	writeCertificate(t, certificate, filepath.Join(folder, "other.pem"))
	writeCertificate(t, filepath.Join(folder, "other"), key)
	f.fail(t, exitFailure, []string{certificate, key, "does not match"}, "serve", "--tls-certificate", certificate, "--tls-key", key)
}

// trusting is a client that takes one certificate.
func trusting(certificate *x509.Certificate) *http.Client {
	pool := x509.NewCertPool()
	pool.AddCert(certificate)
	return &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: pool}}, Timeout: 30 * time.Second}
}

func writeCertificate(t *testing.T, certificateFile, keyFile string) *x509.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certificateFile: {Type: "CERTIFICATE", Bytes: der}, keyFile: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	parsed, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return parsed
}

func TestMomentAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]time.Time{
		"12h": now.Add(12 * time.Hour), "90d": now.AddDate(0, 0, 90), "2027-01-31": time.Date(2027, 1, 31, 0, 0, 0, 0, time.Local),
		"2027-01-31T18:00:00Z": time.Date(2027, 1, 31, 18, 0, 0, 0, time.UTC),
	} {
		if got, err := momentAfter(now, text); err != nil || !got.Equal(want) {
			t.Errorf("%s is %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{"", "d", "-3d", "1.5d", "soon", "31.1.2027"} {
		if got, err := momentAfter(now, text); err == nil {
			t.Errorf("%q is %s", text, got)
		}
	}
}
