// Package plant is a small simulated plant on loopback, for the demo and for tests: real servers, one loopback address for
// each device, no rights needed. It only listens; it never dials.
//
//	127.77.0.1    the virtual address of the router (VRRP)        heard
//	127.77.0.2    managed switch, Hirschmann BOBCAT               SNMPv2c, LLDP
//	127.77.0.3    gateway, Schneider Electric EGX150              Modbus, with a power meter as unit 1 and a drive as unit 2
//	127.77.0.4    PLC, WAGO 750-8212                              Modbus (nameplate of the basic category only), LLDP
//	127.77.0.5    soft PLC, Beckhoff                              OPC UA, endpoints None and Basic256Sha256
//	127.77.0.6    operator panel, Siemens TP1200                  LLDP; polls the PLC
//	127.77.0.254  router, Innominate mGuard                       heard; forwards a historian of another network
//
// The names and versions are in the form that these families use; serial numbers and MAC addresses are invented. The devices
// that only speak unasked are in Frames, as bytes, with the same addresses as the servers.
//
// A server listens on its usual port where that is above 1023, else 1000 above it; when that is taken, on one that the
// system chooses. All ports are in Devices.
package plant

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/walkdown-ot/walkdown/discovery"
)

// Device is one of the plant.
type Device struct {
	Name  string
	Addr  netip.Addr
	MAC   discovery.MAC
	Ports map[string]uint16 // protocol -> the port that its server listens on; empty for a device that is only heard
	Units []uint8           // Modbus unit ids behind the device, which is a gateway then
}

// Plant is a running one.
type Plant struct {
	devices []Device
	stop    context.CancelFunc
	running sync.WaitGroup
}

// The limits of a server, those of a modest field device.
const (
	maxConnections = 8
	idleTime       = time.Minute
)

// Start opens the servers and returns when all of them listen. The plant runs until Close, or until the context ends.
// The error is an *AddressError where the system has no such loopback addresses.
func Start(ctx context.Context) (*Plant, error) {
	ctx, stop := context.WithCancel(ctx)
	p := &Plant{devices: roster(), stop: stop}
	for i := range p.devices {
		if err := p.open(ctx, &p.devices[i]); err != nil {
			_ = p.Close()
			return nil, fmt.Errorf("start the simulated plant: %w", err)
		}
	}
	return p, nil
}

// Close stops the servers, ends open connections and waits for everything that was started.
func (p *Plant) Close() error {
	p.stop()
	p.running.Wait()
	return nil
}

// Devices gives all devices, those that are only heard too, sorted by address.
func (p *Plant) Devices() []Device {
	all := slices.Clone(p.devices)
	for i := range all {
		all[i].Ports, all[i].Units = maps.Clone(all[i].Ports), slices.Clone(all[i].Units)
	}
	return all
}

// Scope is what may be asked in this plant: the addresses of its servers, each alone.
func (p *Plant) Scope() []netip.Prefix {
	var scope []netip.Prefix
	for _, d := range p.devices {
		if len(d.Ports) > 0 {
			scope = append(scope, netip.PrefixFrom(d.Addr, d.Addr.BitLen()))
		}
	}
	return scope
}

// open starts the servers of one device and notes their ports.
func (p *Plant) open(ctx context.Context, d *Device) error {
	switch d.Addr {
	case switchAddr:
		return p.listenUDP(ctx, d, "snmp", 1161, newAgent(switchTable(time.Now())).serve)
	case gatewayAddr:
		return p.listenTCP(ctx, d, "modbus", 1502, gatewayUnits().serve)
	case plcAddr:
		return p.listenTCP(ctx, d, "modbus", 1502, plcUnits().serve)
	case softPLCAddr:
		server, err := newUAServer(d.Addr)
		if err != nil {
			return err
		}
		return p.listenTCP(ctx, d, "opcua", 4840, server.serve)
	}
	return nil
}

// listenTCP serves each connection until its handler returns or the context ends. A device with no place left closes a further
// connection at once, as the small ones do.
func (p *Plant) listenTCP(ctx context.Context, d *Device, protocol string, port uint16, serve func(context.Context, net.Conn)) error {
	var config net.ListenConfig
	listener, err := atPort(d.Addr, port, func(at string) (net.Listener, error) { return config.Listen(ctx, "tcp", at) })
	if err != nil {
		return err
	}
	d.Ports[protocol] = addrPort(listener.Addr())
	context.AfterFunc(ctx, func() { _ = listener.Close() })
	places := make(chan struct{}, maxConnections)
	p.running.Go(func() {
		for {
			conn, err := listener.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue // the connection was gone again before it was taken
			}
			select {
			case places <- struct{}{}:
				p.running.Go(func() {
					defer func() { <-places }()
					serveConn(ctx, conn, serve)
				})
			default:
				_ = conn.Close()
			}
		}
	})
	return nil
}

// serveConn closes the connection when the handler is done or the context ends, whichever comes first.
func serveConn(ctx context.Context, conn net.Conn, serve func(context.Context, net.Conn)) {
	defer conn.Close() //nolint:errcheck // nothing was promised to the peer
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	serve(ctx, conn)
}

// listenUDP answers each datagram with what the handler returns, or not at all when that is nothing.
func (p *Plant) listenUDP(ctx context.Context, d *Device, protocol string, port uint16, answer func([]byte) []byte) error {
	var config net.ListenConfig
	conn, err := atPort(d.Addr, port, func(at string) (net.PacketConn, error) { return config.ListenPacket(ctx, "udp", at) })
	if err != nil {
		return err
	}
	d.Ports[protocol] = addrPort(conn.LocalAddr())
	context.AfterFunc(ctx, func() { _ = conn.Close() })
	p.running.Go(func() {
		buffer := make([]byte, 65536)
		for {
			n, from, err := conn.ReadFrom(buffer)
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err != nil {
				continue // Windows tells here of an answer that could not be delivered
			}
			if reply := answer(buffer[:n]); len(reply) > 0 {
				_, _ = conn.WriteTo(reply, from)
			}
		}
	})
	return nil
}

// atPort opens at the wanted port, or at any when that is taken.
func atPort[T any](addr netip.Addr, port uint16, open func(at string) (T, error)) (T, error) {
	l, err := open(netip.AddrPortFrom(addr, port).String())
	if errors.Is(err, syscall.EADDRINUSE) {
		l, err = open(netip.AddrPortFrom(addr, 0).String())
	}
	if errors.Is(err, syscall.EADDRNOTAVAIL) {
		return l, &AddressError{Addr: addr, Err: err}
	}
	if err != nil {
		return l, fmt.Errorf("listen on %s: %w", addr, err)
	}
	return l, nil
}

func addrPort(addr net.Addr) uint16 {
	at, err := netip.ParseAddrPort(addr.String())
	if err != nil {
		panic(err) // the address of a socket of ours
	}
	return at.Port()
}
