package ssh

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"github.com/walkdown-ot/walkdown/discovery"
	"github.com/walkdown-ot/walkdown/discovery/wire/dialogue"
)

// identification is what the asker says of itself.
const identification = "SSH-2.0-walkdown\r\n"

// asker connects once, says who it is, and reads the server's identification. No key exchange begins and nobody logs in; the server
// may write a line about it into its log.
func asker() *discovery.Asker {
	return &discovery.Asker{
		Transport: discovery.TCP,
		Port:      22,
		Requests: []discovery.Request{{
			Name: "identify", Safety: discovery.SafetyC, ByClass: map[discovery.Class]discovery.Safety{discovery.ClassInfrastructure: discovery.SafetyB},
			Template: discovery.MustTemplate(hex.EncodeToString([]byte(identification))), Max: 1, Yields: []discovery.Key{KeyServerVersion},
			Effect: "takes one connection for a second; the server may write a line into its log",
		}},
		Message: frame,
		Ask:     ask,
	}
}

// frame gives the length of a line, or of a packet of the binary protocol that follows the lines (RFC 4253 section 6), which begins
// with a zero byte since none is so long.
func frame(b []byte) (int, error) {
	const lengthSize, maxPacket = 4, 1 << 18
	if len(b) > 0 && b[0] == 0 {
		if len(b) < lengthSize {
			return 0, nil
		}
		n := lengthSize + int(binary.BigEndian.Uint32(b))
		if n > maxPacket {
			return 0, fmt.Errorf("a packet of %d bytes at byte 0", n)
		}
		if n > len(b) {
			n = 0
		}
		return n, nil
	}
	n := bytes.IndexByte(b[:min(len(b), maxLine)], '\n') + 1
	if n == 0 && len(b) >= maxLine || !isText(b[:n]) && !isText(b[:max(n-1, 0)]) {
		return 0, fmt.Errorf("no line of text in %d bytes", len(b))
	}
	return n, nil
}

func ask(ctx context.Context, s discovery.Session, t discovery.Target) error {
	if _, ok := s.Known(KeyServerVersion); ok {
		return nil
	}
	conn, err := s.Dial(ctx)
	if err != nil {
		return fmt.Errorf("ask %s by ssh: %w", t.Subject, err)
	}
	d := dialogue.New(ctx, conn, frame)
	defer d.Close()
	line, err := d.Ask([]byte(identification))
	for range maxLines {
		if err != nil {
			return fmt.Errorf("ask %s by ssh: %w", t.Subject, err)
		}
		if isIdentification(line) {
			return nil
		}
		line, err = d.Receive()
	}
	return fmt.Errorf("ask %s by ssh: %w: no identification in %d lines", t.Subject, discovery.ErrNotUnderstood, maxLines)
}
