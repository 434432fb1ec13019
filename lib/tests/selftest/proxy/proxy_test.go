package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

const (
	podsPath  = "/api/v1/namespaces/paw/pods"
	truePods  = `{"items":[{"metadata":{"name":"paw-validator-0"}}]}`
	firstLine = `{"type":"ADDED"}` + "\n"
	lastLine  = `{"type":"DELETED"}` + "\n"
)

// cluster is an API server that tells the truth, behind the proxy. A watch shows one event at once and
// one more when `more` is closed.
type cluster struct {
	t     *testing.T
	state *state
	front *httptest.Server
	more  chan struct{}

	mutex sync.Mutex
	asked []string // method, path, query and body of what came through
}

func newCluster(t *testing.T) *cluster {
	c := &cluster{t: t, state: &state{seen: map[string]int{}}, more: make(chan struct{})}
	server := httptest.NewTLSServer(http.HandlerFunc(c.serve))
	t.Cleanup(server.Close)
	p := &proxy{token: "ours", state: c.state}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})
	if err := p.dialTo(upstream{Server: server.URL, CA: string(ca), Token: "theirs"}); err != nil {
		t.Fatal(err)
	}
	c.front = httptest.NewServer(p)
	t.Cleanup(c.front.Close)
	return c
}

func (c *cluster) serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	c.mutex.Lock()
	c.asked = append(c.asked, strings.TrimSpace(fmt.Sprintf("%s %s %s", r.Method, r.URL.RequestURI(), body)))
	c.mutex.Unlock()
	if r.Header.Get("Authorization") != "Bearer theirs" {
		http.Error(w, "who is it?", http.StatusUnauthorized)
		return
	}
	if r.URL.Query().Get("watch") == "" {
		io.WriteString(w, truePods)
		return
	}
	io.WriteString(w, firstLine)
	http.NewResponseController(w).Flush()
	<-c.more
	io.WriteString(w, lastLine)
}

func (c *cluster) start(ctx context.Context, method, path, body string) (*http.Response, error) {
	c.t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, c.front.URL+path, strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer ours")
	return http.DefaultClient.Do(r)
}

// do returns the answer's status and body.
func (c *cluster) do(method, path, body string) (int, string) {
	c.t.Helper()
	answer, err := c.start(c.t.Context(), method, path, body)
	if err != nil {
		c.t.Fatal(err)
	}
	defer answer.Body.Close()
	said, err := io.ReadAll(answer.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return answer.StatusCode, strings.TrimSpace(string(said))
}

func TestTheTruthComesThroughWithTheServersOwnToken(t *testing.T) {
	c := newCluster(t)
	if code, said := c.do("GET", podsPath, ""); code != http.StatusOK || said != truePods {
		t.Errorf("%d %s", code, said)
	}
	if seen := c.state.take(); seen["pods"] != 1 || seen["hidden"] != 0 {
		t.Errorf("seen: %v", seen)
	}
}

func TestChannelsOfARequest(t *testing.T) {
	for request, want := range map[string]string{
		"GET " + podsPath:                                                      "pods",
		"GET " + podsPath + "?watch=1":                                         "pods watch",
		"GET " + podsPath + "/paw-validator-0/log":                             "logs",
		"GET " + podsPath + "/paw-validator-0/portforward":                     "portforward",
		"POST " + podsPath + "/paw-validator-0/exec":                           "exec",
		"POST " + podsPath + "/paw-validator-0/eviction":                       "change",
		"DELETE " + podsPath + "/paw-validator-0":                              "change",
		"DELETE " + podsPath + "/paw-validator-0?dryRun=All":                   "",
		"GET /api/v1/namespaces/paw/events":                                    "events",
		"GET /apis/apps/v1/namespaces/paw/statefulsets/paw-validator":          "objects",
		"GET /api/v1/nodes":                                                    "objects",
		"PATCH /api/v1/nodes/worker-0":                                         "change",
		"GET /api/v1/namespaces/paw":                                           "", // the cluster's identity
		"GET /version":                                                         "",
		"POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews":          "",
		"POST /api/v1/namespaces/paw/serviceaccounts/paw/token":                "",
		"PUT /apis/coordination.k8s.io/v1/namespaces/pawk8s/leases/run-paw":    "",
		"GET /api/v1/namespaces/pawk8s-agent/pods?watch=true":                  "",
		"GET /api/v1/namespaces/pawk8s-agent/pods/pawk8s-agent-x/exec?stdin=1": "exec",
	} {
		method, target, _ := strings.Cut(request, " ")
		got := parse(httptest.NewRequest(method, target, nil)).channels()
		if strings.Join(got, " ") != want {
			t.Errorf("%s: %q, want %q", request, got, want)
		}
	}
}

func TestAnErrorIsOneOfTheServer(t *testing.T) {
	c := newCluster(t)
	c.state.set(Mode{Blind: "pods", How: "error"})
	if code, said := c.do("GET", podsPath, ""); code != http.StatusServiceUnavailable || !strings.Contains(said, `"Status"`) {
		t.Errorf("%d %s", code, said)
	}
	if code, said := c.do("GET", "/api/v1/nodes", ""); said != truePods {
		t.Errorf("another channel: %d %s", code, said)
	}
	if seen := c.state.take(); seen["hidden"] != 1 {
		t.Errorf("seen: %v", seen)
	}
}

func TestSilenceSaysNothing(t *testing.T) {
	c := newCluster(t)
	c.state.set(Mode{Blind: "pods", How: "silence"})
	if code, said := c.do("GET", podsPath, ""); code != http.StatusOK || !strings.Contains(said, `"items":[]`) {
		t.Errorf("a list: %d %s", code, said)
	}
	c.state.set(Mode{Blind: "logs", How: "silence"})
	if code, said := c.do("GET", podsPath+"/paw-validator-0/log", ""); code != http.StatusOK || said != "" {
		t.Errorf("a log: %d %q", code, said)
	}
	c.state.set(Mode{Blind: "objects", How: "silence"})
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if answer, err := c.start(ctx, "GET", "/apis/apps/v1/namespaces/paw/statefulsets/paw-validator", ""); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("one object: %v %v, want no answer", answer, err)
	}
	if len(c.asked) != 0 {
		t.Errorf("came through: %q", c.asked)
	}
}

