package dialogue

import (
	"context"
	"errors"
	"os"
	"time"
)

// PacketConn is what a session's Frames and Broadcast give, as far as it is needed here.
type PacketConn[Addr any] interface {
	ReadFrom(b []byte) (int, Addr, error)
	SetReadDeadline(t time.Time) error
}

// Gather takes what comes over the socket of a question to a segment until the time is over; the session decodes it. The error is
// that of the context or of the socket.
func Gather[Addr any](ctx context.Context, conn PacketConn[Addr], d time.Duration) error {
	end := time.Now().Add(d)
	if err := conn.SetReadDeadline(end); err != nil {
		return err
	}
	buffer := make([]byte, maxDatagram)
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		_, _, err := conn.ReadFrom(buffer)
		if errors.Is(err, os.ErrDeadlineExceeded) || err == nil && time.Now().After(end) {
			return ctx.Err()
		}
		if err != nil {
			return err
		}
	}
}
