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
	channelClose  = 255
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

func writeFrame(w io.Writer, op byte, payload []byte) error {
	header := []byte{0x80 | op}
	switch {
	case len(payload) < 126:
		header = append(header, byte(len(payload)))
	default:
		header = binary.BigEndian.AppendUint16(append(header, 126), uint16(len(payload)))
	}
	_, err := w.Write(append(header, payload...))
	return err
}

// readFrame reads one frame of a client; raw is the frame as it came.
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

// finish ends an exec as if the command had said that and succeeded.
func finish(conn net.Conn, output []byte) {
	if len(output) > 0 {
		writeFrame(conn, opBinary, append([]byte{channelStdout}, output...))
	}
	writeFrame(conn, opBinary, append([]byte{channelError}, `{"status":"Success"}`...))
	writeFrame(conn, opClose, []byte{3, 232})
}

// silentStream is an exec that prints nothing, or a forward through which nothing comes.
func silentStream(w http.ResponseWriter, r *http.Request, channel string) {
	conn, buffered, err := accept(w, r)
	if err != nil {
		return
	}
	defer conn.Close()
	if channel == "exec" {
		finish(conn, nil)
		conn.SetReadDeadline(time.Now().Add(time.Second))
	}
	io.Copy(io.Discard, buffered)
}

// pretend carries an exec to the agent, but answers those calls itself that would do something.
func (p *proxy) pretend(w http.ResponseWriter, r *http.Request, config *tls.Config) {
	conn, buffered, err := accept(w, r)
	if err != nil {
		return
	}
	defer conn.Close()
	var input, raw []byte
	for ended := r.URL.Query().Get("stdin") != "true"; !ended; {
		op, payload, frame, err := readFrame(buffered)
		if err != nil || op == opClose {
			return
		}
		raw = append(raw, frame...)
		switch {
		case len(payload) == 2 && payload[0] == channelClose:
			ended = true
		case len(payload) > 0 && payload[0] == channelStdin:
			input = append(input, payload[1:]...)
		}
	}
	if reply := asIfDone(input); reply != nil {
		finish(conn, reply)
		conn.SetReadDeadline(time.Now().Add(time.Second))
		io.Copy(io.Discard, buffered)
		return
	}
	server, err := p.dial(config)
	if err != nil {
		return
	}
	defer server.Close()
	out := r.Clone(r.Context())
	out.Host = p.target.Host
	if err := out.Write(server); err != nil {
		return
	}
	answers := bufio.NewReader(server)
	if response, err := http.ReadResponse(answers, out); err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		return
	}
	server.Write(raw)
	go io.Copy(server, buffered)
	io.Copy(conn, answers)
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
