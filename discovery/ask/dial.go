package ask

import (
	"context"
	"fmt"
	"net"
	"net/netip"
)

// dial opens one plain connection. Keep-alives would be packets that stand in no plan.
func (k *Keeper) dialPlain(ctx context.Context, network, address string) (net.Conn, error) {
	if network == udpAnyPort {
		return k.dialAnyPort(ctx, address)
	}
	d := net.Dialer{KeepAlive: -1, FallbackDelay: -1}
	if k.o.Bind {
		if err := k.bind(&d, network, address); err != nil {
			return nil, err
		}
	}
	conn, err := d.DialContext(ctx, network, address)
	if tcp, ok := conn.(*net.TCPConn); ok && !addrPort(tcp.RemoteAddr()).Addr().IsLoopback() { // whose segments are larger than that
		_ = tcp.SetReadBuffer(readBuffer)
	}
	return conn, err
}

// readBuffer bounds what the system takes of a device that talks on before it was read, in bytes: what it has taken it acknowledges.
const readBuffer = 16 << 10

// bind makes the connection leave by the interface that was named.
func (k *Keeper) bind(d *net.Dialer, network, address string) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("dial %q: %w", address, err)
	}
	from := k.ownAddress(to.Addr())
	if !from.IsValid() {
		return fmt.Errorf("dial %s: %s has no address for it", address, k.o.Interface.Name)
	}
	d.Control = bindTo(k.o.Interface.Name)
	switch network {
	case "udp":
		d.LocalAddr = net.UDPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	default:
		d.LocalAddr = net.TCPAddrFromAddrPort(netip.AddrPortFrom(from, 0))
	}
	return nil
}

// ownAddress is our own address on the interface for a peer: that of its network, else the first of its kind.
func (k *Keeper) ownAddress(to netip.Addr) netip.Addr {
	var any netip.Addr
	for _, l := range k.links {
		if l.net.Contains(to) {
			return l.own
		}
		if !any.IsValid() && l.own.Is4() == to.Is4() {
			any = l.own
		}
	}
	return any
}
