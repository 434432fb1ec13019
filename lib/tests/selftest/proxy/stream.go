package main

import (
	"bufio"
	"bytes"
	"crypto/sha1"
	"crypto/tls"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// WebSockets of exec and port-forward, as far as a lie needs them (RFC 6455; channels of
// v5.channel.k8s.io: the first byte of a message).
const (
	opBinary = 2
	opClose  = 8

	channelStdin  = 0
	channelStdout = 1
	channelError  = 3
)

// accept switches to WebSocket, with the protocol that the client likes best.
func accept(w http.ResponseWriter, r *http.Request) (net.Conn, *bufio.ReadWriter, error) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, nil, err
	}
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
	protocol, _, _ := strings.Cut(r.Header.Get("Sec-WebSocket-Protocol"), ",")
	_, err = fmt.Fprintf(conn, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]), strings.TrimSpace(protocol))
	return conn, buffered, err
}

// frame is one of a server, which are not masked.
func frame(op byte, payload []byte) []byte {
	header := []byte{0x80 | op}
	switch {
	case len(payload) < 126:
		header = append(header, byte(len(payload)))
	default:
		header = binary.BigEndian.AppendUint16(append(header, 126), uint16(len(payload)))
	}
	return append(header, payload...)
}

// readFrame reads one frame; raw is the frame as it came.
func readFrame(r io.Reader) (op byte, payload, raw []byte, err error) {
	var copied bytes.Buffer
	r = io.TeeReader(r, &copied)
	head := make([]byte, 2)
	if _, err = io.ReadFull(r, head); err != nil {
		return
	}
	length := uint64(head[1] & 0x7f)
	if extra := map[uint64]int{126: 2, 127: 8}[length]; extra > 0 {
		sizes := make([]byte, 8)
		if _, err = io.ReadFull(r, sizes[8-extra:]); err != nil {
			return
		}
		length = binary.BigEndian.Uint64(sizes)
	}
	if length > 1<<20 {
		err = fmt.Errorf("a frame of %d bytes", length)
		return
	}
	var mask [4]byte
	if head[1]&0x80 != 0 {
		if _, err = io.ReadFull(r, mask[:]); err != nil {
			return
		}
	}
	payload = make([]byte, length)
	if _, err = io.ReadFull(r, payload); err != nil {
		return
	}
	for i := range payload {
		payload[i] ^= mask[i%4]
	}
	return head[0] & 0x0f, payload, copied.Bytes(), nil
}

// silentStream is an exec that prints nothing, or a forward through which nothing comes.
func silentStream(w http.ResponseWriter, r *http.Request, channel string) {
	conn, buffered, err := accept(w, r)
	if err != nil {
		return
	}
	defer conn.Close()
	if channel == "exec" {
		conn.Write(frame(opBinary, append([]byte{channelError}, `{"status":"Success"}`...)))
		conn.Write(frame(opClose, []byte{3, 232}))
		conn.SetReadDeadline(time.Now().Add(time.Second))
	}
	io.Copy(io.Discard, buffered)
}

// carry carries an exec to the agent, which is sent one request a line and may be kept for many. It
// sees which of them would do something; where nothing is to be done it answers those itself.
func (p *proxy) carry(w http.ResponseWriter, r *http.Request, config *tls.Config) {
	server, answers, err := p.open(r, config)
	if err != nil {
		refuse(w, http.StatusBadGateway, "ServiceUnavailable", err.Error())
		return
	}
	defer server.Close()
	conn, buffered, err := accept(w, r)
	if err != nil {
		return
	}
	defer conn.Close()
	client := &frameWriter{to: &veiledConn{conn, p.state, []string{"exec"}}}
	go func() {
		defer conn.Close()
		for {
			_, _, raw, err := readFrame(answers)
			if err != nil || client.write(raw) != nil {
				return
			}
		}
	}()
	var line, held []byte
	for {
		_, payload, raw, err := readFrame(buffered)
		if err != nil {
			return
		}
		held = append(held, raw...)
		if len(payload) > 1 && payload[0] == channelStdin {
			line = append(line, payload[1:]...)
			if !bytes.HasSuffix(line, []byte("\n")) {
				continue
			}
			if reply := asIfDone(line); reply != nil && p.state.note("change").Noop {
				held = nil
				if client.write(frame(opBinary, append([]byte{channelStdout}, append(reply, '\n')...))) != nil {
					return
				}
			}
			line = nil
		}
		if _, err := server.Write(held); err != nil {
			return
		}
		held = nil
	}
}

// open starts the same exec at the real server.
func (p *proxy) open(r *http.Request, config *tls.Config) (net.Conn, *bufio.Reader, error) {
	server, err := p.dial(config)
	if err != nil {
		return nil, nil, err
	}
	out := r.Clone(r.Context())
	out.Host = p.target.Host
	answers := bufio.NewReader(server)
	if err = out.Write(server); err == nil {
		var response *http.Response
		if response, err = http.ReadResponse(answers, out); err == nil && response.StatusCode != http.StatusSwitchingProtocols {
			err = fmt.Errorf("the API server answers %s", response.Status)
		}
	}
	if err != nil {
		server.Close()
		return nil, nil, err
	}
	return server, answers, nil
}

// frameWriter keeps the frames of two writers whole.
type frameWriter struct {
	mutex sync.Mutex
	to    io.Writer
}

func (f *frameWriter) write(raw []byte) error {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	_, err := f.to.Write(raw)
	return err
}

// asIfDone is the agent's answer to a call that has worked; nil for calls that only look.
func asIfDone(request []byte) []byte {
	var call struct {
		Verb string `json:"verb"`
		Args struct {
			ID        string `json:"id"`
			TTL       int64  `json:"ttl_ms"`
			Injection struct {
				Kind string `json:"kind"`
			} `json:"injection"`
		} `json:"args"`
	}
	if json.Unmarshal(request, &call) != nil {
		return nil
	}
	now := time.Now().UnixMilli()
	state := map[string]any{"id": call.Args.ID, "kind": call.Args.Injection.Kind, "armed_ms": now,
		"deadline_ms": now + call.Args.TTL, "applied_ms": now, "phase": "active",
		"target_gone": false, "failed_reverts": 0, "last_error": ""}
	switch call.Verb {
	case "arm":
	case "revert":
		state["phase"], state["reverted_ms"] = "reverted", now
	case "signal":
		state = map[string]any{"pids": []int{1}, "sent_ms": now}
	default:
		return nil
	}
	reply, err := json.Marshal(map[string]any{"ok": state})
	if err != nil {
		return nil
	}
	return reply
}
