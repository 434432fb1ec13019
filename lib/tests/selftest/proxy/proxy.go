package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"time"
)

// channelNames are the ways in which the suite learns of the cluster.
var channelNames = map[string]bool{
	"pods": true, "events": true, "objects": true, "watch": true, "portforward": true, "exec": true,
	"logs": true,
}

// upstream is the real API server and the account to use there.
type upstream struct {
	Server string `json:"server"`
	CA     string `json:"ca_pem"`
	Cert   string `json:"cert_pem"`
	Key    string `json:"key_pem"`
	Token  string `json:"token"`
}

type proxy struct {
	token string // the suite's
	state *state

	server   upstream
	target   *url.URL
	trusted  *tls.Config // with the account's certificate
	foreign  *tls.Config // for requests that bring a token of their own
	ours     *httputil.ReverseProxy
	somebody *httputil.ReverseProxy
}

func (p *proxy) dialTo(server upstream) error {
	target, err := url.Parse(server.Server)
	if err != nil || target.Scheme != "https" {
		return fmt.Errorf("%q is no https URL", server.Server)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM([]byte(server.CA)) {
		return errors.New("ca_pem holds no certificate")
	}
	p.server, p.target = server, target
	p.foreign = &tls.Config{RootCAs: roots, ServerName: target.Hostname(), MinVersion: tls.VersionTLS12}
	p.trusted = p.foreign.Clone()
	if server.Cert != "" {
		pair, err := tls.X509KeyPair([]byte(server.Cert), []byte(server.Key))
		if err != nil {
			return fmt.Errorf("client certificate: %w", err)
		}
		p.trusted.Certificates = []tls.Certificate{pair}
	}
	p.ours, p.somebody = p.reverse(p.trusted), p.reverse(p.foreign)
	return nil
}

func (p *proxy) reverse(config *tls.Config) *httputil.ReverseProxy {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(p.target) },
		// HTTP/1.1 only: exec and port-forward switch protocols.
		Transport:     &http.Transport{TLSClientConfig: config, TLSNextProto: map[string]func(string, *tls.Conn) http.RoundTripper{}},
		FlushInterval: -1,
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			refuse(w, http.StatusBadGateway, "ServiceUnavailable", err.Error())
		},
	}
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	address := parse(r)
	channels := address.channels()
	mode := p.state.note(channels...)
	if channel, how := p.state.hides(channels); channel != "" {
		p.state.note("hidden")
		blind(w, r, address, channel, how)
		return
	}
	config, next := p.foreign, p.somebody
	if r.Header.Get("Authorization") == "Bearer "+p.token {
		config, next = p.trusted, p.ours
		r.Header.Del("Authorization")
		if p.server.Token != "" {
			r.Header.Set("Authorization", "Bearer "+p.server.Token)
		}
	}
	if address.isAgentCall() {
		p.carry(w, r, config)
		return
	}
	if mode.Noop && address.changes() {
		if err := makeDry(r); err != nil {
			refuse(w, http.StatusBadRequest, "BadRequest", err.Error())
			return
		}
	}
	next.ServeHTTP(&veil{w, p.state, channels}, r)
}

