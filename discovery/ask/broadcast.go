package ask

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
)

// openBroadcast opens a UDP socket whose broadcasts leave by the interface. With a local port it also hears what others
// broadcast to that port.
func openBroadcast(ctx context.Context, ifi *net.Interface, from netip.Addr, localPort uint16) (net.PacketConn, error) {
	var failed error
	config := net.ListenConfig{Control: func(_, _ string, raw syscall.RawConn) error {
		err := raw.Control(func(fd uintptr) { failed = prepareBroadcast(fd, ifi, localPort != 0) })
		if err != nil {
			return err
		}
		return failed
	}}
	conn, err := config.ListenPacket(ctx, "udp4", net.JoinHostPort(broadcastFrom(from), strconv.Itoa(int(localPort))))
	if err != nil {
		return nil, fmt.Errorf("open %s for broadcasts: %w", ifi.Name, err)
	}
	return conn, nil
}