func TestSilenceFromTheChangeOnHoldsInOpenStreamsToo(t *testing.T) {
	c := newCluster(t)
	c.state.set(Mode{Blind: "pods", How: "silence", From: "change"})
	watch, err := c.start(t.Context(), "GET", podsPath+"?watch=1", "")
	if err != nil {
		t.Fatal(err)
	}
	defer watch.Body.Close()
	events := bufio.NewReader(watch.Body)
	if line, err := events.ReadString('\n'); line != firstLine {
		t.Fatalf("before the change: %q, %v", line, err)
	}
	if _, said := c.do("GET", podsPath, ""); said != truePods {
		t.Errorf("before the change: %s", said)
	}
	c.do("DELETE", podsPath+"/paw-validator-0", "")
	if _, said := c.do("GET", podsPath, ""); !strings.Contains(said, `"items":[]`) {
		t.Errorf("after the change: %s", said)
	}
	close(c.more)
	if left, err := io.ReadAll(events); len(left) != 0 {
		t.Errorf("after the change: %q, %v", left, err)
	}
	if seen := c.state.take(); seen["hidden"] != 2 {
		t.Errorf("seen: %v, want one list and one event hidden", seen)
	}
}

func TestWhereNothingIsToBeDoneTheServerIsAskedToDoItDry(t *testing.T) {
	c := newCluster(t)
	c.state.set(Mode{Noop: true})
	c.do("PATCH", "/api/v1/nodes/worker-0", `{"spec":{}}`)
	c.do("DELETE", podsPath+"/paw-validator-0", `{"kind":"DeleteOptions"}`)
	c.do("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", "{}")
	want := []string{
		`PATCH /api/v1/nodes/worker-0?dryRun=All {"spec":{}}`,
		`DELETE ` + podsPath + `/paw-validator-0?dryRun=All {"dryRun":["All"],"kind":"DeleteOptions"}`,
		`POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews {}`,
	}
	if !slices.Equal(c.asked, want) {
		t.Errorf("came through: %q, want %q", c.asked, want)
	}
}

func TestOnlyWhatWouldDoSomethingIsAnsweredForTheAgent(t *testing.T) {
	for request, phase := range map[string]string{
		`{"verb":"arm","args":{"id":"f1","ttl_ms":5000,"injection":{"kind":"freeze"}}}`: "active",
		`{"verb":"revert","args":{"id":"f1"}}`:                                          "reverted",
	} {
		var reply struct {
			OK struct{ ID, Kind, Phase string } `json:"ok"`
		}
		if err := json.Unmarshal(asIfDone([]byte(request)), &reply); err != nil || reply.OK.ID != "f1" || reply.OK.Phase != phase {
			t.Errorf("%s: %+v, %v", request, reply, err)
		}
	}
	if !bytes.Contains(asIfDone([]byte(`{"verb":"signal","args":{}}`)), []byte(`"pids":[1]`)) {
		t.Error("a signal is not said to be sent")
	}
	for _, request := range []string{`{"verb":"faults","args":{}}`, `{"verb":"statvfs","args":{}}`, "no JSON"} {
		if reply := asIfDone([]byte(request)); reply != nil {
			t.Errorf("%s: %s", request, reply)
		}
	}
}

func TestFramesAreReadAsTheyWereSent(t *testing.T) {
	for _, size := range []int{0, 1, 125, 126, 65535} {
		payload := bytes.Repeat([]byte("x"), size)
		sent := frame(opBinary, payload)
		op, read, raw, err := readFrame(bytes.NewReader(sent))
		if err != nil || op != opBinary || !bytes.Equal(read, payload) || !bytes.Equal(raw, sent) {
			t.Errorf("%d bytes: op %d, %d bytes, %v", size, op, len(read), err)
		}
	}
	masked := []byte{0x80 | opBinary, 0x80 | 2, 1, 2, 3, 4, 'o' ^ 1, 'k' ^ 2}
	if _, read, _, err := readFrame(bytes.NewReader(masked)); err != nil || string(read) != "ok" {
		t.Errorf("a client's: %q, %v", read, err)
	}
	if _, _, _, err := readFrame(bytes.NewReader([]byte{0x80 | opBinary, 127, 0, 0, 0, 0, 1, 0, 0, 0})); err == nil {
		t.Error("a frame of 16 MiB was read")
	}
}