// makeDry has the server do everything but the change itself. A DELETE that brings its options as a
// body is not asked for them in the query.
func makeDry(r *http.Request) error {
	query := r.URL.Query()
	query.Set("dryRun", "All")
	r.URL.RawQuery = query.Encode()
	if r.Method != http.MethodDelete {
		return nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil || len(body) == 0 {
		return err
	}
	options := map[string]any{}
	if err := json.Unmarshal(body, &options); err != nil {
		return fmt.Errorf("options of a deletion: %w", err)
	}
	options["dryRun"] = []string{"All"}
	if body, err = json.Marshal(options); err != nil {
		return err
	}
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	return nil
}

// address is what a request's path speaks of.
type address struct {
	namespace, resource, name, subresource string
	watch, get, dryRun                     bool
}

func parse(r *http.Request) address {
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	root := 3
	if parts[0] == "api" {
		root = 2
	}
	a := address{get: r.Method == http.MethodGet, dryRun: r.URL.Query().Get("dryRun") != ""}
	if len(parts) <= root || (parts[0] != "api" && parts[0] != "apis") {
		return a
	}
	rest := parts[root:]
	if rest[0] == "namespaces" && len(rest) > 2 {
		a.namespace, rest = rest[1], rest[2:]
	}
	a.resource = rest[0]
	if len(rest) > 1 {
		a.name = rest[1]
	}
	if len(rest) > 2 {
		a.subresource = rest[2]
	}
	watch := r.URL.Query().Get("watch")
	a.watch = watch == "true" || watch == "1"
	return a
}

// channels are the ways that a request takes. How the suite sees to its own is none of them, but for
// what its agent is asked.
func (a address) channels() []string {
	var channels []string
	if strings.HasPrefix(a.namespace, "pawk8s") && !a.isAgentCall() {
		return nil
	}
	switch {
	case a.resource == "pods" && a.subresource == "portforward":
		channels = append(channels, "portforward")
	case a.resource == "pods" && (a.subresource == "exec" || a.subresource == "attach"):
		channels = append(channels, "exec")
	case a.resource == "pods" && a.subresource == "log":
		channels = append(channels, "logs")
	case a.get && a.subresource == "" && (a.resource == "pods" || a.resource == "events"):
		channels = append(channels, a.resource)
	case a.get && a.isOfDeployment():
		channels = append(channels, "objects")
	}
	if a.watch {
		channels = append(channels, "watch")
	}
	if a.changes() {
		channels = append(channels, "change")
	}
	return channels
}

// changes tells whether the request would change the deployment or its cluster. Questions that are
// posted, and what the suite keeps in namespaces of its own, are none of it.
func (a address) changes() bool {
	return !a.get && !a.dryRun && a.isOfDeployment() && !strings.HasSuffix(a.resource, "reviews") && a.subresource != "token" &&
		a.subresource != "exec" && a.subresource != "portforward"
}

// isOfDeployment tells whether it is an object of the deployment or its cluster: not what the suite
// keeps in namespaces of its own, nor the namespaces themselves, by which it knows the cluster.
func (a address) isOfDeployment() bool {
	return a.resource != "" && a.resource != "namespaces" && !strings.HasPrefix(a.namespace, "pawk8s")
}

func (a address) isAgentCall() bool {
	return a.subresource == "exec" && strings.HasPrefix(a.namespace, "pawk8s")
}

// blind answers with an error, or with an answer from which nothing can be learned.
func blind(w http.ResponseWriter, r *http.Request, a address, channel, how string) {
	if how == "error" {
		refuse(w, http.StatusServiceUnavailable, "ServiceUnavailable", "the self-test shows nothing of "+channel)
		return
	}
	switch {
	case a.watch:
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
		http.NewResponseController(w).Flush()
		<-r.Context().Done()
	case channel == "portforward" || channel == "exec":
		silentStream(w, r, channel)
	case channel == "logs":
		w.WriteHeader(http.StatusOK)
	case a.name != "":
		// That it does not exist would be something to be learned: what was done to it is then rightly
		// not taken back.
		<-r.Context().Done()
	default:
		answer(w, http.StatusOK, map[string]any{"kind": "List", "apiVersion": "v1",
			"metadata": map[string]string{"resourceVersion": "1"}, "items": []any{}})
	}
}

// veil is before an answer that has begun: from the moment on that its channels are hidden, nothing
// more comes through.
type veil struct {
	http.ResponseWriter
	state    *state
	channels []string
}

func (v *veil) Unwrap() http.ResponseWriter { return v.ResponseWriter }

func (v *veil) Write(b []byte) (int, error) {
	return v.state.pass(v.channels, b, v.ResponseWriter, true)
}

// Hijack is for what switches protocols.
func (v *veil) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(v.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	return &veiledConn{conn, v.state, v.channels}, buffered, nil
}

type veiledConn struct {
	net.Conn
	state    *state
	channels []string
}

// From the end of a stream alone nothing is learned.
func (v *veiledConn) Write(b []byte) (int, error) {
	return v.state.pass(v.channels, b, v.Conn, len(b) > 0 && b[0]&0x0f < opClose)
}

// pass writes what may be seen; what is hidden by silence is lost without a word.
func (s *state) pass(channels []string, b []byte, to io.Writer, isContent bool) (int, error) {
	_, how := s.hides(channels)
	if how != "" && isContent {
		s.note("hidden")
	}
	switch how {
	case "error":
		return 0, errors.New("the self-test lets nothing through any more")
	case "silence":
		return len(b), nil
	}
	return to.Write(b)
}

func refuse(w http.ResponseWriter, code int, reason, message string) {
	answer(w, code, map[string]any{"kind": "Status", "apiVersion": "v1", "status": "Failure",
		"reason": reason, "message": message, "code": code})
}

func answer(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	json.NewEncoder(w).Encode(body)
}

// dial opens a connection of its own to the real server.
func (p *proxy) dial(config *tls.Config) (net.Conn, error) {
	host := p.target.Host
	if p.target.Port() == "" {
		host += ":443"
	}
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: 5 * time.Second}, Config: config}
	return dialer.Dial("tcp", host)
}
