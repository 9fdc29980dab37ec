package dialogue

import (
	"context"
	"errors"
	"net"
	"os"
	"time"
)

// Gather takes what comes over the socket of a question to a segment until the time is over; the session decodes it. The error is
// that of the context or of the socket.
func Gather(ctx context.Context, conn net.PacketConn, d time.Duration) error {
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
