package ask

import (
	"context"
	"fmt"
	"net"
	"net/netip"
)

// udpAnyPort is the network whose sockets are anyPort.
const udpAnyPort = "udp from any port"

// anyPort is a UDP socket that asks one port of a host and takes the answers that come from any of its ports. What others send is
// passed over. The system does not tell such a socket that a port is closed: that is silence then.
type anyPort struct {
	*net.UDPConn
	to netip.AddrPort
}

// dialAnyPort opens the socket; nothing is sent.
func (k *Keeper) dialAnyPort(ctx context.Context, address string) (net.Conn, error) {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return nil, fmt.Errorf("dial %q: %w", address, err)
	}
	d := net.Dialer{}
	if k.o.Bind {
		if err := k.bind(&d, "udp", address); err != nil {
			return nil, err
		}
	}
	from := netip.AddrPortFrom(netip.IPv6Unspecified(), 0)
	if to.Addr().Is4() {
		from = netip.AddrPortFrom(netip.IPv4Unspecified(), 0)
	}
	if own, ok := d.LocalAddr.(*net.UDPAddr); ok {
		from = own.AddrPort()
	}
	config := net.ListenConfig{Control: d.Control}
	conn, err := config.ListenPacket(ctx, "udp", from.String())
	if err != nil {
		return nil, err
	}
	return &anyPort{UDPConn: conn.(*net.UDPConn), to: to}, nil
}

// Write sends a datagram to the host's port.
func (c *anyPort) Write(b []byte) (int, error) { return c.WriteToUDPAddrPort(b, c.to) }

// Read gives the next datagram of the host.
func (c *anyPort) Read(b []byte) (int, error) {
	for {
		n, from, err := c.ReadFromUDPAddrPort(b)
		if err != nil || from.Addr().Unmap().WithZone("") == c.to.Addr().WithZone("") {
			return n, err
		}
	}
}

// RemoteAddr is whom it asks.
func (c *anyPort) RemoteAddr() net.Addr { return net.UDPAddrFromAddrPort(c.to) }
