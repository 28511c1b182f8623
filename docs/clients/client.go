// Torvus from Go: needs 1.19 or later and nothing but the standard library.
//
//	go build -o client client.go && TORVUS_API_KEY=torvus_sk_test_… ./client
//
// Exit codes: 2 the key is not accepted (401), 3 it may not do this (403), 1 anything else.
package main

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"
)

type client struct {
	http     http.Client
	url, key string
}

// call sends a request, again where that can help, and decodes the answer into out.
func (c *client) call(method, path, body string, out any) {
	id := make([]byte, 16)
	must(rand.Read(id))
	for attempt := 0; ; attempt++ {
		req := must(http.NewRequest(method, c.url+path, strings.NewReader(body)))
		req.Header.Set("Authorization", "Bearer "+c.key)
		if body != "" {
			req.Header.Set("Content-Type", "application/json")
			req.Header.Set("Idempotency-Key", fmt.Sprintf("%x", id)) // the same in each try: one vault is made
		}
		resp := must(c.http.Do(req))
		text := must(io.ReadAll(resp.Body))
		resp.Body.Close()
		wait := time.Second << attempt // 1, 2, 4 … seconds
		switch resp.StatusCode {
		case 200, 201:
			must(out, json.Unmarshal(text, out))
			return
		case 401:
			fail(2, "401: the key is wrong, expired or revoked; check TORVUS_API_KEY")
		case 403:
			scope := regexp.MustCompile(`scope="[^"]+"`).FindString(resp.Header.Get("WWW-Authenticate"))
			fail(3, "403: permission missing, or not from this address: "+scope)
		case 429:
			wait = must(time.ParseDuration(resp.Header.Get("Retry-After") + "s"))
		}
		if resp.StatusCode != 429 && resp.StatusCode != 503 || attempt == 4 {
			fail(1, fmt.Sprintf("%s: %s", resp.Status, text))
		}
		fmt.Fprintf(os.Stderr, "%s: trying again in %v\n", resp.Status, wait)
		time.Sleep(wait)
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		fail(1, err.Error())
	}
	return value
}

func fail(code int, message string) {
	fmt.Fprintln(os.Stderr, message)
	os.Exit(code)
}

func main() {
	torvus := client{http.Client{Timeout: 30 * time.Second}, os.Getenv("TORVUS_URL"), os.Getenv("TORVUS_API_KEY")}
	if torvus.url == "" {
		torvus.url = "http://127.0.0.1:8080"
	}
	if torvus.key == "" {
		fail(1, "set TORVUS_API_KEY")
	}
	var account, vault map[string]string
	torvus.call("GET", "/v1/account", "", &account)
	fmt.Printf("account %s, plan %s\n", account["account_id"], account["plan"])
	torvus.call("POST", "/v1/vaults", `{"name":"From Go"}`, &vault)
	fmt.Println("created", vault["id"])
	var list struct{ Data []struct{ ID, Name string } }
	torvus.call("GET", "/v1/vaults?limit=100", "", &list)
	for _, vault := range list.Data {
		fmt.Printf("%s  %s\n", vault.ID, vault.Name)
	}
}
