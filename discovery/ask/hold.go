package ask

import (
	"context"
	"net"
	"sync"
	"time"
)

// holder keeps sockets that we are done with and the device is not. A socket that is closed while something may still come
// answers it itself: TCP with a reset, which small devices pay for with a connection slot, UDP with an ICMP message. So what
// comes late is read and dropped, until the device ends the connection, for as long as the limits say, or until the time after
// an interrupt is over.
type holder struct {
	ctx  context.Context // ends when every socket must be closed
	open sync.WaitGroup
}

// take reads from the socket for the time, and at most so many bytes: whoever says more than that does not end by himself, and
// is reset, the only one whom nothing else stops.
func (h *holder) take(conn net.Conn, bytes int, patience time.Duration) {
	h.open.Go(func() {
		defer conn.Close() //nolint:errcheck // it is over
		_ = conn.SetReadDeadline(time.Now().Add(patience))
		defer context.AfterFunc(h.ctx, func() { _ = conn.SetReadDeadline(longGone()) })()
		buffer := make([]byte, 4096)
		for bytes > 0 {
			n, err := conn.Read(buffer)
			if err != nil {
				return
			}
			bytes -= n
			if n == len(buffer) && sleepUntil(h.ctx, time.Now().Add(betweenReads)) != nil {
				return
			}
		}
	})
}

// betweenReads keeps what is read of a device that talks on, and what the system acknowledges of it, to 20 kB/s.
const betweenReads = 200 * time.Millisecond

// wait returns when nothing is held any more.
func (h *holder) wait() { h.open.Wait() }
