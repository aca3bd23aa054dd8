package main

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tabe/adapters/kannel"
	"tabe/adapters/testserver"
)

// BenchmarkKannel is the way of an SMS from the operator's line through a real
// Kannel and back, once with tabe behind it and once with an application that
// sends the same text to everybody. The messages come as fast as Kannel takes
// them. One operation is one SMS to each.
func BenchmarkKannel(b *testing.B) {
	rate := func(b *testing.B, center *messageCenter) time.Duration {
		center.exchange(min(b.N, 50), question)
		return center.exchange(b.N, question)
	}
	center := newMessageCenter(b)
	var line *testserver.Kannel
	s := serveHouse(b, options{databaseURL: testserver.SQLiteURL(b)}, true, func(c *config, addr string) {
		line = testserver.StartKannel(b, center.port(), "http://"+addr+kannel.MessagePath)
		c.kannel.url, c.kannel.username, c.kannel.password, c.kannel.from = line.SendURL, line.Username, line.Password, "1708"
		c.kannel.callback = "http://" + addr
	})
	ours := rate(b, center)
	if s.turned.Load() < int64(b.N) {
		b.Errorf("%d turns", s.turned.Load())
	}

	other := newMessageCenter(b)
	trivial := &trivialApplication{text: strings.Repeat("PBB 2026 ", 22)} // two segments, as our answer has
	door := http.NewServeMux()
	door.Handle("/", trivial)
	l := listenHere(b)
	server := &http.Server{Handler: door}
	go func() { _ = server.Serve(l) }()
	b.Cleanup(func() { _ = server.Close() })
	trivial.line = testserver.StartKannel(b, other.port(), "http://"+l.Addr().String()+"/")
	theirs := rate(b, other)
	b.ReportMetric(float64(b.N)/ours.Seconds(), "sms/s")
	b.ReportMetric(float64(b.N)/theirs.Seconds(), "trivial/s")
	b.ReportMetric(theirs.Seconds()/ours.Seconds(), "ratio")
	b.ReportMetric(0, "ns/op")
}

// trivialApplication answers every SMS with one text.
type trivialApplication struct {
	line *testserver.Kannel
	text string
}

func (a *trivialApplication) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	query := url.Values{"username": {a.line.Username}, "password": {a.line.Password}, "from": {"1708"}, "to": {r.FormValue("from")}, "text": {a.text}}
	if answer, err := http.Get(a.line.SendURL + "?" + query.Encode()); err == nil {
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
	}
}

// messageCenter is the operator's end of the SMPP line: as much of it as
// carries plain texts both ways.
type messageCenter struct {
	listener net.Listener

	mu    sync.Mutex
	conn  net.Conn
	seq   uint32
	next  int
	told  map[string]bool // who was sent something
	bound chan struct{}
	once  sync.Once
}

func newMessageCenter(b *testing.B) *messageCenter {
	c := &messageCenter{listener: listenHere(b), told: map[string]bool{}, bound: make(chan struct{})}
	b.Cleanup(func() { _ = c.listener.Close() })
	go func() {
		for {
			conn, err := c.listener.Accept()
			if err != nil {
				return
			}
			go c.serve(conn)
		}
	}()
	return c
}

func (c *messageCenter) port() string {
	_, port, _ := net.SplitHostPort(c.listener.Addr().String())
	return port
}

// exchange has n telephones send a text and returns how long it took until
// each of them was sent an answer.
func (c *messageCenter) exchange(n int, text string) time.Duration {
	<-c.bound
	c.mu.Lock()
	clear(c.told)
	c.mu.Unlock()
	begun := time.Now()
	for range n {
		c.mu.Lock()
		c.next++
		from := fmt.Sprintf("62815%08d", c.next)
		c.mu.Unlock()
		var body bytes.Buffer
		body.WriteString("\x00\x01\x01" + from + "\x00\x01\x011708\x00")
		body.Write([]byte{0, 0, 0, 0, 0, 0, 0, 0, 0, byte(len(text))})
		body.WriteString(text)
		c.mu.Lock()
		c.seq++
		c.write(5, c.seq, body.Bytes()) // deliver_sm
		c.mu.Unlock()
	}
	for done := 0; done < n; time.Sleep(time.Millisecond) {
		c.mu.Lock()
		done = len(c.told)
		c.mu.Unlock()
	}
	return time.Since(begun)
}

// write sends a PDU; c.mu is held.
func (c *messageCenter) write(command, seq uint32, body []byte) {
	head := make([]byte, 16, 16+len(body))
	binary.BigEndian.PutUint32(head, uint32(16+len(body)))
	binary.BigEndian.PutUint32(head[4:], command)
	binary.BigEndian.PutUint32(head[12:], seq)
	_, _ = c.conn.Write(append(head, body...))
}

func (c *messageCenter) serve(conn net.Conn) {
	c.mu.Lock()
	c.conn = conn
	c.mu.Unlock()
	for {
		var head [16]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			return
		}
		command, seq := binary.BigEndian.Uint32(head[4:]), binary.BigEndian.Uint32(head[12:])
		body := make([]byte, binary.BigEndian.Uint32(head[:])-16)
		if _, err := io.ReadFull(conn, body); err != nil {
			return
		}
		const response, bind, submit, enquire, unbind = 0x80000000, 0x09, 0x04, 0x15, 0x06
		c.mu.Lock()
		switch command {
		case bind:
			c.write(response|bind, seq, []byte("OPERATOR\x00"))
			c.once.Do(func() { close(c.bound) })
		case enquire, unbind:
			c.write(response|command, seq, nil)
		case submit:
			c.write(response|submit, seq, fmt.Appendf(nil, "%08d\x00", seq))
			// The service, two octets and the sender, two octets and the recipient.
			_, rest, _ := strings.Cut(string(body), "\x00")
			_, rest, _ = strings.Cut(rest[2:], "\x00")
			to, _, _ := strings.Cut(rest[2:], "\x00")
			c.told[to] = true
		}
		c.mu.Unlock()
	}
}
