package kannel_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf16"
)

// operator is the other end of Kannel's line: the short message center of a
// telephone company, as much SMPP 3.4 of it as Kannel speaks.
type operator struct {
	t        *testing.T
	listener net.Listener

	mu       sync.Mutex
	conn     net.Conn
	seq      uint32
	next     int
	throttle int // how many submits are put off
	parts    map[string][]string
	arrived  chan delivery
}

// delivery is a text that reached a telephone, put together again.
type delivery struct {
	to, text string
	parts    int
	coding   byte
}

const (
	bindTransceiver = 0x09
	submitSM        = 0x04
	deliverSM       = 0x05
	enquireLink     = 0x15
	unbind          = 0x06
	response        = 0x80000000
	throttled       = 0x58
)

func startOperator(t *testing.T) *operator {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	o := &operator{t: t, listener: l, parts: map[string][]string{}, arrived: make(chan delivery, 1000)}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			o.mu.Lock()
			o.conn = c
			o.mu.Unlock()
			running.Go(func() { o.serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		o.mu.Lock()
		if o.conn != nil {
			_ = o.conn.Close()
		}
		o.mu.Unlock()
		running.Wait()
	})
	return o
}

func (o *operator) port() string {
	_, port, _ := net.SplitHostPort(o.listener.Addr().String())
	return port
}

func (o *operator) write(c net.Conn, command, status, seq uint32, body []byte) {
	head := binary.BigEndian.AppendUint32(nil, uint32(16+len(body)))
	for _, n := range []uint32{command, status, seq} {
		head = binary.BigEndian.AppendUint32(head, n)
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	_, _ = c.Write(append(head, body...))
}

func (o *operator) serve(c net.Conn) {
	for {
		var head [16]byte
		if _, err := io.ReadFull(c, head[:]); err != nil {
			return
		}
		size, command, seq := binary.BigEndian.Uint32(head[0:]), binary.BigEndian.Uint32(head[4:]), binary.BigEndian.Uint32(head[12:])
		if size < 16 || size > 64<<10 {
			o.t.Errorf("a PDU of %d bytes", size)
			return
		}
		body := make([]byte, size-16)
		if _, err := io.ReadFull(c, body); err != nil {
			return
		}
		switch command {
		case bindTransceiver:
			o.write(c, response|bindTransceiver, 0, seq, []byte("OPERATOR\x00"))
		case enquireLink, unbind:
			o.write(c, response|command, 0, seq, nil)
		case submitSM:
			o.submitted(c, seq, body)
		}
	}
}

func (o *operator) submitted(c net.Conn, seq uint32, body []byte) {
	o.mu.Lock()
	putOff := o.throttle > 0
	if putOff {
		o.throttle--
	}
	o.next++
	id := fmt.Sprintf("%08d", o.next)
	o.mu.Unlock()
	if putOff {
		o.write(c, response|submitSM, throttled, seq, nil)
		return
	}
	o.write(c, response|submitSM, 0, seq, []byte(id+"\x00"))
	r := bytes.NewReader(body)
	text := func() string {
		var s []byte
		for {
			b, err := r.ReadByte()
			if err != nil || b == 0 {
				return string(s)
			}
			s = append(s, b)
		}
	}
	octet := func() byte { b, _ := r.ReadByte(); return b }
	text() // service
	octet()
	octet()
	from := text()
	octet()
	octet()
	to := text()
	esm := octet()
	octet()
	octet()
	text()
	text()
	registered := octet()
	octet()
	coding := octet()
	octet()
	message := make([]byte, octet())
	_, _ = io.ReadFull(r, message)
	part, parts, key := 1, 1, to
	if esm&0x40 != 0 {
		header := message[:message[0]+1]
		key, parts, part = fmt.Sprint(to, header[3]), int(header[4]), int(header[5])
		message = message[message[0]+1:]
	}
	said := gsm7(message)
	if coding == 8 {
		units := make([]uint16, len(message)/2)
		for i := range units {
			units[i] = binary.BigEndian.Uint16(message[2*i:])
		}
		said = string(utf16.Decode(units))
	}
	o.mu.Lock()
	all := append(o.parts[key], make([]string, max(0, parts-len(o.parts[key])))...)
	all[part-1] = said
	o.parts[key] = all
	whole := !contains(all, "")
	if whole {
		delete(o.parts, key)
	}
	o.mu.Unlock()
	if registered&1 != 0 {
		o.receipt(c, from, to, id)
	}
	if whole {
		o.arrived <- delivery{to: to, text: strings.Join(all, ""), parts: parts, coding: coding}
	}
}

func contains(all []string, s string) bool {
	for _, a := range all {
		if a == s {
			return true
		}
	}
	return false
}

// receipt tells how a message ended: a number that ends in 9 cannot be reached.
func (o *operator) receipt(c net.Conn, from, to, id string) {
	status := "DELIVRD"
	if strings.HasSuffix(to, "9") {
		status = "UNDELIV"
	}
	now := time.Now().Format("0601021504")
	o.deliver(c, to, from, 0x04, 0, []byte("id:"+id+" sub:001 dlvrd:001 submit date:"+now+" done date:"+now+" stat:"+status+" err:000 text:"))
}

func (o *operator) deliver(c net.Conn, from, to string, esm, coding byte, message []byte) {
	var b bytes.Buffer
	b.WriteByte(0)
	b.Write([]byte{1, 1})
	b.WriteString(from + "\x00")
	b.Write([]byte{1, 1})
	b.WriteString(to + "\x00")
	b.Write([]byte{esm, 0, 0, 0, 0, 0, 0, coding, 0, byte(len(message))})
	b.Write(message)
	o.mu.Lock()
	o.seq++
	seq := o.seq
	o.mu.Unlock()
	o.write(c, deliverSM, 0, seq, b.Bytes())
}

// writes lets a resident send a text; what is not in GSM-7 goes as UCS-2.
func (o *operator) writes(from, text string, lontara bool) {
	o.mu.Lock()
	c := o.conn
	o.mu.Unlock()
	if !lontara {
		o.deliver(c, from, "1708", 0, 0, []byte(text))
		return
	}
	var message []byte
	for _, u := range utf16.Encode([]rune(text)) {
		message = binary.BigEndian.AppendUint16(message, u)
	}
	o.deliver(c, from, "1708", 0, 8, message)
}

// gsm7 reads the default alphabet, one character in an octet. It is written
// down here once more, apart from the code that is tested.
func gsm7(message []byte) string {
	table := []rune("@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà")
	extension := map[byte]rune{0x14: '^', 0x28: '{', 0x29: '}', 0x2f: '\\', 0x3c: '[', 0x3d: '~', 0x3e: ']', 0x40: '|', 0x65: '€'}
	var out []rune
	for i := 0; i < len(message); i++ {
		if message[i] == 0x1b && i+1 < len(message) {
			i++
			out = append(out, extension[message[i]])
			continue
		}
		out = append(out, table[message[i]&0x7f])
	}
	return string(out)
}
