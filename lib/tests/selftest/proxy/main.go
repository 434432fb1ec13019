// Command proxy stands between the suite and an API server and lies to it in one chosen way, so that
// the self-tests can see whether the suite notices. It has no other use.
//
// It reads {"server", "ca_pem", "cert_pem", "key_pem", "token"} of the real server as one line of
// its standard input, prints {"port", "ca_pem", "token", "control"} as one line, and ends when its
// input ends. On the control port (127.0.0.1, plain HTTP):
//
//	POST /mode  {"noop": true} or {"blind": CHANNEL, "how": "error"|"silence", "from": "change"} or {}
//	GET  /seen  which channels were used since it was asked last: {"pods": 3, "watch": 1}; under
//	            "hidden" how often something was kept back
package main

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"slices"
	"sync"
)

// Mode is the lie of the moment; the zero value is the truth.
type Mode struct {
	Noop  bool   `json:"noop"`  // changes are answered with yes, and not made
	Blind string `json:"blind"` // a channel through which nothing is to be learned
	How   string `json:"how"`   // an error, or an answer with nothing in it
	From  string `json:"from"`  // "change": only once something has been changed, but open streams too
}

type state struct {
	mutex   sync.Mutex
	mode    Mode
	changed bool // since the mode was set
	seen    map[string]int
}

func (s *state) set(mode Mode) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.mode, s.changed = mode, false
}

// note counts the channels, and a change, which is one of them, and returns the mode.
func (s *state) note(channels ...string) Mode {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for _, channel := range channels {
		s.seen[channel]++
		s.changed = s.changed || channel == "change"
	}
	return s.mode
}

// hides tells whether what comes through these channels is kept back now: through which of them and
// how, or "" twice.
func (s *state) hides(channels []string) (channel, how string) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.mode.Blind == "" || !slices.Contains(channels, s.mode.Blind) || (s.mode.From == "change" && !s.changed) {
		return "", ""
	}
	return s.mode.Blind, s.mode.How
}

func (s *state) take() map[string]int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	seen := s.seen
	s.seen = map[string]int{}
	return seen
}

func (s *state) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.Method + " " + r.URL.Path {
	case "POST /mode":
		var mode Mode
		decoder := json.NewDecoder(r.Body)
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&mode); err != nil || !mode.valid() {
			http.Error(w, fmt.Sprintf("bad mode: %v", err), http.StatusBadRequest)
			return
		}
		s.set(mode)
	case "GET /seen":
		json.NewEncoder(w).Encode(s.take())
	default:
		http.NotFound(w, r)
	}
}

func (m Mode) valid() bool {
	if m.Blind == "" {
		return m.How == "" && m.From == ""
	}
	return !m.Noop && channelNames[m.Blind] && (m.How == "error" || m.How == "silence") &&
		(m.From == "" || m.From == "change")
}

func main() {
	log.SetFlags(0)
	log.SetPrefix("selftest proxy: ")
	if err := run(); err != nil {
		log.Fatal(err)
	}
}

func run() error {
	input := bufio.NewReader(os.Stdin)
	line, err := input.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("no configuration on the standard input: %w", err)
	}
	var server upstream
	if err := json.Unmarshal(line, &server); err != nil {
		return fmt.Errorf("configuration: %w", err)
	}
	secret := make([]byte, 16)
	if _, err := rand.Read(secret); err != nil {
		return err
	}
	p := &proxy{token: hex.EncodeToString(secret), state: &state{seen: map[string]int{}}}
	if err := p.dialTo(server); err != nil {
		return err
	}
	listener, ca, err := listenTLS()
	if err != nil {
		return err
	}
	control, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	go http.Serve(control, p.state)
	server1 := &http.Server{Handler: p, ErrorLog: log.New(io.Discard, "", 0)}
	go server1.Serve(listener)
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{
		"port": listener.Addr().(*net.TCPAddr).Port, "ca_pem": ca, "token": p.token,
		"control": control.Addr().(*net.TCPAddr).Port,
	}); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, input)
	return err
}
